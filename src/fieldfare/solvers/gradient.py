"""Stochastic gradient solvers: SGD, AdaGrad (per weight and row-wise) and FTRL-Proximal.

A solver owns the training table, in which weights and optimiser state lie side by side. A Model is
copied into it at the start, and out of it by ``export``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array
from fieldfare.config import SolverConfig
from fieldfare.kernels import native
from fieldfare.kernels.initial import InitialFactors
from fieldfare.kernels.machine import aligned
from fieldfare.kinds.solvers import ADAGRAD, FTRL, ROWWISE_ADAGRAD, SGD
from fieldfare.models.base import Model
from fieldfare.models.registry import initial_factors
from fieldfare.rows import RelatedRows, Rows, as_rows
from fieldfare.solvers.base import Solver, counted
from fieldfare.solvers.state import check_state


class GradientSolver(Solver):
    """Improves a model, some samples at a time.

    Parameters
    ----------
    model : Model
        Where to start; not changed.
    config : SolverConfig, optional
    seed : int
        Fixes the initial factors of features that ``grow`` adds.
    """

    runs = (ADAGRAD, ROWWISE_ADAGRAD, SGD, FTRL)

    def __init__(self, model: Model, config: SolverConfig | None = None, *, seed: int = 0) -> None:
        super().__init__(model, config, seed=seed)
        self._spec = model.spec(self.config)
        self._table = native.TrainingTable(self._spec, model.n_features)
        self._visits = np.zeros(model.n_features if self.needs_visits else 0, np.int64)
        self._put_shared(model)
        self._put(model.linear, model.undrawn or model.factors, 0)

    @property
    def n_features(self) -> int:
        """Number of features in the table."""
        return len(self._table.rows)

    @property
    def needs_visits(self) -> bool:
        """Whether penalties depend on how often features are visited."""
        return self._penalty_exponent != 0

    def learn_visits(self, visits: Int64Array, *, more: bool = False) -> None:
        """Learn how often each feature occurs in the rows to come; see `Solver.learn_visits`.

        Weights stay as they are.
        """
        if not self.needs_visits:
            return
        self._visits = counted(self._visits, visits, more=more)
        times = np.maximum(self._visits, 1) ** self._penalty_exponent
        if self.kind.weights_from_state:
            self._keep_untouched(times - self._table.penalties)
        self._table.penalties[...] = times

    def _keep_untouched(self, added: Float64Array) -> None:
        """Keep what FTRL's closed form gives for weights without gradients, see `_ftrl_z`."""
        table = self._table
        groups: list[tuple[str, list[list[Float32Array]]]] = []
        if self._spec.model.fit_linear:
            groups.append(("linear", [[table.linear], *([table.linear_state(s)] for s in (0, 1))]))
        if self._origin.has_factors:
            groups.append(("factors", [table.factor_blocks(slot) for slot in (None, 0, 1)]))
        for group, arrays in groups:
            for part, (weights, z, n) in enumerate(zip(*arrays, strict=True)):
                by_feature = added.reshape(-1, *[1] * (weights.ndim - 1))
                pull = self._spec.rates(group, part).l2 * by_feature
                fresh = n == np.float32(self._spec.rates(group, part).start)
                np.subtract(z, weights * pull, out=z, where=fresh, casting="same_kind")

    def train(
        self,
        rows: Rows | RelatedRows,
        order: Int64Array,
        class_weight: Float32Array | None = None,
        n_threads: int = 1,
    ) -> tuple[float, float]:
        """Visit the rows that ``order`` names; see ``kernels.native.train``."""
        return native.train(self._table, as_rows(rows), order, class_weight, n_threads)

    def train_pairs(self, rows: Rows, pairs: Int64Array, n_threads: int = 1) -> tuple[float, float]:
        """Visit pairs of rows; see ``kernels.native.train_pairs``."""
        return native.train_pairs(self._table, rows, pairs, n_threads)

    def score(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return the raw scores under the current parameters, float32[n_rows, n_outputs]."""
        table = self._table
        factors = table.factors if self._origin.has_factors else None
        pairs = None if self._origin.pair_weights is None else table.pairs[..., 0]
        scorer = native.Scorer(self._spec, table.bias[:, 0], table.linear, factors, pairs)
        return scorer.score(rows, n_threads)

    def export(self) -> Model:
        """Return the current parameters as a Model, copied."""
        shape = self._factors_shape()
        if shape is None:
            return self._model(self._linear(), None)
        factors = aligned(shape)
        parts = self._table.factor_blocks()
        whole = (*parts[0].shape[:-1], self._spec.model.total_factors)
        np.concatenate(parts, axis=-1, out=factors.reshape(whole))
        return self._model(self._linear(), factors)

    def finish(self) -> Model:
        """Return the same Model in the solver's own memory; the solver is then used up."""
        shape = self._factors_shape()
        linear = self._linear()
        return self._model(linear, None if shape is None else self._table.surrender(shape))

    def _factors_shape(self) -> tuple[int, ...] | None:
        origin = self._origin
        return origin.factors_shape(
            origin.config, self.n_features, origin.n_fields, origin.n_outputs
        )

    def _linear(self) -> Float32Array:
        if self._spec.model.fit_linear:
            return np.array(self._table.linear, order="C")
        return np.zeros((self.n_features, self._spec.n_outputs), np.float32)

    def _model(self, linear: Float32Array, factors: Float32Array | None) -> Model:
        table, origin = self._table, self._origin
        pairs = None
        if origin.pair_weights is not None:
            upper = np.triu(table.pairs[..., 0])
            pairs = upper + np.triu(upper, 1).swapaxes(1, 2)
        bias = table.bias[:, 0].copy()
        return origin.with_(bias=bias, linear=linear, factors=factors, pair_weights=pairs)

    def state(self) -> dict[str, AnyArray]:
        """Return what is needed to continue exactly: parameters and optimiser state, not copied."""
        state = {"table": self._table.rows, "shared": self._table.shared}
        return state | ({"visits": self._visits} if self.needs_visits else {})

    def load_state(self, state: dict[str, AnyArray]) -> None:
        """Take over a state that ``state`` returned, of the same model and configuration.

        It may also be one that another program kept, as `fieldfare.models.progress.Progress` says.

        Raises
        ------
        DataError
            If the arrays do not fit.
        """
        if "linear" in state:
            self._load_by_parameter(state)
            return
        check_state(state, self.state())
        for name, own in self.state().items():
            np.copyto(own, state[name])

    def _load_by_parameter(self, state: dict[str, AnyArray]) -> None:
        table, slots, factors = self._table, self.kind.slots, self._factors_shape()
        shapes = {"bias": self._origin.bias.shape, "linear": table.linear.shape}
        shapes |= {} if factors is None else {"factors": factors}
        own = {name: np.empty((*shape, slots), np.float32) for name, shape in shapes.items()}
        check_state(state, own)
        for slot in range(slots):
            table.bias[:, 1 + slot] = state["bias"][..., slot]
            table.linear_state(slot)[...] = state["linear"][..., slot]
            if factors is not None:
                (place,) = table.factor_blocks(slot)
                place[...] = state["factors"][..., slot].reshape(place.shape)

    def __getstate__(self) -> dict[str, Any]:
        # The layout of the table is an object of the core; arrays and configuration determine it.
        return {
            "model": self.export(),
            "config": self.config,
            "seed": self.seed,
            "state": self.state(),
        }

    def __setstate__(self, saved: dict[str, Any]) -> None:
        GradientSolver.__init__(self, saved["model"], saved["config"], seed=saved["seed"])
        self.load_state(saved["state"])

    def grow(self, n_features: int) -> None:
        """Add features at the end of the table, as if the model had been built with them."""
        known = self.n_features
        if n_features <= known:
            return
        table = native.TrainingTable(self._spec, n_features)
        table.rows[:known] = self._table.rows
        table.shared[:] = self._table.shared
        self._table = table
        if self.needs_visits:
            self._visits = np.append(self._visits, np.zeros(n_features - known, np.int64))
        added = n_features - known
        shape = self._factors_shape()
        factors = None
        if shape is not None:
            shape = (added, *shape[1:])
            factors = initial_factors(self._origin.config, shape, self.seed, self._origin.units)
        self._put(np.zeros((added, self._spec.n_outputs), np.float32), factors, known)

    def _put(
        self, linear: Float32Array, factors: Float32Array | InitialFactors | None, first: int
    ) -> None:
        """Write the rows of a fresh table from feature ``first`` on."""
        table = self._table
        from_state = self.kind.weights_from_state
        if isinstance(factors, InitialFactors) and from_state:
            factors = factors.draw(first)
        if isinstance(factors, InitialFactors):
            table.start(first, factors)
            factors = None
        else:
            table.start(first)
        if self._spec.model.fit_linear:
            table.linear[first:] = linear
            if from_state:
                z = table.linear_state(0)[first:]
                z[...] = self._ftrl_z(linear, "linear")
                table.linear_state(1)[first:] = self._spec.rates("linear").start
        if factors is not None:
            begin = 0
            for part, place in enumerate(table.factor_blocks()):
                end = begin + place.shape[-1]
                values = factors[..., begin:end].reshape(place[first:].shape)
                place[first:] = values
                if from_state:
                    z = table.factor_blocks(0)[part]
                    z[first:] = self._ftrl_z(values, "factors", part)
                    n = table.factor_blocks(1)[part]
                    n[first:] = self._spec.rates("factors", part).start
                begin = end

    def _put_shared(self, model: Model) -> None:
        """Write the parameters that every sample moves."""
        places = [(self._table.bias, model.bias, "bias")]
        if model.pair_weights is not None:
            places.append((self._table.pairs, model.pair_weights, "pairs"))
        for place, weights, group in places:
            place[..., 0] = weights
            if self.kind.weights_from_state:
                place[..., 1] = self._ftrl_z(weights, group)
                place[..., 2] = self._spec.rates(group).start

    def _ftrl_z(self, weights: Float32Array, group: str, part: int = 0) -> Float32Array:
        """Return the z for which the closed form of FTRL gives these weights while n is fresh."""
        rates = self._spec.rates(group, part)
        pull = (rates.beta + math.sqrt(rates.start)) / rates.learning_rate + rates.l2
        return np.asarray(-weights * pull - np.sign(weights) * rates.l1, np.float32)
