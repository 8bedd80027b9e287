"""Indexes: exact and approximate answers, calibration, changes."""

from __future__ import annotations

import itertools
import types

import numpy as np
import pytest

from fieldfare.exceptions import (
    ConfigError,
    DataError,
    MissingDependencyError,
    SettingWarning,
)
from fieldfare.kernels.topk import Excluded
from fieldfare.retrieval import approximate, build_index
from fieldfare.retrieval.approximate import Calibration


def draw(n, seed, tail=0.8):
    """Clustered vectors, whose last coordinate has a heavy tail, as the terms of items have."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(20, 8))
    vectors = centres[rng.integers(0, 20, n)] + rng.normal(size=(n, 8)) * 0.5
    own = np.exp(tail * rng.normal(size=n)) if tail else np.ones(n)
    return np.concatenate([vectors, own[:, None]], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def built():
    """An approximate index of 4,000 items, and queries it has not seen."""
    pytest.importorskip("faiss", reason="the extra 'ann' is not installed")
    index = build_index(draw(4000, 1), "approximate", queries=draw(400, 2, tail=0))
    return index, draw(200, 3, tail=0)


def recall(index, queries, k=100):
    found, _ = index.search(queries, k)
    truth, _ = (
        build_index(index.vectors, "exact")
        .change(np.flatnonzero(~index.alive), index.vectors[:0])
        .search(queries, k)
    )
    return np.mean([np.isin(one, other).mean() for one, other in zip(found, truth, strict=True)])


def test_an_approximate_index_reaches_the_wanted_recall_and_reports_it(built) -> None:
    index, queries = built
    calibration = index.calibration
    assert calibration.wanted == 0.99 and calibration.depth == 100
    assert recall(index, queries) >= 0.98
    assert calibration.recall == pytest.approx(recall(index, queries), abs=0.01)
    recalls = [point.recall for point in calibration.curve]
    assert recalls == sorted(recalls)
    assert calibration.n_probe in [point.n_probe for point in calibration.curve]
    assert "<- chosen" in str(calibration) and f"{calibration.recall:.4f}" in repr(index)
    assert Calibration.from_json(calibration.to_json()) == calibration


def test_scores_are_exact_and_nothing_excluded_is_found(built) -> None:
    index, queries = built
    places, scores = index.search(queries, 10)
    np.testing.assert_allclose(
        scores, np.take_along_axis(queries @ index.vectors.T, places, axis=1), rtol=1e-5
    )
    assert (np.diff(scores, axis=1) <= 0).all()
    best = np.sort(places[:, :3], axis=1)
    excluded = Excluded(np.arange(0, 3 * len(queries) + 1, 3), best.ravel().astype(np.uint32))
    rest, _ = index.search(queries, 7, excluded=excluded)
    expected = [[p for p in row if p not in out] for row, out in zip(places, best, strict=True)]
    np.testing.assert_array_equal(rest, expected)


def test_a_restricted_search_is_exact(built) -> None:
    index, queries = built
    allowed = np.random.default_rng(0).random(4000) < 0.1
    found = index.search(queries, 50, allowed=allowed)
    expected = build_index(index.vectors, "exact").search(queries, 50, allowed=allowed)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_recall_holds_when_items_come_and_go(built) -> None:
    index, queries = built
    gone = np.random.default_rng(5).choice(4000, 400, replace=False)
    changed = index.change(gone, draw(400, 6))
    assert len(changed) == len(changed.vectors) == 4000
    assert recall(changed, queries) >= recall(index, queries) - 0.01
    none = index.vectors[:0]
    for one in (index.change(gone, none), build_index(index.vectors, "exact").change(gone, none)):
        assert len(one) == 3600 and index.alive.all()
        assert not np.isin(one.search(queries, 100)[0], gone).any()
    assert sorted(one.free_places(402)) == [*np.sort(gone), 4000, 4001]
    kept = np.flatnonzero(one.alive)
    np.testing.assert_array_equal(
        kept[one.taken(kept).search(queries, 9)[0]], one.search(queries, 9)[0]
    )


def test_lists_are_full_where_the_cells_searched_hold_too_few(built) -> None:
    index, queries = built
    probed = index.neighbours.inverted.nprobe
    best, _ = build_index(index.vectors, "exact").search(queries[:3], 300)
    excluded = Excluded(np.array([0, 0, 40, 60]), np.sort(best[0, :60]).astype(np.uint32))
    index.neighbours.inverted.nprobe = 1
    try:
        found = index.search(queries[:3], 300, excluded=excluded)
    finally:
        index.neighbours.inverted.nprobe = probed
    expected = build_index(index.vectors, "exact").search(queries[:3], 300, excluded=excluded)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("scale", [1e-18, 1e18])
def test_items_may_be_much_longer_or_shorter_than_queries(scale) -> None:
    pytest.importorskip("faiss", reason="the extra 'ann' is not installed")
    items = (draw(3000, 1) * scale).astype(np.float32)
    index = build_index(items, "approximate", queries=draw(200, 2, tail=0))
    assert index.calibration.recall > 0.98
    assert recall(index, draw(50, 3, tail=0)) > 0.98


def test_small_catalogues_are_searched_exactly() -> None:
    index = build_index(draw(50, 1), queries=draw(20, 2))
    assert index.calibration is None and "exact" in repr(index)
    places, scores = index.search(draw(2, 3), 60)
    assert (places[:, 50:] == -1).all() and (scores[:, 50:] == -np.inf).all()


def test_what_an_index_refuses(monkeypatch) -> None:
    with pytest.raises(ConfigError, match="one of 'auto', 'exact', 'approximate'"):
        build_index(draw(9, 1), "hnsw")
    with pytest.raises(ConfigError, match="measures itself on queries"):
        build_index(draw(9, 1), "approximate")
    with pytest.raises(DataError, match="Row 3 is not"):
        build_index(np.where(np.arange(9)[:, None] == 3, np.nan, draw(9, 1)))
    with pytest.raises(DataError, match=r"shape \(n, 9\)"):
        build_index(draw(9, 1)).search(np.zeros((1, 8), np.float32), 1)
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(MissingDependencyError, match=r"fieldfare\[ann\]"):
        approximate.build(draw(9, 1), draw(9, 2), 0.9)


def hard(n, seed):
    """Vectors without any clusters, all of similar length."""
    return np.random.default_rng(seed).normal(size=(n, 64)).astype(np.float32)


def clock(monkeypatch, approximate_s, exact_s):
    """Let the comparison of searches read these times, whatever the machine is doing."""
    steps = itertools.cycle((0.0, approximate_s, exact_s))
    fake = types.SimpleNamespace(perf_counter=itertools.accumulate(steps).__next__)
    monkeypatch.setattr(approximate, "time", fake)


def test_an_approximate_index_that_would_be_slower_is_exact_and_says_so(monkeypatch) -> None:
    pytest.importorskip("faiss", reason="the extra 'ann' is not installed")
    clock(monkeypatch, 2.0, 1.0)
    items, queries = hard(20_000, 1), hard(100, 2)
    with pytest.warns(SettingWarning, match="would be slower"):
        index = build_index(items, "approximate", queries=queries)
    assert index.neighbours is None and index.calibration.is_slower
    assert "approximate search would be slower" in repr(index)
    assert "every item is searched" in str(index.calibration)
    for changed in (index.change(np.arange(5), items[:0]), index.taken(np.arange(100))):
        assert changed.calibration == index.calibration
    monkeypatch.setattr("fieldfare.retrieval.index.EXACT_UP_TO", 10_000)
    assert build_index(items, queries=queries).neighbours is None


def test_auto_is_approximate_where_that_is_faster(monkeypatch) -> None:
    pytest.importorskip("faiss", reason="the extra 'ann' is not installed")
    clock(monkeypatch, 1.0, 2.0)
    monkeypatch.setattr("fieldfare.retrieval.index.EXACT_UP_TO", 10_000)
    rng = np.random.default_rng(0)
    centres = 30 * rng.normal(size=(300, 64))
    items = (centres[rng.integers(0, 300, 60_000)] + rng.normal(size=(60_000, 64))).astype("f4")
    queries = (centres[rng.integers(0, 300, 200)] + rng.normal(size=(200, 64))).astype("f4")
    index = build_index(items, queries=queries)
    assert index.neighbours is not None and not index.calibration.is_slower
