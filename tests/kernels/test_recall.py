"""The non-sampled solver against the objective written out: every pair of query and item."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fieldfare.kernels import native
from fieldfare.kernels.recall import RecallSettings, Seen, Side
from fieldfare.rows import Rows

K, W = 3, 0.3


def random_rows(rng, n, first, last, *, one_hot=False):
    """Rows over the features from first to last, of several weighted entries or of one."""
    sizes = np.ones(n, int) if one_hot else rng.integers(0, 4, n)
    indices = np.concatenate(
        [np.sort(rng.choice(np.arange(first, last), size, replace=False)) for size in sizes]
        or [np.zeros(0)]
    ).astype(np.uint32)
    values = None if one_hot else rng.uniform(0.5, 2, len(indices)).astype(np.float32)
    return Rows(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), indices, values)


def dense(rows, n_features):
    x = np.zeros((len(rows), n_features))
    values = np.ones(rows.nnz) if rows.values is None else rows.values
    x[np.repeat(np.arange(len(rows)), np.diff(rows.indptr)), rows.indices] = values
    return x


class Case:
    """Some queries and items, whose features have numbers of one model, and its parameters."""

    def __init__(self, seed, *, one_hot=False, n_queries=9):
        rng = np.random.default_rng(seed)
        self.n_features, n_q, n_i = 12, n_queries, 7
        self.queries = random_rows(rng, n_q, 0, 6)
        self.items = random_rows(rng, n_i, 6, 12, one_hot=one_hot)
        pairs = rng.random((n_q, n_i)) < 0.4
        query, item = np.nonzero(pairs)
        self.weight = rng.uniform(0.2, 2, len(query)).astype(np.float32)
        self.seen = Seen.of(query, item, self.weight, (n_q, n_i))
        self.share = {
            name: rng.uniform(0.2, 2, n).astype(np.float32)
            for name, n in (("queries", n_q), ("items", n_i))
        }
        self.c = W * np.outer(self.share["queries"], self.share["items"])
        self.c[query, item] = self.weight
        self.y = pairs.astype(float)
        self.factors = rng.normal(0, 0.5, (self.n_features, K)).astype(np.float32)
        self.linear = rng.normal(0, 0.5, self.n_features).astype(np.float32)

    def side(self, name):
        is_items = name == "items"
        rows, seen = (self.items, self.seen.turned()) if is_items else (self.queries, self.seen)
        shares = self.share["items"], self.share["queries"]
        own, partner = shares if is_items else shares[::-1]
        return Side(rows, seen, items=is_items, share=own, partner_share=partner)

    def scores(self, factors, linear):
        """Rendle 2010, eq. 1, of every pair, without what is the same for all items of a query."""
        q, i = dense(self.queries, self.n_features), dense(self.items, self.n_features)
        scores = np.empty(self.y.shape)
        for a in range(len(q)):
            for b in range(len(i)):
                scores[a, b] = i[b] @ linear + q[a] @ factors @ (i[b] @ factors)
                for j in range(self.n_features):
                    for m in range(j):
                        scores[a, b] += i[b, j] * i[b, m] * factors[j] @ factors[m]
        return scores

    def loss(self, factors, linear):
        return float((self.c * (self.scores(factors, linear) - self.y) ** 2).sum())


def solve(case, name, penalty, settings=None, n_threads=1):
    """One step for a side; return the loss and the parameters of the whole model after it."""
    side, other = case.side(name), case.side("queries" if name == "items" else "items")
    packed = side.pack(case.factors, case.linear)
    own = side.vectors(packed, K)
    partners = other.vectors(other.pack(case.factors, case.linear), K)
    settings = settings or RecallSettings(K, W, n_steps=60)
    penalties = np.full(len(side.features), penalty, np.float32)
    loss = side.solve(packed, own, partners, penalties, settings, n_threads)
    np.testing.assert_allclose(own, side.vectors(packed, K), rtol=1e-4, atol=1e-5)
    factors, linear = case.factors.copy(), case.linear.copy()
    factors[side.features] = packed[:, :K]
    if name == "items":
        linear[side.features] = packed[:, K]
    return loss, factors, linear


@pytest.mark.parametrize("seed", range(5))
def test_vectors_give_the_scores_of_all_pairs(seed):
    case = Case(seed)
    sides = [case.side("queries"), case.side("items")]
    p, q = (side.vectors(side.pack(case.factors, case.linear), K) for side in sides)
    np.testing.assert_allclose(p @ q.T, case.scores(case.factors, case.linear), atol=1e-5)


@pytest.mark.parametrize("name", ["queries", "items"])
@pytest.mark.parametrize("one_hot", [True, False])
def test_the_loss_is_the_sum_over_all_pairs(name, one_hot):
    case = Case(3, one_hot=one_hot)
    for n_steps in (1, 3, 30):
        loss, factors, linear = solve(case, name, 0.1, RecallSettings(K, W, n_steps=n_steps))
        assert loss == pytest.approx(case.loss(factors, linear), rel=1e-4)


def penalised(case, factors, linear, name, penalty):
    side = case.side(name)
    total = (factors[side.features] ** 2).sum()
    total += (linear[side.features] ** 2).sum() if name == "items" else 0
    return case.loss(factors, linear) + penalty * total


@pytest.mark.parametrize(
    ("name", "one_hot", "n_queries"),
    # With 30 queries, rows outnumber features, and the sum over all pairs is taken by feature.
    [("queries", False, 9), ("queries", False, 30), ("items", True, 9)],
)
@pytest.mark.parametrize("seed", range(3))
def test_where_scores_are_linear_one_step_finds_the_least_squares(name, one_hot, n_queries, seed):
    case = Case(seed, one_hot=one_hot, n_queries=n_queries)
    _, factors, linear = solve(case, name, 0.1)
    side = case.side(name)
    columns, flat = [], []
    base = case.scores(np.where(is_of(side, case)[:, None], 0, case.factors), case.linear * 0)
    if name == "queries":
        base = case.scores(np.where(is_of(side, case)[:, None], 0, case.factors), case.linear)
    zeros = np.where(is_of(side, case)[:, None], 0, case.factors).astype(float)
    for j in side.features:
        for d in range(K + (name == "items")):
            v = zeros.copy()
            w = case.linear.astype(float) * (name == "queries")
            if d < K:
                v[j, d] = 1
            else:
                w[j] = 1
            columns.append((case.scores(v, w) - base).ravel())
            flat.append((j, d))
    design = np.array(columns).T
    c = case.c.ravel()
    normal = design.T @ (c[:, None] * design) + 0.1 * np.eye(len(columns))
    best = np.linalg.solve(normal, design.T @ (c * (case.y - base).ravel()))
    got = [factors[j, d] if d < K else linear[j] for j, d in flat]
    np.testing.assert_allclose(got, best, atol=2e-4)


def is_of(side, case):
    return np.isin(np.arange(case.n_features), side.features)


@pytest.mark.parametrize("seed", range(3))
def test_with_pairs_within_items_steps_lead_to_a_stationary_point(seed):
    case = Case(seed)
    before = penalised(case, case.factors, case.linear, "items", 0.1)
    for _ in range(60):
        _, case.factors, case.linear = solve(case, "items", 0.1)
        after = penalised(case, case.factors, case.linear, "items", 0.1)
        assert after <= before * (1 + 1e-5)
        before = after
    side, h = case.side("items"), 1e-3
    for j in side.features:
        for d in range(K):
            slope = 0.0
            for sign in (1, -1):
                moved = case.factors.astype(float)
                moved[j, d] += sign * h
                slope += sign * penalised(case, moved, case.linear, "items", 0.1) / (2 * h)
            assert abs(slope) < 0.02


@pytest.mark.parametrize("name", ["queries", "items"])
@pytest.mark.parametrize("n_queries", [9, 30])
def test_threads_and_instruction_sets_agree(name, n_queries):
    case = Case(1, n_queries=n_queries)
    _, factors, linear = solve(case, name, 0.1, RecallSettings(K, W))
    again = solve(case, name, 0.1, RecallSettings(K, W), n_threads=3)
    np.testing.assert_array_equal(factors, again[1])
    np.testing.assert_array_equal(linear, again[2])
    used = native.instruction_set()
    try:
        for isa in native.instruction_sets():
            native.use(isa)
            other = solve(case, name, 0.1, RecallSettings(K, W))
            np.testing.assert_allclose(factors, other[1], atol=1e-4)
    finally:
        native.use(used)


@pytest.mark.parametrize("n_queries", [9, 30])
def test_features_that_are_not_free_stay_and_the_others_find_their_best(n_queries):
    case = Case(2, n_queries=n_queries)
    side = case.side("queries")
    _, factors, _ = solve(case, "queries", 0.1, RecallSettings(K, W, first_free=3, n_steps=60))
    np.testing.assert_array_equal(factors[side.features[:3]], case.factors[side.features[:3]])
    best = penalised(case, factors, case.linear, "queries", 0.1)
    rng = np.random.default_rng(0)
    for _ in range(20):
        moved = factors.astype(float)
        moved[side.features[3:]] += rng.normal(0, 0.05, (len(side.features) - 3, K))
        assert penalised(case, moved, case.linear, "queries", 0.1) > best - 1e-4


def test_without_linear_weights_they_stay_as_they_are():
    case = Case(4)
    _, _, linear = solve(case, "items", 0.1, RecallSettings(K, W, fit_linear=False))
    np.testing.assert_array_equal(linear, case.linear)


def test_the_mass_of_a_feature_is_the_weight_of_its_pairs():
    case = Case(5)
    side = case.side("items")
    x = dense(case.items, case.n_features)[:, side.features]
    seen = np.where(case.y > 0, case.c, 0).sum(axis=0)
    expected = (x**2).T @ (seen + W * case.share["queries"].sum() * case.share["items"])
    np.testing.assert_allclose(side.mass(W), expected, rtol=1e-5)


def test_without_shares_they_are_one():
    case = Case(6)
    case.share = {name: np.ones_like(share) for name, share in case.share.items()}
    side, plain = case.side("items"), Side(case.items, case.seen.turned(), items=True)
    packed = [one.pack(case.factors, case.linear) for one in (side, plain)]
    partners = Side(case.queries, case.seen, items=False)
    vectors = partners.vectors(partners.pack(case.factors, case.linear), K)
    for one, parameters in zip((side, plain), packed, strict=True):
        own = one.vectors(parameters, K)
        one.solve(parameters, own, vectors, one.mass(W).astype(np.float32), RecallSettings(K, W))
    np.testing.assert_array_equal(*packed)


def test_arrays_that_do_not_fit_are_refused():
    case = Case(0)
    with pytest.raises(ValueError, match="same rows"):
        Side(case.queries, case.seen.turned(), items=False)
    bad = replace(case.seen, index=case.seen.index + np.uint32(case.seen.n_partners))
    with pytest.raises(ValueError, match="out of range"):
        Side(case.queries, bad, items=False)
    with pytest.raises(ValueError, match="one share"):
        Side(case.queries, case.seen, items=False, share=np.ones(2, np.float32))
    side = case.side("queries")
    with pytest.raises(ValueError, match="shape"):
        side.vectors(np.zeros((1, 8), np.float32), K)
