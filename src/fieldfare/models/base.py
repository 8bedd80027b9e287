"""Model: parameters, configuration, Schema and provenance; no training state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np

from fieldfare._arguments import checked
from fieldfare._arrays import as_array, as_places
from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array
from fieldfare._validation import Number, check
from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.exceptions import ConfigError, DataError, SchemaError
from fieldfare.kernels import native
from fieldfare.kernels.initial import InitialFactors
from fieldfare.kernels.table import NO_UNITS, Spec, Units
from fieldfare.models.candidates import halves
from fieldfare.models.links import link, link_one
from fieldfare.models.parameters import ParameterArrays
from fieldfare.models.progress import Progress
from fieldfare.rows import Rows
from fieldfare.schema.encode_one import SampleEncoder
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings

if TYPE_CHECKING:
    from fieldfare.models.scaling import Scaling

_PARTS = ("config", "bias", "linear", "pair_weights", "schema", "classes", "units", "scaling",
          "trained_by", "provenance", "progress")  # fmt: skip
# What the state of a solver belongs to: it is lost where one of these is replaced.
_MOVED = {"config", "bias", "linear", "factors", "pair_weights", "units", "scaling"}

_ModelT = TypeVar("_ModelT", bound="Model")


class _CachedScorer(NamedTuple):
    """A scorer, and the parameters that it was made from."""

    scorer: native.Scorer
    config: ModelConfig
    bias: Float32Array
    linear: Float32Array
    factors: Float32Array | None
    pair_weights: Float32Array | None


class Model(ParameterArrays):
    """Base of the models.

    Parameters
    ----------
    config : ModelConfig
    bias : float32 array of shape (n_outputs,)
    linear : float32 array of shape (n_features, n_outputs)
    factors : float32 array, InitialFactors or None
        FM and FwFM: shape (n_features, n_outputs, n_factors). FFM: (n_features, n_outputs,
        n_fields, n_factors). HOFM: (n_features, n_outputs, sum of the factors of each order).
        Linear: None. Factors that are still to be drawn are drawn on first use.
    pair_weights : float32 array of shape (n_outputs, n_fields, n_fields) or None
        FwFM only: the weight of each pair of fields, symmetric.
    schema : Schema or None
        What the features mean; makes Rows from raw tables.
    classes : sequence or None
        Labels of the classes, by class number; None for regression.
    units : Units
        What targets and rows are measured in: steps and penalties follow them.
    scaling : Scaling or None
        What the values of numbered features are measured in while it is trained; None: in what
        they are given in. Its parameters are for values as they are given in any case.
    trained_by : Settings or None
        The settings of the last training; None if there was none.
    provenance : mapping, optional
        How the model came to be: JSON values, for people to read. Nothing depends on them.
    progress : Progress or None
        The state of the solver that trained it last, if it was to be kept (``keep_state=True``).

    Raises
    ------
    DataError
        If an array does not have the shape or dtype that the configuration asks for.
    """

    _cached: _CachedScorer | None = None
    _encoding: tuple[Schema | None, SampleEncoder | None] = (None, None)

    def __init__(  # noqa: PLR0913 - the arrays, and what the caller knows of them by name
        self,
        config: ModelConfig,
        bias: Float32Array,
        linear: Float32Array,
        factors: Float32Array | InitialFactors | None = None,
        *,
        pair_weights: Float32Array | None = None,
        schema: Schema | None = None,
        classes: Sequence[Any] | None = None,
        units: Units = NO_UNITS,
        scaling: Scaling | None = None,
        trained_by: Settings | None = None,
        provenance: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(config, bias, linear, factors, pair_weights)
        self.schema = schema
        self.classes = None if classes is None else list(classes)
        self.units = units
        self.scaling = scaling
        self.trained_by = trained_by
        self.provenance: dict[str, Any] = dict(provenance or {})
        self.progress = progress

    def with_(self: _ModelT, **changes: Any) -> _ModelT:
        """Return a model in which some constructor arguments differ, and leave this one alone.

        Arrays are shared with this model, not copied; its undrawn factors stay undrawn. A state of
        the solver is kept only if parameters, units and configuration stay.

        Raises
        ------
        DataError
            If the arrays do not fit each other any more.
        """
        parts = {name: getattr(self, name) for name in _PARTS}
        if _MOVED & changes.keys():
            parts["progress"] = None
        return type(self)(**{**parts, "factors": self._factors, **changes})

    def __repr__(self) -> str:
        size = f"{self.n_features} features"
        if self.n_fields:
            size += f", {self.n_fields} fields"
        if self.has_factors:
            size += f", {self.config.n_factors} factors"
        return f"{type(self).__name__}({self.config.task}, {size})"

    @property
    def task(self) -> str:
        """What is predicted: "regression", "binary", "multiclass" or "rank"."""
        return self.config.task

    def spec(self, solver: SolverConfig | None = None) -> Spec:
        """Return what the kernels need to know, with the given solver or the default one.

        Raises
        ------
        ConfigError
            If the solver's loss or penalties do not fit the model.
        """
        return Spec(
            self.config, solver or SolverConfig(), self.n_outputs, self.n_fields, self.units
        )

    def _scorer(self) -> native.Scorer:
        """Return the scorer of the present parameters, made when they are replaced.

        For one sample, handing the parameters to the core takes longer than the score.
        """
        cached = self._cached
        if (
            cached is None
            or cached.config is not self.config
            or cached.bias is not self.bias
            or cached.linear is not self.linear
            or cached.factors is not self.factors
            or cached.pair_weights is not self.pair_weights
        ):
            arrays = (self.bias, self.linear, self.factors, self.pair_weights)
            cached = _CachedScorer(native.Scorer(self.spec(), *arrays), self.config, *arrays)
            self._cached = cached
        return cached.scorer

    def __getstate__(self) -> dict[str, Any]:
        made = ("_cached", "_encoding")
        return {name: value for name, value in vars(self).items() if name not in made}

    @checked
    def score(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return the raw score of every row, before any link function.

        Parameters
        ----------
        rows : Rows
            Features that the model does not know are ignored; with ``norm_unknown`` they make their
            row longer.
        n_threads : int, optional
            All cores by default; the result does not depend on it.

        Returns
        -------
        float32 array of shape (n_rows, n_outputs)
        """
        return self._scorer().score(rows, n_threads)

    @checked
    def predict(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return predictions on the scale of the target.

        Returns
        -------
        float32 array
            Regression and ranking: shape (n_rows,). Binary: the probability of the second class,
            shape (n_rows,). Multiclass: the probability of each class, shape (n_rows, n_outputs).
        """
        return link(self.config.task, self.score(rows, n_threads))

    def predict_one(self, sample: Mapping[str, Any]) -> float | Float32Array:
        """Return the prediction for one sample, in microseconds.

        Parameters
        ----------
        sample : mapping from column to value
            Plain values (text, numbers, lists of text), ``None`` where one is missing. It has the
            features that the same row of a table has.

        Returns
        -------
        float or float32 array of shape (n_outputs,)
            As `predict`: a number, or the probability of each class of a multiclass model.

        Raises
        ------
        SchemaError
            If the model has no columns, a column is missing, or a value does not fit its column.
        """
        if type(sample) is not dict and not isinstance(sample, Mapping):
            raise SchemaError(
                "A sample is a mapping from column to value, such as {'user': 'u1'}. Got "
                f"{type(sample).__name__}; for several samples use fieldfare.predict."
            )
        ids, values, fields = self._encoder().encode(sample)
        scores = self._scorer().score_one(ids, values, fields if self.traits.uses_fields else None)
        return link_one(self.config.task, scores)

    @checked
    def score_candidates(
        self, context: Rows | Mapping[str, Any], candidates: Any, n_threads: int | None = None
    ) -> Float32Array:
        """Return the raw score of every candidate together with one context.

        Up to rounding, this is `score` of rows that each hold the entries of the context and of one
        candidate. What the context contributes is computed once, so that a candidate costs what
        its own entries cost: for FM by lemma 3.1 of Rendle 2010, for FFM by sums over the context
        for each field.

        Parameters
        ----------
        context : Rows of one row, or mapping from column to value
            What all candidates share: the user, the time, the page.
        candidates : Rows, or a table
            One candidate per row. A table needs a mapping as context; the columns that the context
            lacks are read. To rank the same items for many contexts, encode them once:
            ``model.schema.encode(items, labelled=False, columns=["item", ...])``.
        n_threads : int, optional
            All cores by default, for 8,192 candidates or more.

        Returns
        -------
        float32 array of shape (n_candidates, n_outputs)

        Raises
        ------
        DataError
            If the context is not one row.
        SchemaError
            If a column is neither in the context nor in the table of candidates.
        """
        shared, rows = halves(self._encoder, self.schema, context, candidates)
        return self._scorer().score(rows, n_threads, shared)

    @checked
    def predict_candidates(
        self, context: Rows | Mapping[str, Any], candidates: Any, n_threads: int | None = None
    ) -> Float32Array:
        """Return the prediction for every candidate; see `score_candidates` and `predict`."""
        return link(self.config.task, self.score_candidates(context, candidates, n_threads))

    def _encoder(self) -> SampleEncoder:
        """Return the encoder of single samples of the schema, made when first asked for."""
        schema, encoder = self._encoding
        if encoder is None or schema is not self.schema:
            if self.schema is None:
                raise SchemaError("This model has no schema. Pass Rows of feature ids to predict.")
            encoder = self.schema.sample_encoder()
            self._encoding = (self.schema, encoder)
        return encoder

    @checked
    def pair_terms(
        self, ids: AnyArray, fields: AnyArray | None, values: AnyArray, output: int = 0
    ) -> tuple[Int64Array, Int64Array, Float64Array]:
        """Return the interaction of every pair of entries of one sample.

        Parameters
        ----------
        ids : integer array of shape (n,)
            Features that the model knows.
        fields : integer array of shape (n,) or None
            Needed by models that use fields.
        values : float array of shape (n,)
            Values as they enter the score: after instance normalisation, if the model uses it.
        output : int
            Class of a multiclass model.

        Returns
        -------
        i, j : int64 arrays of shape (n_pairs,)
            Positions of the two entries, ``i < j``.
        term : float64 array of shape (n_pairs,)

        Raises
        ------
        DataError
            If the model needs fields and there are none.
        """
        if self.factors is None:
            none = np.zeros(0, np.int64)
            return none, none, np.zeros(0)
        ids = as_places("The ids of features", ids, self.n_features)
        if fields is None:
            if self.uses_fields:
                raise DataError(f"A {self.kind} model needs the field of every entry. Got none.")
            fields = np.zeros(len(ids), np.int64)
        fields = as_array("The fields", fields, ndim=1)
        x = as_array("The values", values, np.float64, ndim=1)
        if not len(ids) == len(x) == len(fields):
            raise DataError(
                f"There must be as many ids as values and fields. Got {len(ids)}, {len(x)} and "
                f"{len(fields)}."
            )
        i, j = np.triu_indices(len(ids), k=1)
        left, right = self.pair_vectors(ids[i], ids[j], fields[i], fields[j], output)
        return i, j, np.einsum("pk,pk->p", left, right) * x[i] * x[j]

    @checked
    def higher_terms(self, ids: AnyArray, values: AnyArray, output: int = 0) -> Float64Array:
        """Return what each order of interactions, from 3 on, contributes to the score.

        Parameters
        ----------
        ids, values, output
            As for `pair_terms`.

        Returns
        -------
        float64 array of shape (order - 2,)
            Empty for models of pairs.
        """
        return np.zeros(0)

    @abstractmethod
    @checked
    def pair_vectors(
        self, i: AnyArray, j: AnyArray, fields_i: AnyArray, fields_j: AnyArray, output: int = 0
    ) -> tuple[Float64Array, Float64Array]:
        """Return vectors whose inner products are the interactions of features of value one.

        Parameters
        ----------
        i, j : integer arrays of shape (n,) and (m,)
            Features on the two sides.
        fields_i, fields_j : integer arrays that broadcast with ``i`` and ``j``
            The field of each; ignored by models without fields. Where n and m differ, each side
            must be of one field.
        output : int
            Class of a multiclass model.

        Returns
        -------
        left, right : float64 arrays of shape (n, k) and (m, k)
        """

    def _vectors(self, features: AnyArray, output: int) -> Float64Array:
        """Return the latent vectors of some features, where they are the same for all fields."""
        assert self.factors is not None
        check("output", output, Number(0, self.n_outputs - 1, integer=True), "pair_vectors")
        features = as_places("The ids of features", features, self.n_features)
        vectors: Float64Array = self.factors[features, output].astype(np.float64)
        return vectors


class FittedEstimator(Protocol):
    """An estimator, of which functions of models take the model."""

    @property
    def model_(self) -> Model:
        """The trained model."""


def model_of(model: Any, owner: str) -> Model:
    """Return a model as it is, and of a fitted estimator its model.

    Parameters
    ----------
    model : Model or estimator
    owner : str
        Who asks, for the message.

    Raises
    ------
    ConfigError
        If it is something else, or an estimator without a model.
    """
    found = getattr(model, "model_", model)
    if isinstance(found, Model):
        return found
    if hasattr(model, "posterior_"):
        hint = (
            "A Bayesian estimator has samples of a model instead: use its methods, or "
            "fieldfare.predict, evaluate and save_posterior, which take them."
        )
    elif hasattr(model, "fit"):
        hint = "The estimator is not fitted yet: call its fit first."
    else:
        hint = "fieldfare.load_model reads one from its file."
    raise ConfigError(
        f"{owner} needs a Model or a fitted estimator. Got {type(model).__name__}. {hint}"
    )
