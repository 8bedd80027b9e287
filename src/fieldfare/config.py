"""Every hyperparameter, declared once: its default, what it may be, and a sentence about it.

Estimator signatures, command-line flags, model headers and the reference pages are generated from
these classes, or tested to agree with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from fieldfare._validation import (
    NONE,
    SEED,
    AnyOf,
    Constraint,
    Flag,
    Instance,
    Number,
    OneOf,
    Several,
    check,
)
from fieldfare.exceptions import ConfigError
from fieldfare.kinds import needs
from fieldfare.kinds.losses import LOSS_NAMES, TASKS, drawn_losses
from fieldfare.kinds.models import FM, MODEL_KINDS, FactorBlock, ModelKind
from fieldfare.kinds.needs import Need
from fieldfare.kinds.solvers import ADAGRAD, SOLVER_KINDS, Defaults, SolverKind

MAX_FACTORS = 256
MAX_ORDER = 16

_NON_NEGATIVE = Number(0)
_POSITIVE = Number(0, low_open=True)
_COUNT = Number(1, integer=True)
_RANK = Number(1, MAX_FACTORS, integer=True)
_NAMES_BY_SOLVER = tuple(item.name for item in fields(Defaults))


def _param(
    default: Any, constraint: Constraint, doc: str, note: str = "", needs: tuple[Need, ...] = ()
) -> Any:
    """Declare a parameter.

    ``doc`` is true of every kind of model; ``note`` adds what is particular to higher orders, and
    is shown wherever such a model can be chosen. Without all that it ``needs`` it has no effect.
    """
    told = {"constraint": constraint, "doc": doc, "note": note, "needs": needs}
    return field(default=default, metadata=told)


def _by_solver(
    *constraints: Constraint, doc: str, note: str = "", needs: tuple[Need, ...] = ()
) -> Any:
    """Declare a parameter whose default depends on the solver, see `Defaults`.

    It is annotated with the type that it has once "auto" has been replaced: in a `SolverConfig`
    when that is made, in a `TrainingConfig` by `TrainingConfig.by`, and for a `ModelConfig` by
    `settings.read`, which knows the solver; without one, it is what it is for most of them.
    """
    return _param("auto", AnyOf((*constraints, OneOf(("auto",)))), doc, note, needs)


def _by_data(constraint: Constraint, doc: str, needs: tuple[Need, ...]) -> Any:
    """Declare a parameter that the solver derives from the data by default.

    It is annotated with the type that it has in the `SolverConfig` of a trained model.
    """
    return _param("auto", AnyOf((constraint, OneOf(("auto",)))), doc, needs=needs)


def description(
    item: Field[Any], *, note: bool = True, solvers: Iterable[SolverKind] | None = None
) -> str:
    """Return the sentences about a parameter.

    Parameters
    ----------
    item : Field
        The parameter.
    note : bool
        Whether to include the note on higher orders.
    solvers : iterable of SolverKind, optional
        Those that can be chosen, of which is said what "auto" means; all by default.
    """
    parts = (
        item.metadata["doc"],
        _auto_sentence(item.name, SOLVER_KINDS.values() if solvers is None else solvers),
        item.metadata["note"] if note else "",
    )
    return " ".join(part for part in parts if part)


def _auto_sentence(name: str, solvers: Iterable[SolverKind]) -> str:
    """Return what "auto" means for a parameter; nothing if its default is the same for all."""
    if name not in _NAMES_BY_SOLVER:
        return ""
    kinds_of: dict[Any, list[str]] = {}
    for kind in solvers:
        kinds_of.setdefault(getattr(kind.defaults, name), []).append(repr(kind.name))
    if not kinds_of:
        return ""
    usual, *others = kinds_of
    exceptions = "".join(f", {value!r} for {' and '.join(kinds_of[value])}" for value in others)
    return f"'auto' is {usual!r}{exceptions}."


def optimiser_sentence(kinds: Iterable[SolverKind]) -> str:
    """Return the sentence about ``solver`` where these are the solvers to choose from."""
    *first, last = (f"{kind.name!r} ({kind.title})" for kind in kinds)
    return f"Optimiser: {', '.join(first)} or {last}."


@dataclass(frozen=True)
class Config:
    """Base of the parameter groups: validates every field when made. Lists become tuples."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            check(item.name, value, item.metadata["constraint"])
            if isinstance(value, list):
                object.__setattr__(self, item.name, tuple(value))

    def _by_default(self, defaults: Defaults) -> dict[str, Any]:
        """Return the values of the parameters that are "auto", by name."""
        names = (name for name in _NAMES_BY_SOLVER if getattr(self, name, None) == "auto")
        return {name: getattr(defaults, name) for name in names}


