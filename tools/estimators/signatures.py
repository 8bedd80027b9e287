"""Which parameters the estimators take, and in which order."""

from __future__ import annotations

from fieldfare import settings
from fieldfare.config import KerasConfig, ModelConfig
from fieldfare.schema.hints import HINTS
from fieldfare.settings import names_of

# What most people set comes first. A new parameter needs a place here; `parameters` finds the rest
# of what it needs in `config`.
ORDER = (
    *("model", "n_factors", "order", "shared_factors"),
    *("loss", "pairs_per_row", "negatives", "negatives_exponent", "known_negatives"),
    *("n_warmup", "n_samples", "n_keep_samples"),
    *("solver", "optimizer", "learning_rate", "max_iter", "batch_size"),
    *("l2_linear", "l2_factors", "l2_exponent", "l2_fields"),
    *("l1_linear", "l1_factors", "ftrl_beta", "ftrl_start"),
    *("unobserved_weight", "l2_queries", "l2_items"),
    *("fit_intercept", "fit_linear", "instance_norm", "norm_unknown"),
    *("scale_features", "init_scale"),
    *("early_stopping", "validation_fraction", "validation", "validation_column", "refit"),
    *("n_iter_no_change", "tol", "eval_metric"),
    *("class_weight", "max_time", "shuffle", "groups", "memory_limit"),
    *("random_state", "n_jobs", "deterministic", "verbose", "keep_state"),
    *("warm_start", "schema", "fields", *HINTS, "callbacks"),
)

RANKING = frozenset(
    {
        "loss",
        "pairs_per_row",
        "negatives",
        "negatives_exponent",
        "known_negatives",
        "unobserved_weight",
        "l2_queries",
        "l2_items",
    }
)
FACTORS = frozenset({"n_factors", "l2_factors", "l1_factors", "fit_linear", "init_scale"})
ORDERS = frozenset({"order", "shared_factors"})
CLASSES = frozenset({"class_weight"})
FIELDS = frozenset({"fields"})
FIELD_PENALTY = frozenset({"l2_fields"})
TRAINED = (
    (frozenset(settings.TRAINED) | {"warm_start", "schema", *HINTS, "callbacks"})
    - {"task"}
    - ({"model"} | RANKING | ORDERS | CLASSES | FIELD_PENALTY)
)
SAMPLED = (frozenset(settings.SAMPLED) | {"groups", "warm_start", "schema", *HINTS}) - {"task"}
BY_KERAS = (
    frozenset(names_of(ModelConfig, KerasConfig))
    | {"learning_rate", "l2_linear", "l2_factors", "max_iter", "shuffle"}
    | {"early_stopping", "validation_fraction", "validation", "validation_column", "refit"}
    | {"n_iter_no_change", "tol"}
    | {"scale_features", "random_state", "verbose", "schema", *HINTS, "callbacks"}
) - ({"model", "task"} | ORDERS)
