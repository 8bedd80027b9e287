"""Alternating least squares: every parameter in turn goes to its optimum, all others fixed.

An epoch is one sweep over bias, linear weights and factors (Rendle 2012, section 5.2). The
objective is that of the other solvers, ``sum_i (w_i loss_i + l2 / 2 |theta_i|^2)`` with ``theta_i``
the parameters that row i touches (and half the squared error as loss), so penalties mean the same:
a parameter that n rows touch is penalised n times.

The logistic loss is replaced by a parabola that lies above it (Böhning & Lindsay 1988) and is moved
to the present scores before each factor, so that no sweep makes the objective worse.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.config import SolverConfig
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels import native
from fieldfare.kernels.coordinate import Design, Observed, Parameters, Prior
from fieldfare.models.base import Model
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.rows import Rows

# Sweeps keep scores up to date by differences; so often they are computed anew.
_REFRESH = 10
_LOGISTIC_CURVATURE = 0.25


class AlsSolver:
    """Turns (model, rows) into a better model, one sweep at a time.

    Parameters
    ----------
    model : Model
        Where to start; not changed. A linear model or an FM, with one output.
    config : SolverConfig, optional
        Only the L2 penalties are used.
    seed : int
        Fixes the initial factors of features that ``grow`` adds.

    Raises
    ------
    ConfigError
        If the model is of another kind, or for more than two classes.
    """

    needs_all_rows = True

    def __init__(self, model: Model, config: SolverConfig | None = None, *, seed: int = 0) -> None:
        _check_solvable(model)
        self.config = config or SolverConfig(solver="als")
        self.seed = seed
        self._origin = model
        self._bias = model.bias.copy()
        self._linear = model.linear[:, 0].copy()
        self._factors = None if model.factors is None else _by_factor(model.factors)
        # Scores of the training rows, empty until they are known.
        self._scores = np.zeros(0, np.float32)
        self._sweeps = np.zeros(1, np.int64)
        self._design: tuple[Rows, Int64Array, Design] | None = None

    @property
    def n_features(self) -> int:
        """Number of features in the tables."""
        return len(self._linear)

    def train(
        self,
        rows: Rows,
        order: Int64Array,
        class_weight: Float32Array | None = None,
        n_threads: int = 1,
        *,
        deterministic: bool = False,
    ) -> tuple[float, float]:
        """Make one sweep over the rows that ``order`` names, which should be all there are.

        It is ``deterministic`` in any case.

        Returns
        -------
        loss, weight : float
            Sums over the rows of weight times loss, after the sweep, and of weight.

        Raises
        ------
        DataError
            If a row or an id is out of range, or a row holds a feature twice.
        """
        design = self._design_of(rows, order)
        labels, weight = _labels(rows, order), _weights(rows, order, class_weight)
        logistic = self._origin.config.task == "binary"
        parameters = self._parameters()
        if len(self._scores) != design.n_rows or self._sweeps[0] % _REFRESH == 0:
            self._scores = design.score(parameters, n_threads)
        scores, self._scores = self._scores, self._scores[:0]  # unknown if interrupted
        target = labels.copy()
        observed = Observed(
            residual=scores - target,
            target=target,
            label=labels if logistic else None,
            weight=weight,
            precision=_LOGISTIC_CURVATURE if logistic else 1.0,
        )
        self._sweeps[0] += 1
        design.sweep(parameters, self._prior(design), observed, n_threads=n_threads)
        self._scores = observed.residual + observed.target
        losses = _logistic_losses(self._scores, labels) if logistic else observed.residual**2
        if weight is None:
            return float(losses.sum(dtype=np.float64)), float(len(losses))
        return float(np.dot(losses.astype(np.float64), weight)), float(weight.sum(dtype=np.float64))

    def score(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return the raw scores of the parameters as they stand, float32[n_rows, 1]."""
        factors = None if self._factors is None else _by_feature(self._factors)
        linear = self._linear[:, np.newaxis]
        scorer = native.Scorer(self._origin.spec(), self._bias, linear, factors)
        return scorer.score(rows, n_threads)

    def export(self) -> Model:
        """Return the parameters as they stand as a Model of its own."""
        origin = self._origin
        return MODEL_CLASSES[origin.kind](
            origin.config,
            self._bias.copy(),
            self._linear[:, np.newaxis].copy(),
            None if self._factors is None else _by_feature(self._factors),
            schema=origin.schema,
            classes=origin.classes,
            provenance=origin.provenance,
        )

    def state(self) -> dict[str, AnyArray]:
        """Return what is needed to go on exactly, not copied."""
        state = {"bias": self._bias, "linear": self._linear}
        if self._factors is not None:
            state["factors"] = self._factors
        return state | {"scores": self._scores, "sweeps": self._sweeps}

    def load_state(self, state: dict[str, AnyArray]) -> None:
        """Take over a state that ``state`` returned, of the same model.

        Raises
        ------
        DataError
            If the arrays do not fit.
        """
        for name, own in self.state().items():
            given = state.get(name)
            fits = name == "scores" or (given is not None and given.shape == own.shape)
            if given is None or given.dtype != own.dtype or not fits:
                got = "nothing" if given is None else f"{given.dtype} of shape {given.shape}"
                raise DataError(
                    f"The saved state does not fit this solver: {name!r} must be {own.dtype} of "
                    f"shape {own.shape}. Got {got}. Resume with the model kind, size and solver "
                    f"that the checkpoint was made with."
                )
        for name in self.state():
            setattr(self, f"_{name}", np.array(state[name]))

    def __getstate__(self) -> dict[str, Any]:
        # The design belongs to the core, and is made anew from the rows of the next sweep.
        return self.__dict__ | {"_design": None}

    def grow(self, n_features: int) -> None:
        """Add features at the end of the tables, as a model built with them would have had them."""
        known = self.n_features
        if n_features <= known:
            return
        added = n_features - known
        self._linear = np.concatenate([self._linear, np.zeros(added, np.float32)])
        if self._factors is not None:
            scale = self._origin.config.init_scale * self._origin.target_scale**0.5
            shape = (added, len(self._factors))
            fresh = native.init_factors(shape, self.seed, scale, first_feature=known)
            self._factors = np.ascontiguousarray(np.concatenate([self._factors, fresh.T], axis=1))

    def _parameters(self) -> Parameters:
        config = self._origin.config
        return Parameters(
            self._bias if config.fit_intercept else None,
            self._linear if config.fit_linear else None,
            self._factors,
        )

    def _prior(self, design: Design) -> Prior:
        spec = self._origin.spec(self.config)
        n_factors = 0 if self._factors is None else len(self._factors)
        penalties = np.full((1 + n_factors, 1), spec.rates("factors").l2, np.float32)
        penalties[0] = spec.rates("linear").l2
        return Prior(penalties, np.zeros_like(penalties), multiplier=design.counts())

    def _design_of(self, rows: Rows, order: Int64Array) -> Design:
        """Return the design of these rows, made once for all sweeps over them."""
        if self._design is not None:
            known, known_order, design = self._design
            same = known is rows and design.n_features == self.n_features
            if same and np.array_equal(known_order, order):
                return design
        self._scores = self._scores if self._design is None else self._scores[:0]
        norm = self._origin.config.instance_norm
        design = Design(rows, order, self.n_features, normalised=norm)
        self._design = (rows, order, design)
        return design


