"""The estimators, each declared once: what is particular to it.

A new kind of model needs a `Kind` here, for its classifier and its regressor; then `make generate`,
and their names in ``estimators/__init__.py`` and in the root.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tools.estimators.attributes import (
    BY_CLASS,
    CLASSES_,
    KERAS_MODEL_,
    MODEL_,
    OF_NUMBERS,
    SAMPLING,
    Attribute,
    arrays,
    predicted,
    training,
)
from tools.estimators.parameters import Change, Parameter
from tools.estimators.signatures import (
    BY_KERAS,
    CLASSES,
    FACTORS,
    FIELD_PENALTY,
    FIELDS,
    ORDERS,
    RANKING,
    SAMPLED,
    TRAINED,
)

from fieldfare.config import optimiser_sentence
from fieldfare.kinds.losses import LOSSES_OF_TASK, drawn_losses
from fieldfare.kinds.models import FFM, FM, FWFM, HOFM, LINEAR, ModelKind
from fieldfare.kinds.recall_losses import RECALL_LOSSES
from fieldfare.kinds.solvers import ADAGRAD, GIBBS, NONSAMPLED, SOLVER_KINDS, Defaults

# ---- the kinds of model ---------------------------------------------------------------------


class Kind(NamedTuple):
    """What the docstrings say about a kind of model."""

    kind: ModelKind
    prefix: str
    """Of the names of its classes."""
    classification: str
    regression: str
    """First sentences."""
    formula: str


KINDS = (
    Kind(
        LINEAR,
        "Linear",
        "Logistic regression on sparse features.",
        "Linear regression on sparse features.",
        "The score of a sample is a bias plus the weighted sum of its features.",
    ),
    Kind(
        FM,
        "FM",
        "Factorization machine (Rendle 2010) for classification.",
        "Factorization machine (Rendle 2010) for regression.",
        "The score of a sample is a bias, plus the weighted sum of its features, plus the inner "
        "product of the latent vectors of each pair of features (eq. 1).",
    ),
    Kind(
        FFM,
        "FFM",
        "Field-aware factorization machine (Juan et al. 2016) for classification.",
        "Field-aware factorization machine (Juan et al. 2016) for regression.",
        "Each feature has one latent vector per field. A pair of features adds to the score the "
        "inner product of the two vectors that each has for the field of the other (eq. 4).",
    ),
    Kind(
        FWFM,
        "FwFM",
        "Field-weighted factorization machine (Pan et al. 2018) for classification.",
        "Field-weighted factorization machine (Pan et al. 2018) for regression.",
        "A pair of features adds to the score the inner product of their latent vectors, times a "
        "weight that is learned for the pair of their fields (eq. 4).",
    ),
    Kind(
        HOFM,
        "HOFM",
        "Higher-order factorization machine (Blondel et al. 2016) for classification.",
        "Higher-order factorization machine (Blondel et al. 2016) for regression.",
        "Not only pairs of features interact but all groups of up to ``order`` features: each adds "
        "to the score the sum of the elementwise product of their latent vectors.",
    ),
)
FIELDS_NOTE = (
    "The field of a feature is the column that it comes from, unless ``fields`` or the file says "
    "otherwise."
)


def _parameters(kind: ModelKind) -> frozenset[str]:
    without = frozenset() if kind.has_factors else FACTORS
    return (
        (TRAINED - without)
        | (FIELDS if kind.uses_fields else frozenset())
        | (FIELD_PENALTY if "pair_weights" in kind.parameters else frozenset())
        | (ORDERS if kind.by_order else frozenset())
    )


# Only for recall does the solver matter.
_FACTORS = {"n_factors": Change(default=Defaults().n_factors)}


def _solvers(kind: ModelKind, *tasks: str) -> dict[str, Change]:
    """Return the choice of ``solver`` that a class has."""
    chosen = [
        solver
        for solver in SOLVER_KINDS.values()
        if solver.takes(kind) and not set(tasks).isdisjoint(solver.tasks)
    ]
    names = tuple(solver.name for solver in chosen)
    return {"solver": Change(options=names, doc=optimiser_sentence(chosen))} | _FACTORS


# ---- the classes ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimator:
    """What is particular to one class."""

    name: str
    file: str
    """The module it is written to, under ``fieldfare``."""
    bases: tuple[str, ...]
    """``module:class``, under ``fieldfare``."""
    summary: str
    notes: tuple[str, ...]
    """Paragraphs."""
    parameters: frozenset[str]
    attributes: tuple[Attribute, ...]
    example: str
    constants: Mapping[str, str] = field(default_factory=dict)
    """Class attributes that the bases ask for."""
    changes: Mapping[str, Change | Parameter] = field(default_factory=dict)
    """Parameters that differ from `fieldfare.config`, in part or whole."""


CLICKS = '>>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]'
CLASSIFY = """\
>>> clf = {call}.fit(X, ["yes", "no"] * 50)
>>> str(clf.predict(X[:1])[0])
'yes'"""
REGRESS = """\
>>> reg = {call}.fit(X, [1.0, 3.0] * 50)
>>> round(float(reg.predict(X[:1])[0]))
1"""
PAIR_WEIGHTS = "estimators.pair_weights:WithPairWeights"


def _bases(kind: ModelKind, base: str) -> tuple[str, ...]:
    return (*((PAIR_WEIGHTS,) if "pair_weights" in kind.parameters else ()), base)


def _call(name: str, kind: ModelKind) -> str:
    return f"{name}({'n_factors=2, ' if kind.has_factors else ''}random_state=0)"


def _notes(about: Kind, learned: str) -> tuple[str, ...]:
    fields = (FIELDS_NOTE,) if about.kind.uses_fields else ()
    return (f"{about.formula} {learned}", *fields)


def _classifier(about: Kind) -> Estimator:
    kind, name = about.kind, f"{about.prefix}Classifier"
    return Estimator(
        name=name,
        file=f"estimators/{kind.name}.py",
        bases=_bases(kind, "estimators.classifier:Classifier"),
        summary=about.classification,
        notes=_notes(
            about,
            "Two classes are learned by the logistic loss; more by the softmax loss, with one "
            "score per class.",
        ),
        parameters=_parameters(kind) | CLASSES,
        attributes=(CLASSES_, MODEL_, *training(), *BY_CLASS, *arrays(kind, by_class=True)),
        example=f"{CLICKS}\n{CLASSIFY.format(call=_call(name, kind))}",
        constants={"_kind": kind.name},
        changes=_solvers(kind, "binary", "multiclass"),
    )


def _regressor(about: Kind) -> Estimator:
    kind, name = about.kind, f"{about.prefix}Regressor"
    return Estimator(
        name=name,
        file=f"estimators/{kind.name}.py",
        bases=_bases(kind, "estimators.regressor:Regressor"),
        summary=about.regression,
        notes=_notes(about, "It is learned by the squared loss."),
        parameters=_parameters(kind),
        attributes=(MODEL_, *training(), *OF_NUMBERS, *arrays(kind, by_class=False)),
        example=f"{CLICKS}\n{REGRESS.format(call=_call(name, kind))}",
        constants={"_kind": kind.name},
        changes=_solvers(kind, "regression"),
    )


_RANKED = _solvers(FM, "rank")
RANKER = Estimator(
    name="FMRanker",
    file="estimators/fm.py",
    bases=("estimators.ranker:Ranker",),
    summary="Factorization machine (Rendle 2010) for ranking.",
    notes=(
        "It orders the samples of a group, such as the results of a query. It is trained on pairs "
        "of samples of the same group, by the logistic loss of the difference of their scores "
        "(Rendle et al. 2009; Burges et al. 2005) or by the hinge loss (Herbrich et al. 2000).",
        "For recall, each sample is an interaction of a user with an item: `fit` takes the "
        "``roles`` of the columns, or guesses them, and tables of users and items. By default the "
        'model is learned from all pairs of users and items at once (``solver="nonsampled"``); '
        "``negatives`` draws items against each interaction. There are no groups, and a rating is "
        "optional: a row is an interaction unless its rating is 0.",
    ),
    parameters=(TRAINED | RANKING) - {"fit_intercept"},
    attributes=(
        MODEL_,
        *training("`fit`"),
        OF_NUMBERS[1],
        *arrays(FM, by_class=False),
    ),
    example="""\