@dataclass(frozen=True)
class ModelConfig(Config):
    """What kind of function is fitted."""

    model: str = _param(
        FM.name,
        OneOf(MODEL_KINDS),
        "Kind of model: linear, or a factorization machine: plain, field-aware, field-weighted or "
        "of higher order. A warning names parameters that a kind does not use.",
    )
    task: str = _param(
        "binary",
        OneOf(TASKS),
        "What is predicted: a number, which of two classes, which of several, or the order of the "
        "rows within their group.",
    )
    n_factors: int | tuple[int, ...] = _by_solver(
        _RANK,
        Several(_RANK),
        doc="Length of each latent vector (k).",
        note="For hofm also one length per order, from order 2 on.",
        needs=(needs.FACTORS,),
    )
    order: int = _param(
        3,
        Number(2, MAX_ORDER, integer=True),
        "Largest number of features that interact, in a model of higher order (hofm).",
        needs=(needs.ORDERS,),
    )
    shared_factors: bool = _param(
        False,
        Flag(),
        "Whether to share the latent vectors among all orders of a hofm, instead of each having "
        "its own.",
        needs=(needs.ORDERS,),
    )
    fit_intercept: bool = _param(True, Flag(), "Whether to fit a bias term.")
    fit_linear: bool = _param(True, Flag(), "Whether to fit one weight per feature.")
    instance_norm: bool = _param(
        False,
        Flag(),
        "Whether to scale each sample to unit Euclidean length, in training and in prediction.",
    )
    norm_unknown: bool = _param(
        False,
        Flag(),
        "Whether to count features that the model does not know in the length that instance_norm "
        "divides by, as xLearn and libffm do.",
        needs=(needs.NORMALISED,),
    )
    init_scale: float = _param(
        0.1,
        _NON_NEGATIVE,
        "Standard deviation of the initial latent factors.",
        "For hofm, those of order t start with its power 2/t.",
        needs=(needs.FACTORS,),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in self._by_default(Defaults()).items():
            object.__setattr__(self, name, value)
        if isinstance(self.n_factors, int):
            return
        if not self.kind.by_order or self.shared_factors:
            several = " or ".join(repr(k.name) for k in MODEL_KINDS.values() if k.by_order)
            raise ConfigError(
                f"The 'n_factors' parameter may differ between the orders of model={several} with "
                f"shared_factors=False only. Got {self.n_factors!r} for model={self.model!r}, "
                f"shared_factors={self.shared_factors!r}: give one number."
            )
        if len(self.n_factors) != self.order - 1:
            raise ConfigError(
                f"The 'n_factors' parameter must be one number, or one for each order from 2 to "
                f"{self.order}, {self.order - 1} in all. Got {self.n_factors!r}."
            )

    @property
    def kind(self) -> ModelKind:
        """What the kind of model is like."""
        return MODEL_KINDS[self.model]

    @property
    def factor_blocks(self) -> tuple[FactorBlock, ...]:
        """The blocks of a latent vector: one but for hofm, which has one for each order."""
        return self.kind.factor_blocks(self.n_factors, self.order, shared=self.shared_factors)

    @property
    def total_factors(self) -> int:
        """Length of a whole latent vector."""
        return sum(block.n_factors for block in self.factor_blocks)

    def shapes(
        self, *, n_features: int, n_fields: int = 0, n_outputs: int = 1
    ) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter array of a model of some size."""
        return self.kind.shapes(
            features=n_features, outputs=n_outputs, fields=n_fields, factors=self.total_factors
        )


@dataclass(frozen=True)
class SolverConfig(Config):
    """How the parameters are learned."""

    solver: str = _param(
        ADAGRAD.name,
        OneOf(SOLVER_KINDS),
        optimiser_sentence(SOLVER_KINDS.values()),
    )
    loss: str = _param(
        "auto",
        OneOf(LOSS_NAMES),
        "What is minimised. 'auto' is the usual loss of the task: squared, logistic, softmax, and "
        "for ranking 'pairwise', the logistic loss of score differences. Only ranking has a "
        f"choice: 'hinge', and with drawn 'negatives' also {drawn_losses('and')}.",
    )
    learning_rate: float = _by_solver(
        _POSITIVE,
        doc="Step size, for rows whose length is one on average; for FTRL its alpha.",
        needs=(needs.STEPS,),
    )
    l2_linear: float = _by_solver(
        _NON_NEGATIVE,
        doc="L2 penalty on the linear weights of a sample's features; see l2_exponent.",
        needs=(needs.PENALTIES,),
    )
    l2_factors: float | tuple[float, ...] = _by_solver(
        _NON_NEGATIVE,
        Several(_NON_NEGATIVE),
        doc="L2 penalty on the latent factors of a sample's features; see l2_exponent.",
        note="For hofm also one per order, from order 2 on.",
        needs=(
            needs.PENALTIES,
            needs.FACTORS,
        ),
    )
    l2_exponent: float = _by_solver(
        _NON_NEGATIVE,
        doc="How the penalties of a feature grow with the number n of training rows that have it: "
        "over an epoch they add up to n raised to this power, times l2_linear or l2_factors. 1 "
        "applies them in full at each visit, 0.5 penalises frequent features less at each visit, "
        "and 0 penalises all features alike. For solver='nonsampled', n is the total weight of the "
        "pairs of query and item that a parameter is in.",
    )
    l2_fields: float = _param(
        0.0,
        _NON_NEGATIVE,
        "L2 penalty that pulls the weights of pairs of fields (fwfm) to one, where they start; "
        "applied at each visit.",
        needs=(needs.PAIR_WEIGHTS,),
    )
    l1_linear: float = _param(
        0.0,
        _NON_NEGATIVE,
        "L1 penalty on the linear weights, which makes many of them exactly zero. FTRL only.",
        needs=(needs.L1,),
    )
    l1_factors: float | tuple[float, ...] = _param(
        0.0,
        AnyOf((_NON_NEGATIVE, Several(_NON_NEGATIVE))),
        "L1 penalty on the latent factors, which makes many of them exactly zero. FTRL only.",
        "For hofm also one per order, from order 2 on.",
        needs=(
            needs.L1,
            needs.FACTORS,
        ),
    )
    ftrl_beta: float = _param(
        1.0, _NON_NEGATIVE, "Smoothing of the step size of FTRL (its beta).", needs=(needs.L1,)
    )
    ftrl_start: float = _param(
        0.0,
        _NON_NEGATIVE,
        "Sum of squared gradients that FTRL starts from: with 1, its first steps are as long as "
        "those of xLearn.",
        needs=(needs.L1,),
    )
    unobserved_weight: float = _by_data(
        _POSITIVE,
        "For solver='nonsampled': weight of the pairs of query and item that were not seen; a pair "
        "that was seen weighs one on average. 'auto' takes less, the fewer of the pairs were seen, "
        "and divides the weight of a user and an item among the contexts of the user.",
        needs=(needs.ALL_PAIRS,),
    )
    l2_queries: float = _by_data(
        _NON_NEGATIVE,
        "For solver='nonsampled': L2 penalty on the parameters of users and contexts. 'auto' "
        "follows from the numbers of users, items and interactions, and falls from sweep to sweep.",
        needs=(needs.ALL_PAIRS,),
    )
    l2_items: float = _by_data(
        _NON_NEGATIVE,
        "For solver='nonsampled': L2 penalty on the parameters of items. 'auto' follows from the "
        "numbers of users, items and interactions, and falls from sweep to sweep.",
        needs=(needs.ALL_PAIRS,),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in self._by_default(self.kind.defaults).items():
            object.__setattr__(self, name, value)

    @property
    def kind(self) -> SolverKind:
        """What the solver is like."""
        return SOLVER_KINDS[self.solver]


@dataclass(frozen=True)
class GibbsConfig(Config):
    """How many samples the Bayesian estimators draw."""

    n_warmup: int = _param(
        20,
        Number(0, integer=True),
        "Sweeps before the first sample is taken, so that the chain can leave its start.",
    )
    n_samples: int = _param(
        100, _COUNT, "Sweeps after the warm-up; each one is a sample of all parameters."
    )
    n_keep_samples: int | None = _param(
        None,
        AnyOf((Number(0, integer=True), NONE)),
        "How many samples to keep for predicting new rows, evenly spaced; None keeps them all. "
        "Each takes as much memory as a model. With 0, only the rows of eval_set are predicted.",
    )


@dataclass(frozen=True)
class KerasConfig(Config):
    """How Keras trains, in the estimators of `fieldfare.keras`."""

    optimizer: str = _param(
        "adam", Instance((str,), "a name"), "Name of a Keras optimizer; it takes a step per batch."
    )
    batch_size: int = _param(256, _COUNT, "Samples per batch; the gradient is their mean.")


@dataclass(frozen=True)
class TrainingConfig(Config):
    """How long training runs, on what data and with which resources."""

    max_iter: int = _by_solver(_COUNT, doc="Maximum number of epochs.")
    early_stopping: bool | str = _param(
        "auto",
        AnyOf((Flag(), OneOf(("auto",)))),
        "Whether to stop when the validation metric no longer improves, and keep the best epoch. "
        "Without validation data, a part of the rows is held out for it: 'auto' does so unless "
        "there are too few of them, True always. False runs all epochs on all rows.",
    )
    validation_fraction: float = _param(
        0.15,
        Number(0, 1, low_open=True, high_open=True),
        "Share of the rows to hold out where no validation data are given.",
        needs=(needs.HOLDING_OUT,),
    )
    validation: str = _param(
        "random",
        OneOf(("random", "time", "group")),
        "Which rows to hold out: 'random' draws them (each class keeps its share, and for ranking "
        "whole groups are drawn), 'time' takes the latest, and 'group' draws whole groups.",
        needs=(needs.HOLDING_OUT,),
    )
    validation_column: str | int | None = _param(
        None,
        AnyOf((Instance((str,), "a name"), Number(0, integer=True), NONE)),
        "Name or position of the column of times for validation='time', or of groups for 'group'; "
        "it may be a feature or not. None takes the rows in their order as times, and the groups "
        "of ranking as groups.",
        needs=(needs.HOLDING_OUT,),
    )
    refit: bool | str = _param(
        "auto",
        AnyOf((Flag(), OneOf(("auto",)))),
        "Whether to train again on all rows after a part was held out, from the start and for the "
        "best number of epochs. 'auto' does so unless there are so many rows that those held out "
        "would add little.",
    )
    n_iter_no_change: int = _param(
        3,
        _COUNT,
        "Epochs without a new best one after which training stops (patience).",
        needs=(needs.STOPPING,),
    )
    tol: float = _param(
        0.0,
        _NON_NEGATIVE,
        "Smallest change of the metric that is an improvement.",
        needs=(needs.STOPPING,),
    )
    eval_metric: str | None = _param(
        None,
        Instance((str, type(None)), "the name of a metric or None"),
        "Metric on the validation data; None means the training loss.",
        needs=(needs.VALIDATION,),
    )
    pairs_per_row: int = _param(
        10,
        _COUNT,
        "For ranking: how many worse rows of its group each row is compared with per epoch, at "
        "most; they are drawn anew each time.",
        needs=(needs.COMPARISONS,),
    )
    negatives: str | None = _param(
        None,
        AnyOf((OneOf(("uniform", "popularity", "batch")), NONE)),
        "For ranking: draw 'pairs_per_row' items against each row instead of comparing rows of a "
        "group: 'uniform' draws all items alike, 'popularity' by a power of their number of rows, "
        "and 'batch' from the rows learned together.",
    )
    negatives_exponent: float = _param(
        0.75, _NON_NEGATIVE, "The power for negatives='popularity'.", needs=(needs.POPULARITY,)
    )
    known_negatives: bool = _param(
        False,
        Flag(),
        "Whether to draw items already seen with the query as negatives, too.",
        needs=(needs.NEGATIVES,),
    )
    scale_features: bool | str = _param(
        "auto",
        AnyOf((Flag(), OneOf(("auto",)))),
        "Whether to train on numbered features (arrays, sparse matrices, libsvm and libffm text) "
        "in units of their spread, as columns of tables always are; the model is for values as "
        "they are in any case. 'auto' does so where a number is more than ten times as large as "
        "another, or as its own spread.",
    )
    class_weight: Mapping[Any, float] | str | None = _param(
        None,
        AnyOf((OneOf(("balanced",)), Instance((Mapping,), "a mapping from class to weight"), NONE)),
        "Weights of the classes, or 'balanced' for weights inverse to the frequency of each class.",
    )
    max_time: float | None = _param(
        None, AnyOf((_POSITIVE, NONE)), "Seconds after which no new epoch starts."
    )
    shuffle: bool = _param(
        True,
        Flag(),
        "Whether to visit blocks of rows, and the rows within them, in random order.",
        needs=(needs.VISITS,),
    )
    memory_limit: int | None = _param(
        None,
        AnyOf((_COUNT, NONE)),
        "Megabytes of stored rows to keep in memory when training from disk; None leaves this to "
        "the operating system. The model itself is not counted.",
        needs=(needs.STORED,),
    )
    random_state: Any = _param(
        None,
        SEED,
        "Seed of everything random. The same seed gives the same result, bit for bit, on any "
        "number of cores, unless deterministic=False.",
    )
    n_jobs: int | None = _param(
        None,
        AnyOf((Number(1, 2**31 - 1, integer=True), OneOf((-1,)), NONE)),
        "Number of threads; None or -1 means all cores.",
    )
    deterministic: bool | str = _param(
        "auto",
        AnyOf((Flag(), OneOf(("auto",)))),
        "Whether to update in the order of one thread where the result would depend on the number "
        "of threads (AdaGrad); everything else still uses all of them. 'auto' does so if there is "
        "a random_state; False trains faster on several cores, but results differ from run to run.",
    )
    keep_state: bool = _param(
        False,
        Flag(),
        "Whether the model keeps the state of its solver, also in its file: training it further "
        "then continues as if it had never stopped. It takes about as much room again, and more.",
    )
    verbose: int = _param(
        0,
        AnyOf((Number(0, integer=True), Flag())),
        "0: silent; 1: a line or a progress bar per epoch.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation == "random" and self.validation_column is not None:
            raise ConfigError(
                f"validation_column={self.validation_column!r} says by which column rows are held "
                "out, and validation='random' draws them. Set validation='time' or 'group', or "
                "leave it out."
            )

    @property
    def is_repeatable(self) -> bool:
        """Whether the result must not depend on the number of threads."""
        if isinstance(self.deterministic, bool):
            return self.deterministic
        return self.random_state is not None

    def seeded(self, seed: int) -> TrainingConfig:
        """Return the same with a seed, which fixes the result only if ``random_state`` did."""
        return replace(self, random_state=seed, deterministic=self.is_repeatable)

    def by(self, kind: SolverKind) -> TrainingConfig:
        """Return the same parameters, with the defaults of a solver in place of "auto"."""
        return replace(self, **self._by_default(kind.defaults))