def _check_solvable(model: Model) -> None:
    if model.kind not in ("linear", "fm"):
        raise ConfigError(
            f"solver='als' is for linear models and factorization machines (model='linear' or "
            f"'fm'). Got model={model.kind!r}: use solver='adagrad'."
        )
    if model.config.task == "multiclass":
        raise ConfigError(
            "solver='als' is for regression and two classes. Got a task with "
            f"{model.n_outputs} classes: use solver='adagrad'."
        )
    if model.config.task == "rank":
        raise ConfigError(
            "solver='als' is for regression and two classes. Got the task 'rank': use "
            "solver='adagrad'."
        )


def _labels(rows: Rows, order: Int64Array) -> Float32Array:
    if rows.target is None:
        raise DataError("Training needs a target for every row. These rows have none.")
    return rows.target[order]


def _weights(
    rows: Rows, order: Int64Array, class_weight: Float32Array | None
) -> Float32Array | None:
    """Return the weights of the rows, with those of their classes."""
    weight = None if rows.weight is None else rows.weight[order]
    if class_weight is None:
        return weight
    of_class = class_weight[_labels(rows, order).astype(np.int64)]
    return of_class if weight is None else weight * of_class


def _logistic_losses(scores: Float32Array, labels: Float32Array) -> Float32Array:
    return np.asarray(np.logaddexp(0, scores) - labels * scores)


def _by_factor(factors: Float32Array) -> Float32Array:
    """Return float32[n_features, 1, k] as float32[k, n_features]."""
    return np.ascontiguousarray(factors[:, 0].T)


def _by_feature(factors: Float32Array) -> Float32Array:
    return np.ascontiguousarray(factors.T)[:, np.newaxis]