>>> X = [{"user": u, "item": i} for u in "ab" for i in "xy"] * 20
>>> ranker = FMRanker(n_factors=2, random_state=0)
>>> ranker = ranker.fit(X, [1, 0, 0, 1] * 20, qid=[0, 0, 1, 1] * 20)
>>> scores = ranker.predict([{"user": "a", "item": "x"}, {"user": "a", "item": "y"}])
>>> bool(scores[0] > scores[1])
True

>>> seen = [{"user": u, "item": i} for u, i in ("ax", "ay", "bx", "by", "cy", "cz")]
>>> ranker = FMRanker(n_factors=2, random_state=0)
>>> ranker = ranker.fit(seen, roles={"user": "user", "item": "item"})
>>> scores = ranker.predict([{"user": "a", "item": "x"}, {"user": "a", "item": "z"}])
>>> bool(scores[0] > scores[1])
True""",
    constants={"_kind": FM.name},
    changes={
        **_RANKED,
        "solver": Change(
            default="auto",
            options=("auto", *(_RANKED["solver"].options or ())),
            doc=f"{_RANKED['solver'].doc} 'auto' is {NONSAMPLED.name!r} for interactions without "
            f"drawn ``negatives``, else {ADAGRAD.name!r}.",
        ),
        "n_factors": Change(),
        "loss": Change(
            options=("auto", *dict.fromkeys((*LOSSES_OF_TASK["rank"], *RECALL_LOSSES))),
            doc="What is minimised: 'pairwise' (logistic) or 'hinge', both of the difference of "
            f"two scores; with drawn ``negatives`` also {drawn_losses('or')}. 'auto' is "
            "'pairwise'.",
        ),
    },
)

_SAMPLED = _FACTORS | {
    "model": Change(
        options=GIBBS.model_kinds,
        doc="Kind of model: linear, a factorization machine, or one of higher order (hofm).",
    ),
    "warm_start": Change(
        doc="Whether `fit` continues the chain of the last `fit` instead of starting a new one."
    ),
}
BAYESIAN = (
    Estimator(
        name="BayesianFMRegressor",
        file="estimators/bayesian.py",
        bases=("estimators.bayesian_tasks:BayesianRegressor",),
        summary="Bayesian factorization machine that predicts numbers and their uncertainty.",
        notes=(
            "Only the number of factors has to be tuned: Gibbs sampling draws penalties and noise "
            "along with the parameters (Freudenthaler, Schmidt-Thieme and Rendle 2011; Rendle "
            "2012, section 5.3), and predictions are averages over the samples.",
        ),
        parameters=SAMPLED,
        attributes=(*SAMPLING, *predicted("Prediction")),
        example=f"""\
{CLICKS}
>>> reg = BayesianFMRegressor(n_factors=2, random_state=0).fit(X, [1.0, 3.0] * 50)
>>> mean, std = reg.predict(X[:1], return_std=True)
>>> round(float(mean[0]))
1""",
        constants={"_posterior_task": "regression"},
        changes=_SAMPLED,
    ),
    Estimator(
        name="BayesianFMClassifier",
        file="estimators/bayesian.py",
        bases=("estimators.bayesian_tasks:BayesianClassifier",),
        summary="Bayesian factorization machine for two classes, with the probit link.",
        notes=(
            "The probability of the second class is Phi(score), averaged over samples of all "
            "parameters and hyperparameters (Albert and Chib 1993). See `BayesianFMRegressor`.",
        ),
        parameters=SAMPLED,
        attributes=(
            CLASSES_._replace(type="array of shape (2,)"),
            *SAMPLING,
            *predicted("Probability of the second class"),
        ),
        example=f"""\
{CLICKS}
>>> clf = BayesianFMClassifier(n_factors=2, random_state=0).fit(X, ["no", "yes"] * 50)
>>> [str(label) for label in clf.predict(X[:2])]
['no', 'yes']""",
        constants={"_posterior_task": "binary"},
        changes=_SAMPLED,
    ),
    Estimator(
        name="BayesianFMOrdinalRegressor",
        file="estimators/bayesian.py",
        bases=("estimators.bayesian_tasks:BayesianOrdinalRegressor",),
        summary="Bayesian factorization machine for ordered classes, with the ordered probit link.",
        notes=(
            "The class is the interval between two sampled cutpoints into which the score plus "
            "standard normal noise falls (Albert and Chib 1993). With stars, the step from one to "
            "two may therefore differ from that from four to five. See `BayesianFMRegressor`.",
        ),
        parameters=SAMPLED - {"fit_intercept"},
        attributes=(
            Attribute(
                "classes_",
                "float64 array of shape (n_classes,)",
                "The numbers that occur as targets, ascending.",
            ),
            *SAMPLING,
            *predicted("Expected number"),
        ),
        example="""\
