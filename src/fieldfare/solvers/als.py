"""Alternating least squares: each parameter in turn is set to its optimum, all others fixed.

An epoch is one sweep over bias, linear weights and factors of any order (Rendle 2012, section 5.2):
scores are linear in each single parameter. The objective is that of the other solvers,
``sum_i (w_i loss_i + l2 / 2 |theta_i|^2)`` with ``theta_i`` the parameters that row i touches (and
half the squared error as loss), so penalties mean the same: a parameter that n rows touch is
penalised n times or, by ``l2_exponent``, by another power of n.

The logistic loss is replaced by a parabola that lies above it (Böhning & Lindsay 1988). It is
fitted again to the current scores before each factor, so that no sweep makes the objective worse.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np

from fieldfare._sums import dot
from fieldfare._typing import Float32Array, Int64Array
from fieldfare.config import SolverConfig
from fieldfare.kernels.coordinate import Design, Observed, Prior, SweepParameters, orders_of
from fieldfare.kinds.solvers import ALS
from fieldfare.models.base import Model
from fieldfare.rows import RelatedRows, Rows
from fieldfare.solvers.tables import TableSolver, labels_of, weights_of, without_zero_weights

# Sweeps update scores by differences. After this many, they are computed from scratch.
_REFRESH = 10
_LOGISTIC_CURVATURE = 0.25


@final
class AlsSolver(TableSolver):
    """Improves a model, one sweep over the rows at a time.

    Parameters
    ----------
    model : Model
        Where to start; not changed. A linear model, an FM or a HOFM, with one output.
    config : SolverConfig, optional
        Only the L2 penalties are used.
    seed : int
        Fixes the initial factors of features that ``grow`` adds.

    Raises
    ------
    ConfigError
        If the model is of another kind, or for more than two classes.
    """

    runs = (ALS,)
    _own_state = ("scores", "sweeps")
    _of_any_length = ("scores",)

    def __init__(self, model: Model, config: SolverConfig | None = None, *, seed: int = 0) -> None:
        super().__init__(model, config, seed=seed)
        # Scores of the training rows; empty while they are not known.
        self._scores = np.zeros(0, np.float32)
        self._sweeps = np.zeros(1, np.int64)
        self._design: tuple[Rows | RelatedRows, Int64Array, Design] | None = None

    @staticmethod
    def _laid_out(factors: Float32Array) -> Float32Array:
        # One factor of all features side by side. Always a copy, unlike `ascontiguousarray`, which
        # returns a view if there is only one factor or feature.
        return np.array(factors.T, order="C")

    def _by_feature(self) -> Float32Array | None:
        factors = self._factors
        return None if factors is None else np.array(factors.T, order="C")[:, np.newaxis]

    def train(
        self,
        rows: Rows | RelatedRows,
        order: Int64Array,
        class_weight: Float32Array | None = None,
        n_threads: int = 1,
    ) -> tuple[float, float]:
        """Make one sweep over the rows that ``order`` names, which should be all there are.

        The number of threads changes nothing.

        Returns
        -------
        loss, weight : float
            Sums over the rows of weight times loss, after the sweep, and of weight.

        Raises
        ------
        DataError
            If a row or an id is out of range, or a row holds a feature twice.
        """
        order = without_zero_weights(rows, order, class_weight)
        design = self._design_of(rows, order)
        labels, weight = labels_of(rows, order), weights_of(rows, order, class_weight)
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
        return float(dot(losses, weight)), float(weight.sum(dtype=np.float64))

    def __getstate__(self) -> dict[str, Any]:
        # The design is an object of the core; the next sweep makes it again from its rows.
        return self.__dict__ | {"_design": None}

    def _parameters(self) -> SweepParameters:
        config = self._origin.config
        return SweepParameters(
            self._bias if config.fit_intercept else None,
            self._linear if config.fit_linear else None,
            self._factors,
            orders_of(config),
        )

    def _prior(self, design: Design) -> Prior:
        spec = self._origin.spec(self.config)
        parts = () if self._factors is None else self._origin.config.factor_blocks
        own = [np.full(p.n_factors, spec.rates("factors", t).l2) for t, p in enumerate(parts)]
        penalties = np.concatenate([[spec.rates("linear").l2], *own], dtype=np.float32)
        penalties = penalties[:, np.newaxis]
        counts = design.counts()
        times = np.where(counts > 0, counts ** np.float32(self.config.l2_exponent), 0)
        return Prior(penalties, np.zeros_like(penalties), multiplier=times)

    def _design_of(self, rows: Rows | RelatedRows, order: Int64Array) -> Design:
        """Return the design of these rows, made once and kept for all sweeps over them."""
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


def _logistic_losses(scores: Float32Array, labels: Float32Array) -> Float32Array:
    return np.asarray(np.logaddexp(0, scores) - labels * scores)
