"""The compiled kernels of training and scoring, called with arrays and one Spec."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import as_strided

from fieldfare import _core
from fieldfare._typing import Float32Array, Int64Array
from fieldfare.exceptions import DataError
from fieldfare.kernels.initial import InitialFactors, Stretch, start_rows
from fieldfare.kernels.machine import aligned, available_cores, give_back
from fieldfare.kernels.table import Spec
from fieldfare.rows import RelatedRows, Rows, as_rows

_ROWS_PER_THREAD = 4096
_ROWS_MOVED = 4096


def resolve_threads(n_jobs: int | None, n_rows: int) -> int:
    """Return the number of threads for a job of ``n_rows`` rows.

    None and -1 mean every core, but at most one thread per 4,096 rows: starting another one would
    cost more than it saves. A small job therefore runs on one thread, and is reproducible.
    """
    if n_jobs is not None and n_jobs > 0:
        return n_jobs
    if n_rows < 2 * _ROWS_PER_THREAD:
        return 1
    return max(1, min(available_cores(), n_rows // _ROWS_PER_THREAD))


@lru_cache(maxsize=64)
def core_spec(spec: Spec) -> _core.Spec:
    """Return the compiled struct of a spec; the core knows kind, loss and solver by their names."""
    core = _core.Spec(
        spec.kind.name,
        spec.loss,
        spec.solver.solver,
        spec.n_outputs,
        spec.model.total_factors,
        spec.n_fields,
        spec.model.fit_intercept,
        spec.model.fit_linear,
        spec.model.instance_norm,
        spec.model.norm_unknown,
        spec.parts,
    )
    factors = [spec.rates("factors", part)[:4] for part in range(spec.n_parts)]
    bias, linear, pairs = (spec.rates(group)[:4] for group in ("bias", "linear", "pairs"))
    core.set_rates(bias, linear, factors, pairs)
    return core


def _require_fields(spec: Spec, rows: Rows | RelatedRows) -> None:
    """Raise DataError if a model that uses fields meets rows without them."""
    if not spec.kind.uses_fields or rows.n_rows == 0:
        return
    if (rows.own if isinstance(rows, RelatedRows) else rows).fields is None:
        raise DataError(
            f"A {spec.kind.name} model needs the field of every entry, and these rows have none. "
            "Use a table, libffm text, or a matrix with fields=."
        )


def core_rows(rows: Rows | RelatedRows) -> _core.Rows:
    """Return the compiled struct over the arrays of rows, joined with their side tables."""
    rows = as_rows(rows)
    return _core.Rows(rows.indptr, rows.indices, rows.values, rows.fields, rows.target, rows.weight)


class TrainingTable:
    """Weights and optimiser state in the layout of the training kernels.

    For each output, the row of a feature holds its factors, their state, the linear weight and its
    state side by side, so that a visit touches as few cache lines as possible. At the end stands by
    what the feature's L2 penalties are multiplied. The views below show these parts in their plain
    shapes without copying them. ``C`` is the number of outputs, and ``B`` the number of latent
    vectors per feature (the number of fields for FFM, else 1). The vector of an HOFM has parts, one
    for each order with factors of its own, each padded to whole SIMD lanes.

    Parameters
    ----------
    spec : Spec
    n_features : int

    Attributes
    ----------
    rows : float32 array of shape (n_features, stride)
    shared : float32 array of shape (C, 1 + P, 1 + slots)
        The parameters that every sample updates, each with its state: the bias of each output and,
        for an FwFM, the weights of its P = F * F pairs of fields.
    """

    def __init__(self, spec: Spec, n_features: int) -> None:
        self.spec = spec
        self.layout = core_spec(spec).layout()
        self.rows = aligned((n_features, self.layout.stride))
        each = 1 + self.layout.slots
        self.shared = np.zeros((spec.n_outputs, self.layout.shared // each, each), np.float32)
        if spec.solver.kind.starts_at_unit:
            self.bias[:, 1] = spec.rates("bias").start
            self.shared[:, 1:, 1] = spec.rates("pairs").start

    def start(self, first: int = 0, factors: InitialFactors | None = None) -> None:
        """Initialise the rows from feature ``first`` on: their state and, if given, the factors."""
        spec, layout = self.spec, self.layout
        outputs = range(0, spec.n_outputs * layout.output_stride, max(1, layout.output_stride))
        runs: list[Stretch] = []
        if factors is not None:
            vectors = range(0, layout.factor_state, max(1, layout.padded_factors))
            starts = self._padded_offsets() if spec.parts else None
            runs += factors.runs([base + at for base in outputs for at in vectors], starts)
        if spec.solver.kind.starts_at_unit:
            # This includes the padding, since the kernels divide by the root of the state.
            for base in outputs:
                for part, (low, high) in enumerate(self._state_of_parts()):
                    value = spec.rates("factors", part).start
                    runs.append(Stretch(base + low, high - low, value=value))
                if spec.model.fit_linear:
                    value = spec.rates("linear").start
                    runs.append(Stretch(base + layout.weight + 1, 1, value=value))
        runs.append(Stretch(layout.penalty, 1, value=1.0))
        start_rows(self.rows[first:], first, runs, 0 if factors is None else factors.seed)

    def surrender(self, shape: tuple[int, ...]) -> Float32Array:
        """Return the factors, in this shape, in the memory of the table, which is lost.

        The factors of each row move to the front of the memory, over rows that were moved already,
        and the rest is returned to the system. A copy would need memory for both.
        """
        parts = self.factor_blocks()
        n, width = len(self.rows), math.prod(shape[1:])
        flat = self.rows.reshape(-1)
        found = flat[: n * width].reshape(-1, *parts[0].shape[1:-1], self.spec.model.total_factors)
        for low in range(0, n, _ROWS_MOVED):
            high = min(low + _ROWS_MOVED, n)
            found[low:high] = np.concatenate([part[low:high] for part in parts], axis=-1)
        if not give_back(flat, 4 * n * width):
            found = found.copy()
        self.rows = self.rows[:0]
        return found.reshape(shape)

    @property
    def bias(self) -> Float32Array:
        """Bias of each output and its state, float32 of shape (C, 1 + slots)."""
        return self.shared[:, 0]

    @property
    def pairs(self) -> Float32Array:
        """Weights of pairs of fields and their state, float32 of shape (C, F, F, 1 + slots).

        The kernels read and update only the upper triangle.
        """
        n = self.spec.n_fields
        return self.shared[:, 1:].reshape(self.spec.n_outputs, n, n, 1 + self.layout.slots)

    @property
    def linear(self) -> Float32Array:
        """Linear weights, float32 of shape (n_features, C)."""
        return self._view(self.layout.weight, ())

    @property
    def penalties(self) -> Float32Array:
        """What the L2 penalties of each feature are multiplied by, float32 of shape (n_features,).

        One at the start.
        """
        return self.rows[:, self.layout.penalty]

    def linear_state(self, slot: int) -> Float32Array:
        """Return the state of the linear weights, float32 of shape (n_features, C)."""
        return self._view(self.layout.weight + 1 + slot, ())

    @property
    def factors(self) -> Float32Array:
        """Latent vectors for `Scorer`, float32 of shape (n_features, C, B, k), with any padding."""
        if self.spec.parts:
            return self._view(0, ((1, 0), (self.layout.padded_factors, 1)))
        (whole,) = self.factor_blocks()
        return whole

    def factor_blocks(self, slot: int | None = None) -> list[Float32Array]:
        """Return each part of the latent vectors, float32 of shape (n_features, C, B, k).

        With a slot, return their state instead, for solvers with state for each weight.
        """
        layout = self.layout
        offset = 0 if slot is None else (slot + 1) * layout.factor_state
        if not self.spec.parts:
            inner = ((layout.blocks, layout.padded_factors), (self.spec.model.total_factors, 1))
            return [self._view(offset, inner)]
        starts = self._padded_offsets()
        return [
            self._view(offset + start, ((1, 0), (part.n_factors, 1)))
            for start, part in zip(starts, self.spec.parts, strict=False)
        ]

    def _padded_offsets(self) -> list[int]:
        """Return where the parts of a latent vector begin, and where the last one ends."""
        padded = [_core.padded_factors(part.n_factors) for part in self.spec.parts]
        return [0, *np.cumsum(padded, dtype=int).tolist()]

    def _state_of_parts(self) -> list[tuple[int, int]]:
        """Return where the state of each part begins and ends in the first slot."""
        layout = self.layout
        start = layout.factor_state
        if not self.spec.parts:
            return [(start, layout.weight)]
        if self.spec.solver.kind.slots_per_vector:
            return [(start + place, start + place + 1) for place in range(layout.blocks)]
        ends = self._padded_offsets()
        return [(start + low, start + high) for low, high in pairwise(ends)]

    def _view(self, offset: int, inner: tuple[tuple[int, int], ...]) -> Float32Array:
        """View the table from an offset, with (length, stride in floats) of each inner axis."""
        axes = (
            (len(self.rows), self.layout.stride),
            (self.spec.n_outputs, self.layout.output_stride),
            *inner,
        )
        return as_strided(
            self.rows.reshape(-1)[offset:] if self.rows.size else self.rows.reshape(-1),
            shape=[length for length, _ in axes],
            strides=[4 * stride for _, stride in axes],
        )


def shuffle(order: Int64Array, seed: int) -> None:
    """Shuffle an array in place, as determined by a seed in [0, 2**64).

    NumPy's own shuffle would take a tenth of the time of an epoch.
    """
    _core.shuffle(order, seed)


def train(
    table: TrainingTable,
    rows: Rows,
    order: Int64Array,
    class_weight: Float32Array | None = None,
    n_threads: int = 1,
) -> tuple[float, float]:
    """Visit samples in the given order, with an update after each.

    Parameters
    ----------
    table : TrainingTable
        Changed in place.
    rows : Rows
        With a target: a number (squared loss), 0 or 1 (logistic), or a class number (softmax).
    order : int64 array
        Row numbers; one that is repeated is visited again.
    class_weight : float32 array of shape (n_classes,), optional
    n_threads : int
        With several threads, AdaGrad runs without locks (Hogwild): the result has the same quality
        but not the same bits. The other solvers use one thread.

    Returns
    -------
    loss, weight : float
        Sums over the samples of weight times loss (before each sample's own update), and of weight.

    Raises
    ------
    DataError
        If a row number, feature id, field or class is out of range. Rows before that one may have
        been used already.
    """
    _require_fields(table.spec, rows)
    loss, weight, bad_row = _core.train(
        core_spec(table.spec),
        table.rows,
        table.shared.reshape(len(table.shared), -1),
        core_rows(rows),
        order,
        class_weight,
        n_threads,
    )
    if bad_row is not None:
        raise DataError(
            f"Row {bad_row} cannot be trained on: it lies outside the {rows.n_rows} rows, or holds "
            f"a feature id of {len(table.rows)} or more, a field of {table.spec.n_fields} or more, "
            f"or a target that is not one of the classes."
        )
    return loss, weight


def train_pairs(
    table: TrainingTable,
    rows: Rows,
    pairs: Int64Array,
    n_threads: int = 1,
) -> tuple[float, float]:
    """Visit pairs of samples in the given order, with an update after each.

    Parameters
    ----------
    table : TrainingTable
        With the loss ``"pairwise"`` or ``"hinge"``; changed in place, except for its bias, which
        cancels out.
    rows : Rows
        Targets are not read.
    pairs : int64 array of shape (n_pairs, 2)
        Row numbers: the sample that should score higher, and the other one.
    n_threads : int
        As in `train`.

    Returns
    -------
    loss, weight : float
        Sums over the pairs of weight times loss (before each pair's own update), and of weight: the
        geometric mean of the two sample weights.

    Raises
    ------
    DataError
        If a row number, feature id or field is out of range. Pairs before that one may have been
        used already.
    """
    _require_fields(table.spec, rows)
    loss, weight, bad_row = _core.train_pairs(
        core_spec(table.spec),
        table.rows,
        table.shared.reshape(len(table.shared), -1),
        core_rows(rows),
        pairs,
        n_threads,
    )
    if bad_row is not None:
        raise DataError(
            f"Row {bad_row} cannot be trained on: it lies outside the {rows.n_rows} rows, or holds "
            f"a feature id of {len(table.rows)} or more, or a field of {table.spec.n_fields} or "
            "more."
        )
    return loss, weight


class Scorer:
    """The parameters of a model, checked once and ready to score.

    Parameters
    ----------
    spec : Spec
    bias, linear, factors, pair_weights : float32 arrays
        Of the shapes given in ``kernels.table``, possibly strided; factors with or without an axis
        of blocks. They are not copied, so changes to them affect the scores. Only the upper
        triangle of the pair weights is read.
    """

    def __init__(
        self,
        spec: Spec,
        bias: Float32Array,
        linear: Float32Array,
        factors: Float32Array | None,
        pair_weights: Float32Array | None = None,
    ) -> None:
        if factors is not None and factors.ndim == 3:
            factors = factors[:, :, np.newaxis, :]
        self.spec = spec
        self._core = _core.Scorer(
            core_spec(spec),
            bias,
            linear if spec.model.fit_linear else None,
            factors,
            pair_weights,
            len(linear),
        )

    def score(
        self,
        rows: Rows | RelatedRows,
        n_threads: int | None = None,
        context: Rows | None = None,
    ) -> Float32Array:
        """Return the scores of rows, float32 of shape (n_rows, C); unknown features are ignored.

        With a ``context`` of one row, each row is scored as if it also had the entries of the
        context, whose own contribution is computed only once.
        """
        for part in (rows,) if context is None else (rows, context):
            _require_fields(self.spec, part)
        out = np.empty((rows.n_rows, self.spec.n_outputs), np.float32)
        self._core.score(
            core_rows(rows),
            None if context is None else core_rows(context),
            out,
            resolve_threads(n_threads, rows.n_rows),
        )
        return out

    def score_one(
        self, ids: list[int], values: list[float], fields: list[int] | None
    ) -> list[float]:
        """Return the score of each output for one sample, given as lists."""
        return self._core.score_one(ids, values, fields)


def instruction_sets() -> list[str]:
    """Return the instruction sets that the core was compiled for, best first."""
    return list(_core.instruction_sets())


def instruction_set() -> str:
    """Return the instruction set in use."""
    return str(_core.instruction_set())


def use(name: str) -> None:
    """Switch to another instruction set, for tests and comparisons.

    Raises
    ------
    ValueError
        If there is no such set, or the processor does not have it.
    """
    _core.use_instruction_set(name)
