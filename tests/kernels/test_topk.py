"""Search by inner product against NumPy, on every instruction set."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare import _core
from fieldfare.kernels import native, topk


def reference(items, queries, k, allowed=None, excluded=None):
    """Score everything in float64, leave out what is to be left out, and sort."""
    scores = (queries.astype(np.float64) @ items.astype(np.float64).T).astype(np.float32)
    if allowed is not None:
        scores[:, ~allowed] = -np.inf
    for q in range(len(queries)) if excluded is not None else ():
        scores[q, excluded.ids[excluded.indptr[q] : excluded.indptr[q + 1]]] = -np.inf
    wide = np.pad(scores, ((0, 0), (0, k)), constant_values=-np.inf)
    order = np.argsort(-wide, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(wide, order, axis=1)
    return np.where(best > -np.inf, order, -1), best


def draw(n_items, n_queries, d, seed=0):
    """Small integers: sums are exact, and there are many ties."""
    rng = np.random.default_rng(seed)
    items = rng.integers(-3, 4, (n_items, d)).astype(np.float32)
    return items, rng.integers(-3, 4, (n_queries, d)).astype(np.float32)


def excluded_lists(n_items, n_queries, seed=1):
    rng = np.random.default_rng(seed)
    lists = [np.sort(rng.choice(n_items, n_items // 3, replace=False)) for _ in range(n_queries)]
    lists[0] = lists[0][:0]
    indptr = np.concatenate([[0], np.cumsum([len(each) for each in lists])])
    return topk.Excluded(indptr, np.concatenate(lists).astype(np.uint32))


@pytest.fixture(params=["v3", "baseline", "plain"])
def instruction_set(request):
    """Run on one instruction set, and go back to the usual one."""
    before = native.instruction_set()
    try:
        native.use(request.param)
    except ValueError:
        pytest.skip(f"this processor lacks {request.param}")
    yield
    native.use(before)


@pytest.mark.usefixtures("instruction_set")
@pytest.mark.parametrize("d", [1, 7, 8, 65])
@pytest.mark.parametrize("n_queries", [1, 2, 16, 37])
@pytest.mark.parametrize("n_items", [3, 193, 1000])
def test_the_best_items_and_their_order(n_items, n_queries, d) -> None:
    items, queries = draw(n_items, n_queries, d)
    for k in (1, 10):
        for threads in (1, 3):
            ids, scores = topk.search_items(items, queries, k, n_threads=threads)
            expected, best = reference(items, queries, k)
            np.testing.assert_array_equal(ids, expected)
            np.testing.assert_array_equal(scores, best)


@pytest.mark.parametrize("n_queries", [1, 20])
def test_what_is_left_out_is_never_found(n_queries) -> None:
    items, queries = draw(400, n_queries, 9)
    allowed = np.random.default_rng(2).random(400) < 0.3
    excluded = excluded_lists(400, n_queries)
    for marks, lists in ((allowed, None), (None, excluded), (allowed, excluded)):
        ids, scores = topk.search_items(items, queries, 200, allowed=marks, excluded=lists)
        expected, best = reference(items, queries, 200, marks, lists)
        np.testing.assert_array_equal(ids, expected)
        np.testing.assert_array_equal(scores, best)
    nothing, none = topk.search_items(items, queries, 2, allowed=np.zeros(400, bool))
    assert (nothing == -1).all() and (none == -np.inf).all()


def test_one_query_and_many_find_the_same() -> None:
    rng = np.random.default_rng(3)
    items = rng.normal(size=(5000, 33)).astype(np.float32)
    queries = rng.normal(size=(300, 33)).astype(np.float32)
    ids, scores = topk.search_items(items, queries, 50)
    for q in range(0, 300, 23):
        one, best = topk.search_items(items, queries[q : q + 1], 50)
        np.testing.assert_array_equal(one[0], ids[q])
        np.testing.assert_array_equal(best[0], scores[q])


def test_pieces_of_a_large_call(monkeypatch) -> None:
    items, queries = draw(300, 21, 5)
    excluded = excluded_lists(300, 21)
    expected = topk.search_items(items, queries, 7, excluded=excluded)
    monkeypatch.setattr(topk, "_PER_CALL", 4 * items.size)
    found = topk.search_items(items, queries, 7, excluded=excluded)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_not_a_number_is_never_found() -> None:
    items, queries = draw(100, 3, 4)
    items[7] = np.nan
    ids, _ = topk.search_items(items, queries, 100)
    assert 7 not in ids[:, :99] and (ids[:, 99] == -1).all()


@pytest.mark.parametrize("n", [1, 4])
def test_lists_of_what_is_left_out_are_joined(n) -> None:
    rng = np.random.default_rng(0)
    lists = [[rng.integers(-1, 30, rng.integers(0, 9)) for _ in range(n)] for _ in range(3)]
    found = topk.Excluded.of(lists, 30)
    assert found is not None
    for query in range(n):
        expected = sorted(x for one in lists for x in one[query].tolist() if x >= 0)
        own = found.ids[found.indptr[query] : found.indptr[query + 1]]
        assert own.tolist() == expected
    assert topk.Excluded.of([[np.array([-1, -1])] * n], 30) is None
    assert topk.Excluded.of([[np.zeros(0, np.int64)] * n], 30) is None


def test_scores_of_chosen_items() -> None:
    items, queries = draw(50, 4, 6)
    chosen = np.random.default_rng(0).integers(-1, 50, (4, 9))
    expected = np.where(
        chosen < 0, -np.inf, np.take_along_axis(queries @ items.T, np.maximum(chosen, 0), axis=1)
    )
    np.testing.assert_array_equal(topk.score_items(items, queries, chosen), expected)


def test_the_core_refuses_what_does_not_fit() -> None:
    items, queries = draw(20, 2, 4)
    with pytest.raises(ValueError, match="differ in length"):
        topk.search_items(items, queries[:, :3].copy(), 1)
    with pytest.raises(ValueError, match="wrong shape"):
        topk.search_items(items, queries, 0)
    with pytest.raises(ValueError, match="one mark per item"):
        topk.search_items(items, queries, 1, allowed=np.ones(19, bool))
    for indptr, message in (
        ([0, 1], "outside"),
        ([0, 1, 4], "outside"),
        ([-1, 1, 3], "outside"),
        ([0, 9, 2], "decreases"),
        ([0, 0, 3], "ascend"),
    ):
        lists = topk.Excluded(np.array(indptr, np.int64), np.array([5, 4, 3], np.uint32))
        with pytest.raises(ValueError, match=message):
            topk.search_items(items, queries, 1, excluded=lists)
    with pytest.raises(ValueError, match="an item is out of range"):
        topk.score_items(items, queries, np.array([[1], [20]]))
    with pytest.raises(ValueError, match="wrong shape"):
        topk.score_items(items, queries, np.array([[1]]))
    with pytest.raises(TypeError):
        _core.search_items(items.astype(np.float64), queries, None, None, None, None, None, 1)
