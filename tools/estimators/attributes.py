"""The learned attributes of the estimators, as their docstrings describe them."""

from __future__ import annotations

from typing import NamedTuple

from fieldfare.kinds.models import ModelKind


class Attribute(NamedTuple):
    """A learned attribute, as its docstring describes it."""

    name: str
    type: str
    doc: str


CLASSES_ = Attribute("classes_", "array of shape (n_classes,)", "The classes, sorted.")
MODEL_ = Attribute(
    "model_",
    "Model",
    "The trained model, for `fieldfare.explain`, `fieldfare.save_model` and so on.",
)
COLUMNS = (
    Attribute("n_features_in_", "int", "Number of columns of X."),
    Attribute(
        "feature_names_in_",
        "object array of shape (n_features_in_,)",
        "Names of the columns of X. Only defined if they have names.",
    ),
)
SCHEMA_ = Attribute("schema_", "Schema", "What the columns and the features mean.")


IMPORTANCES_ = Attribute(
    "feature_importances_",
    "float64 array of shape (n_features_in_,)",
    "Share of the variance of the scores that each column of X accounts for, as if the columns "
    "were independent; half of that of an interaction goes to each of its columns. They sum to 1. "
    "Only defined after fitting on a table or an array.",
)


def training(calls: str = "`fit` or `partial_fit`") -> tuple[Attribute, ...]:
    """Return the attributes that a training leaves."""
    history = (
        f"The epochs of the last call of {calls}; prints as a table. ``best_epoch`` is the best of "
        "them; ``refit`` has those of a second training on all rows, if there was one."
    )
    return (
        Attribute("history_", "History", history),
        SCHEMA_,
        IMPORTANCES_,
        Attribute(
            "n_iter_",
            "int",
            "Number of epochs so far; after a second training on all rows, the epochs of that.",
        ),
        *COLUMNS,
    )


SAMPLING = (
    Attribute(
        "trace_",
        "Trace",
        "Fit and hyperparameters of every sweep; prints as a table of diagnostics.",
    ),
    Attribute("posterior_", "Posterior", "The samples that were kept."),
    SCHEMA_,
    IMPORTANCES_,
    Attribute("n_iter_", "int", "Number of sweeps so far."),
    *COLUMNS,
)
NAMED = "after encoding; ``schema_.feature_names`` has their names"
KERAS_MODEL_ = Attribute(
    "keras_model_",
    "keras.Model",
    "The same model for Keras. Its inputs are what `fieldfare.keras.to_inputs` makes of rows, its "
    "outputs are scores.",
)
BY_CLASS = (
    Attribute("intercept_", "float32 array of shape (1,) or (n_classes,)", "Bias."),
    Attribute(
        "coef_",
        "float32 array of shape (1, n_features) or (n_classes, n_features)",
        f"Linear weights of the features {NAMED}.",
    ),
)
OF_NUMBERS = (
    Attribute("intercept_", "float", "Bias."),
    Attribute(
        "coef_", "float32 array of shape (n_features,)", f"Linear weights of the features {NAMED}."
    ),
)


def predicted(what: str) -> tuple[Attribute, ...]:
    """Return the attributes of the rows that are predicted while sampling."""
    shape = "float64 array of shape (n_eval_samples,)"
    return (
        Attribute("eval_prediction_", shape, f"{what} for each row of ``eval_set``, if given."),
        Attribute("eval_std_", shape, "Standard deviation of the target of each of these rows."),
    )


def arrays(kind: ModelKind, *, by_class: bool) -> tuple[Attribute, ...]:
    """Return the attributes for the arrays that not all kinds have."""
    docs = {
        "factors": "Latent vectors: the factors of order 2, then those of order 3, and so on."
        if kind.by_order
        else "Latent vectors.",
        "pair_weights": "Weight of each pair of fields; symmetric.",
    }
    found = []
    for name, doc in docs.items():
        if name not in kind.parameters:
            continue
        axes = {"features": "n_features", "outputs": "n_classes", "fields": "n_fields"}
        axes["factors"] = "n_all_factors" if kind.by_order else "n_factors"
        shape = [axes[size] for size in kind.parameters[name]]
        short = ", ".join(axis for axis in shape if axis != "n_classes")
        if by_class:
            doc += f" With more than two classes, the shape is ({', '.join(shape)})."
        found.append(Attribute(f"{name}_", f"float32 array of shape ({short})", doc))
    return tuple(found)
