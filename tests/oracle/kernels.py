"""The kernels again in float64 NumPy, one sample at a time: slow, obvious, and what tests trust.

With x a sample, C outputs and one set of parameters an output (no C in the formulas):

* linear: ``w0 + <w, x>``;
* FM: ``+ sum_{i<j} <v_i, v_j> x_i x_j`` (Rendle 2010, eq. 1). Its gradient in ``v_i`` is
  ``x_i (S - x_i v_i)`` with ``S = sum_j x_j v_j`` (eq. 4 and lemma 3.1);
* FFM: ``+ sum_{i<j} <v_{i,f_j}, v_{j,f_i}> x_i x_j`` (Juan et al. 2016, eq. 4). Its gradient in
  ``v_{i,b}`` is ``x_i A[b, f_i]``, less ``x_i v_{i,b}`` when ``b = f_i``, where
  ``A[a, b] = sum_{i in field a} x_i v_{i,b}`` (eqs. 5 and 6, collected by field);
* FwFM: ``+ sum_{i<j} r_{f_i,f_j} <v_i, v_j> x_i x_j`` (Pan et al. 2018), ``r`` symmetric.
  With ``A[a] = sum_{i in field a} x_i v_i`` the gradient in ``v_i`` is ``x_i sum_b r_{f_i,b}
  A[b]``, less ``x_i^2 r_{f_i,f_i} v_i``; in ``r_{a,b}`` it is the sum of ``<v_i, v_j> x_i x_j``
  over the pairs between the fields ``a`` and ``b``;
* HOFM: ``+ sum_{t=2..d} sum_f A^t(p_f)`` with ``p_f = (x_i v_{i,f})_i`` over the factors f of order
  t (or over all, if orders share them), where the ANOVA kernel ``A^t`` is the sum over all subsets
  of t entries of the product of their ``p`` (Rendle 2010, eq. 5). Its
  derivative in ``p_{i,f}`` is ``A^{t-1}`` of the other entries.

Scores are summed over pairs, as the definitions read; gradients use the sums. Entries of one sample
that repeat a feature are separate: they pair with each other, and are updated in turn.

References
----------
S. Rendle, Factorization Machines, ICDM 2010.
Y. Juan, Y. Zhuang, W.-S. Chin, C.-J. Lin, Field-aware Factorization Machines for CTR Prediction,
RecSys 2016.
M. Blondel, A. Fujino, N. Ueda, M. Ishihata, Higher-Order Factorization Machines, NIPS 2016.
J. Pan et al., Field-weighted Factorization Machines for Click-Through Rate Prediction in Display
Advertising, WWW 2018.
J. Duchi, E. Hazan, Y. Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
Optimization, JMLR 12, 2011 (diagonal AdaGrad, fig. 1).
S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme, BPR: Bayesian Personalized Ranking from
Implicit Feedback, UAI 2009.
C. Burges et al., Learning to Rank using Gradient Descent, ICML 2005.
R. Herbrich, T. Graepel, K. Obermayer, Large Margin Rank Boundaries for Ordinal Regression, in
Advances in Large Margin Classifiers, 2000.
H. B. McMahan et al., Ad Click Prediction: a View from the Trenches, KDD 2013 (algorithm 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.kernels.table import Spec
from fieldfare.kinds.models import FFM, FM
from fieldfare.kinds.solvers import FTRL, ROWWISE_ADAGRAD, SGD
from fieldfare.rows import Rows

Sample = tuple[AnyArray, AnyArray, Float64Array]


@dataclass(frozen=True)
class Parameters:
    """The arrays of `fieldfare.kernels.table`, float64; ``factors`` is None for linear models."""

    bias: Float64Array
    linear: Float64Array
    factors: Float64Array | None = None
    pair_weights: Float64Array | None = None


def samples(rows: Rows) -> Iterator[Sample]:
    """Yield (ids, fields, values) of each row; fields are zeros where there are none."""
    for start, stop in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        ids = rows.indices[start:stop].astype(np.int64)
        fields = (
            np.zeros(len(ids), np.int64)
            if rows.fields is None
            else rows.fields[start:stop].astype(np.int64)
        )
        values = (
            np.ones(len(ids)) if rows.values is None else rows.values[start:stop].astype(np.float64)
        )
        yield ids, fields, values


def known(spec: Spec, n_features: int, sample: Sample) -> Sample:
    """Drop what the model does not know, then scale to unit length if so asked."""
    ids, fields, values = sample
    keep = ids < n_features
    if spec.kind.uses_fields:
        keep &= fields < spec.n_fields
    length = np.linalg.norm(values if spec.model.norm_unknown else values[keep])
    ids, fields, values = ids[keep], fields[keep], values[keep]
    if spec.model.instance_norm and length > 0:
        values = values / length
    return ids, fields, values


def score(
    params: Parameters, spec: Spec, ids: AnyArray, fields: AnyArray, values: Float64Array
) -> Float64Array:
    """Return the scores of one sample, float64[C], by summing over its pairs."""
    ids, fields, x = known(spec, len(params.linear), (ids, fields, values))
    total: Float64Array = params.bias + x @ params.linear[ids]
    if params.factors is not None:
        for c in range(spec.n_outputs):
            v = params.factors[ids, c]
            if spec.parts:
                total[c] += sum(
                    anova(x[:, None] * v[:, columns], t).sum()
                    for columns, orders in columns_and_orders(spec)
                    for t in orders
                )
                continue
            products = pair_products(v, spec, fields, x)
            if params.pair_weights is not None:
                products *= params.pair_weights[c][np.ix_(fields, fields)]
            total[c] += products.sum()
    return total


def pair_products(v: Float64Array, spec: Spec, fields: AnyArray, x: Float64Array) -> Float64Array:
    """Return the inner product of each pair i < j of entries times their values, float64[m, m]."""
    if spec.kind is FFM:
        towards = v[:, fields]  # towards[i, j] = v_{i, f_j}
        products = np.einsum("ijk,jik->ij", towards, towards)
    else:
        products = v @ v.T
    return np.triu(products * np.outer(x, x), 1)


@lru_cache(maxsize=1024)
def subsets(n: int, t: int) -> Int64Array:
    """Return all subsets of t of n places, int64[number, t]."""
    return np.array(list(combinations(range(n), t)), np.int64).reshape(-1, t)


def anova(p: Float64Array, t: int) -> Float64Array:
    """Return the ANOVA kernel of order t of each column of p, by its definition."""
    return np.asarray(p[subsets(len(p), t)].prod(axis=1).sum(axis=0))


def columns_of(spec: Spec) -> list[slice]:
    """Return where the factors of each order of an HOFM are, else where all of them are."""
    if not spec.parts:
        return [slice(None)]
    ends = np.cumsum([part.n_factors for part in spec.parts]).tolist()
    return [slice(end - part.n_factors, end) for part, end in zip(spec.parts, ends, strict=True)]


def columns_and_orders(spec: Spec) -> list[tuple[slice, range]]:
    """Return which factors of an HOFM serve which orders."""
    orders = [range(part.lowest, part.highest + 1) for part in spec.parts]
    return list(zip(columns_of(spec), orders, strict=True))


def by_part(spec: Spec, penalty: float | tuple[float, ...]) -> tuple[float, ...]:
    """Return a penalty for each group of factors that `columns_of` returns."""
    return penalty if isinstance(penalty, tuple) else (penalty,) * spec.n_parts


def anova_gradients(spec: Spec, p: Float64Array) -> Float64Array:
    """Return the derivative of the kernels of an HOFM in each of p, [m, C, K]."""
    gradient = np.zeros_like(p)
    for e in range(len(p)):
        others = np.delete(p, e, axis=0)
        for columns, orders in columns_and_orders(spec):
            gradient[e][:, columns] = sum(anova(others[..., columns], t - 1) for t in orders)
    return gradient


def loss_and_gradient(loss: str, scores: Float64Array, target: float) -> tuple[float, Float64Array]:
    """Return the loss of one sample and the direction used in place of d loss / d score.

    That is the derivative itself for ``"logistic"`` (target 0 or 1) and ``"softmax"`` (target the
    number of a class), and half of it, ``z - y``, for ``"squared"``, whose loss is ``(z - y)^2``.
    """
    if loss == "squared":
        error = scores - target
        return float(error[0] ** 2), error
    if loss == "logistic":
        z = float(scores[0])
        sigmoid = np.exp(-np.logaddexp(0, -z))
        return float(np.logaddexp(0, z) - target * z), np.array([sigmoid - target])
    log_p = scores - np.logaddexp.reduce(scores)
    return float(-log_p[int(target)]), np.exp(log_p) - np.eye(len(scores))[int(target)]


def pair_loss_and_slope(loss: str, apart: float) -> tuple[float, float]:
    """Return the loss of a pair and its derivative by the difference of the scores, s_i - s_j.

    ``"pairwise"``: ``-log sigmoid(s_i - s_j)`` (Rendle et al. 2009, sec. 4.1; Burges et al. 2005,
    eq. 3, for certain targets). ``"hinge"``: ``max(0, 1 - (s_i - s_j))`` (Herbrich et al. 2000).
    """
    if loss == "hinge":
        return max(0.0, 1 - apart), -float(apart < 1)
    return float(np.logaddexp(0, -apart)), -float(np.exp(-np.logaddexp(0, apart)))


def sums(
    params: Parameters, spec: Spec, ids: AnyArray, fields: AnyArray, x: Float64Array
) -> Float64Array:
    """Return S, [C, k], of an FM or A, [F, C, F, k] of an FFM and [F, C, k] of an FwFM.

    Of an HOFM it is the derivatives of the score in p, [m, C, K].
    """
    assert params.factors is not None
    total: Float64Array
    if spec.parts:
        return anova_gradients(spec, x[:, None, None] * params.factors[ids])
    if spec.kind is FM:
        total = np.einsum("i,ick->ck", x, params.factors[ids])
        return total
    total = np.zeros((spec.n_fields, *params.factors.shape[1:]))
    np.add.at(total, fields, x.reshape(-1, *[1] * (params.factors.ndim - 1)) * params.factors[ids])
    return total


def factor_gradient(
    params: Parameters, spec: Spec, total: Float64Array, v: Float64Array, field: int, x: float
) -> Float64Array:
    """Return d score / d v of one entry, shaped like ``v``: [C, F, k] of FFM, else [C, k]."""
    if spec.parts:
        return x * total
    if spec.kind is FM:
        return x * (total - x * v)
    if params.pair_weights is not None:
        weights = params.pair_weights[:, field]
        itself = x * weights[:, field, None] * v
        return np.asarray(x * (np.einsum("cf,fck->ck", weights, total) - itself))
    gradient = x * np.moveaxis(total[:, :, field], 0, 1)
    gradient[:, field] -= x * x * v[:, field]
    return gradient


def gradients(
    params: Parameters, spec: Spec, ids: AnyArray, fields: AnyArray, values: Float64Array
) -> tuple[Int64Array, Float64Array, Float64Array | None]:
    """Return the derivatives of the scores of one sample.

    Returns
    -------
    ids : int64[m]
        The known features, one for each entry.
    linear : float64[m]
        d score_c / d w of the entry, the same for every output. (That of the bias is one.)
    factors : float64[m, C, k], float64[m, C, F, k] or None
        d score_c / d v of the entry. Entries that repeat a feature add up.
    """
    ids, fields, x = known(spec, len(params.linear), (ids, fields, values))
    if params.factors is None:
        return ids, x, None
    total = sums(params, spec, ids, fields, x)
    factors = np.zeros((len(ids), *params.factors.shape[1:]))
    for e, (i, f) in enumerate(zip(ids, fields, strict=True)):
        of_entry = total[e] if spec.parts else total
        factors[e] = factor_gradient(params, spec, of_entry, params.factors[i], f, x[e])
    return ids, x, factors


def pair_weight_gradient(
    params: Parameters, spec: Spec, ids: AnyArray, fields: AnyArray, x: Float64Array
) -> Float64Array:
    """Return d score_c / d r of the known entries of one sample, [C, F, F], upper triangle."""
    assert params.factors is not None
    gradient = np.zeros((spec.n_outputs, spec.n_fields, spec.n_fields))
    low, high = np.minimum.outer(fields, fields), np.maximum.outer(fields, fields)
    for c in range(spec.n_outputs):
        np.add.at(gradient[c], (low, high), pair_products(params.factors[ids, c], spec, fields, x))
    return gradient


class Weights:
    """An array of weights, the state of its optimiser, and one update of part of it."""

    def __init__(
        self,
        values: Float64Array,
        spec: Spec,
        penalties: tuple[float, float] = (0.0, 0.0),
        *,
        rowwise: bool = False,
        times: Float64Array | None = None,
        start: float = 0.0,
    ) -> None:
        """``times`` multiplies the L2 penalties of each feature; they draw to ``start``."""
        self.values, self.spec, self.start = values, spec, start
        self.l1, l2 = penalties
        l1 = self.l1
        self.l2 = np.broadcast_to(l2, values.shape)
        if times is not None:
            self.l2 = self.l2 * times.reshape(-1, *[1] * (values.ndim - 1))
        self.rowwise = rowwise and spec.solver.kind is ROWWISE_ADAGRAD
        if spec.solver.kind is FTRL:
            self.n = np.zeros_like(values)
            self.z = (
                -values * (spec.solver.ftrl_beta / spec.solver.learning_rate + self.l2)
                - np.sign(values) * l1
            )
        else:
            self.accumulated = np.ones_like(values)

    def update(
        self,
        i: Any,
        g: Float64Array,
        blocks: Any = slice(None),
        first: Float64Array | None = None,
    ) -> None:
        """Move weights of feature ``i`` against their gradient ``g``, which has no penalty in it.

        ``blocks`` selects along the second axis of ``values[i]``, whose first are the outputs.
        Row-wise AdaGrad accumulates, for each output, the mean square of all that moves; that of
        ``first``, the gradient before the sample moved anything, where it is given.
        """
        rate, at = self.spec.solver.learning_rate, (slice(None), blocks)
        w = self.values[i][at]
        if self.spec.solver.kind is FTRL:  # McMahan et al. 2013, algorithm 1, per coordinate
            n, z = self.n[i][at], self.z[i][at]
            z = z + g - (np.sqrt(n + g * g) - np.sqrt(n)) / rate * w
            n = n + g * g
            shrunk = np.sign(z) * np.maximum(np.abs(z) - self.l1, 0)
            curvature = (self.spec.solver.ftrl_beta + np.sqrt(n)) / rate + self.l2[i][at]
            self.values[i][at] = np.where(
                shrunk == 0, 0, -shrunk / np.where(curvature > 0, curvature, 1)
            )
            self.n[i][at], self.z[i][at] = n, z
            return
        if self.rowwise:  # the same number everywhere in a feature's row, without the penalty
            seen = g if first is None else first
            self.accumulated[i] += (seen**2).mean(axis=tuple(range(1, g.ndim)), keepdims=True)
        g = g + self.l2[i][at] * (w - self.start)
        if self.spec.solver.kind is SGD:
            self.values[i][at] = w - rate * g
            return
        if not self.rowwise:  # Duchi et al. 2011, diagonal; starts at one
            self.accumulated[i][at] += g * g
        self.values[i][at] = w - rate * g / np.sqrt(self.accumulated[i][at])


class Seen(NamedTuple):
    """What an update needs of a sample, of the time when it was scored."""

    sample: Sample
    alone: list[int]
    """Fields that have one feature in it: inside them no pair meets."""
    before: Float64Array | None
    """The gradient of the factors, and what they were summed up to."""
    total: Float64Array | None = None
    pair_weights: Float64Array | None = None
    of_pairs: Float64Array | None = None
    """The gradient of the pair weights."""


class Trainer:
    """Trains float64 copies of the parameters, one sample after the other."""

    def __init__(self, params: Parameters, spec: Spec, times: Float64Array | None = None) -> None:
        """``times`` multiplies the L2 penalties of each feature."""
        self.spec = spec
        # Scalars are vectors of length one.
        self.bias = Weights(params.bias.astype(np.float64)[:, None], spec)
        self.linear = Weights(
            params.linear.astype(np.float64)[..., None],
            spec,
            (spec.solver.l1_linear, spec.solver.l2_linear),
            times=times,
        )
        # One for each order of an HOFM, in views of one array: its penalties may be its own.
        self.whole = None if params.factors is None else params.factors.astype(np.float64)
        self.factors = [
            Weights(self.whole[..., columns], spec, (l1, l2), rowwise=True, times=times)
            for columns, l1, l2 in zip(
                columns_of(spec),
                by_part(spec, spec.solver.l1_factors),
                by_part(spec, spec.solver.l2_factors),
                strict=True,
            )
            if self.whole is not None
        ]
        self.pairs = (
            None
            if params.pair_weights is None
            else Weights(
                params.pair_weights.astype(np.float64)[..., None],
                spec,
                (0.0, spec.solver.l2_fields),
                start=1.0,
            )
        )

    @property
    def params(self) -> Parameters:
        """The parameters as they are now; arrays are shared, not copied."""
        return Parameters(
            self.bias.values[:, 0],
            self.linear.values[..., 0],
            self.whole,
            None if self.pairs is None else self.pairs.values[..., 0],
        )

    def step(self, sample: Sample, target: float, weight: float = 1.0) -> float:
        """Learn from one sample; return its loss before the update, times its weight."""
        spec, params = self.spec, self.params
        loss, slope = loss_and_gradient(spec.loss, score(params, spec, *sample), target)
        if weight == 0:
            return 0.0
        seen, g = self._see(sample), weight * slope
        if spec.model.fit_intercept:
            self.bias.update(..., g[:, None])
        self._spend(seen, g)
        return weight * loss

    def _see(self, sample: Sample) -> Seen:
        """Return a sample with what its update needs of the parameters that it is scored with."""
        spec, params = self.spec, self.params
        part = known(spec, len(params.linear), sample)
        fields = part[1]
        alone = [f for f in fields if np.count_nonzero(fields == f) == 1]
        seen = Seen(part, alone, gradients(params, spec, *sample)[2])
        if params.factors is not None:
            seen = seen._replace(total=sums(params, spec, *part))
        if params.pair_weights is not None:
            pair_weights = params.pair_weights.copy()
            pair_weights[:, alone, alone] = 0
            of_pairs = pair_weight_gradient(params, spec, *part)
            seen = seen._replace(pair_weights=pair_weights, of_pairs=of_pairs)
        return seen

    def _spend(self, seen: Seen, g: Float64Array) -> None:
        """Move what a sample touches, given the loss's slope by its scores."""
        spec, (ids, fields, x) = self.spec, seen.sample
        params = replace(self.params, pair_weights=seen.pair_weights)
        present = np.unique(fields)
        for e, (i, f, x_i) in enumerate(zip(ids, fields, x, strict=True)):
            if spec.model.fit_linear:
                self.linear.update(i, g[:, None] * x_i)
            if params.factors is None or seen.total is None or seen.before is None:
                continue
            of_entry = seen.total[e] if spec.parts else seen.total
            gradient = factor_gradient(params, spec, of_entry, params.factors[i], f, x_i)
            if spec.kind is FFM:
                if f in seen.alone:  # its weights may have moved since they were summed up
                    gradient[:, f] = 0
                first = g[:, None, None] * seen.before[e][:, present]
                self.factors[0].update(i, g[:, None, None] * gradient[:, present], present, first)
            else:
                for part, columns in zip(self.factors, columns_of(spec), strict=True):
                    part.update(i, g[:, None] * gradient[:, columns])
        if self.pairs is not None and seen.of_pairs is not None:
            for a, b in zip(*np.triu_indices(spec.n_fields), strict=True):
                if (fields == a).sum() > (a == b) and (fields == b).any():
                    at = (slice(None), a, b)
                    self.pairs.update(at, g[:, None] * seen.of_pairs[:, a, b, None])
                    self.pairs.values[:, b, a] = self.pairs.values[:, a, b]

    def pair_step(self, pair: tuple[Sample, Sample], weight: float) -> float:
        """Learn from a pair; return its loss before the update, times its weight.

        Both are scored first; then the better one moves before the worse one.
        """
        spec, params = self.spec, self.params
        high, low = (score(params, spec, *sample)[0] for sample in pair)
        loss, slope = pair_loss_and_slope(spec.loss, high - low)
        if weight * slope != 0:
            seen = [self._see(sample) for sample in pair]
            for one, g in zip(seen, (weight * slope, -weight * slope), strict=True):
                self._spend(one, np.array([g]))
        return weight * loss

    def pair_epoch(self, rows: Rows, pairs: AnyArray) -> tuple[float, float]:
        """Learn from pairs of rows in order; return the sums of weighted losses and weights."""
        everything = list(samples(rows))
        loss_sum = weight_sum = 0.0
        for i, j in pairs:
            weight = 1.0
            if rows.weight is not None:
                weight = float(np.sqrt(rows.weight[i] * rows.weight[j]))
            loss_sum += self.pair_step((everything[i], everything[j]), weight)
            weight_sum += weight
        return loss_sum, weight_sum

    def epoch(
        self, rows: Rows, order: AnyArray, class_weight: AnyArray | None = None
    ) -> tuple[float, float]:
        """Learn from the chosen rows in order; return the sums of weighted losses and weights."""
        assert rows.target is not None
        everything = list(samples(rows))
        loss_sum = weight_sum = 0.0
        for r in order:
            target = float(rows.target[r])
            weight = 1.0 if rows.weight is None else float(rows.weight[r])
            if class_weight is not None:
                weight *= float(class_weight[int(target)])
            loss_sum += self.step(everything[r], target, weight)
            weight_sum += weight
        return loss_sum, weight_sum


def score_rows(params: Parameters, spec: Spec, rows: Rows) -> Float64Array:
    """Return the scores of every row, float64[n, C]."""
    scores = [score(params, spec, *sample) for sample in samples(rows)]
    return np.array(scores).reshape(len(rows), spec.n_outputs)