>>> X = [{"user": u, "item": i} for u, i in zip("abc" * 40, "xyz" * 40)]
>>> reg = BayesianFMOrdinalRegressor(n_factors=2, random_state=0).fit(X, [1, 2, 5] * 40)
>>> reg.predict_proba(X[:3]).argmax(axis=1).tolist()
[0, 1, 2]""",
        constants={"_posterior_task": "ordinal"},
        changes=_SAMPLED,
    ),
)

_BY_KERAS: dict[str, Change | Parameter] = {
    **_FACTORS,
    "learning_rate": Change(default=0.01, doc="Step size of the optimizer."),
    "max_iter": Change(default=20),
    "l2_linear": Change(
        default=1e-5, doc="L2 penalty on the linear weights of a sample's features."
    ),
    "l2_factors": Change(
        default=1e-4, doc="L2 penalty on the latent factors of a sample's features."
    ),
    "verbose": Change(doc="0: silent; otherwise one line per epoch."),
    "callbacks": Parameter(
        "callbacks",
        None,
        "Sequence[Any] | None",
        "sequence of keras.callbacks.Callback or None",
        "Callbacks of Keras, called in this order. A second training on all rows has no validation "
        "data, so those that watch them (``monitor='val_...'``) are for the first only.",
    ),
}
KERAS_NOTE = (
    "`fieldfare.{name}` trains the same model with the library's own solvers; this class is for "
    "the optimizers, callbacks and accelerators of Keras."
)
BY_KERAS_TRAINED = (
    Estimator(
        name="KerasFMClassifier",
        file="keras/estimators.py",
        bases=("keras._base:KerasEstimator", "estimators.classifier:Classifier"),
        summary="Factorization machine for classification, trained by Keras.",
        notes=(KERAS_NOTE.format(name="FMClassifier"),),
        parameters=BY_KERAS,
        attributes=(
            CLASSES_,
            MODEL_,
            KERAS_MODEL_,
            *training(),
            *BY_CLASS,
            *arrays(FM, by_class=True),
        ),
        example=f"{CLICKS}\n"
        + CLASSIFY.format(call="KerasFMClassifier(batch_size=10, random_state=0)"),
        changes=_BY_KERAS,
    ),
    Estimator(
        name="KerasFMRegressor",
        file="keras/estimators.py",
        bases=("keras._base:KerasEstimator", "estimators.regressor:Regressor"),
        summary="Factorization machine for regression, trained by Keras.",
        notes=(
            KERAS_NOTE.format(name="FMRegressor")
            + " It learns the target in units of its standard deviation.",
        ),
        parameters=BY_KERAS,
        attributes=(
            MODEL_,
            KERAS_MODEL_,
            *training(),
            *OF_NUMBERS,
            *arrays(FM, by_class=False),
        ),
        example=f"{CLICKS}\n"
        + REGRESS.format(call="KerasFMRegressor(batch_size=10, random_state=0)"),
        changes=_BY_KERAS,
    ),
)

ESTIMATORS = (
    *(make(about) for about in KINDS for make in (_classifier, _regressor)),
    RANKER,
    *BAYESIAN,
    *BY_KERAS_TRAINED,
)
MODULES = {
    **{f"estimators/{a.kind.name}.py": f"Estimators of the {a.kind.title}." for a in KINDS},
    "estimators/bayesian.py": "Bayesian estimators, whose parameters are sampled.",
    "keras/estimators.py": "Estimators that Keras trains.",
}
"""What is written where, with the docstring of each module."""
