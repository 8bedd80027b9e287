"""Side tables by reference, and fields that follow from others, against the rows all joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.kernels.test_coordinate import dense, prior_of, reference, start
from tests.oracle.coordinate import Fit

from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels.coordinate import Design, Observed, Prior
from fieldfare.rows import RelatedRows, Relation, Rows

N_USERS, N_FILMS = 9, 7


def side(n: int, first: int, rng: np.random.Generator) -> Rows:
    """Rows with an id, one of three values, and a weighted set."""
    indptr, indices, values = [0], [], []
    for i in range(n):
        kinds = rng.choice(4, rng.integers(0, 3), replace=False)
        indices += [first + i, first + n + int(rng.integers(3)), *(first + n + 3 + np.sort(kinds))]
        values += [1.0, 1.0, *rng.uniform(0.5, 2, len(kinds))]
        indptr.append(len(indices))
    return Rows(
        np.array(indptr, np.int64), np.array(indices, np.uint32), np.array(values, np.float32)
    )


def related(n: int = 80, seed: int = 0) -> tuple[RelatedRows, int]:
    """Samples with an entry of their own, a user and a film."""
    rng = np.random.default_rng(seed)
    users, films = side(N_USERS, 4, rng), side(N_FILMS, 4 + N_USERS + 7, rng)
    u, f = (rng.integers(0, m, n).astype(np.uint32) for m in (N_USERS, N_FILMS))
    own = Rows(
        np.arange(n + 1),
        rng.integers(0, 4, n).astype(np.uint32),
        target=rng.normal(size=n).astype(np.float32),
    )
    rows = RelatedRows(own, (Relation(u, users), Relation(f, films)))
    return rows, 4 + N_USERS + 7 + N_FILMS + 7


def test_joined_rows_hold_all_entries_and_slices_and_copies_agree() -> None:
    rows, p = related(20)
    joined = rows.join()
    assert type(joined) is Rows
    assert joined.nnz == rows.nnz
    assert rows.n_features <= p
    u = rows.relations[0]
    for i in (0, 7, 19):
        at = joined.indices[joined.indptr[i] : joined.indptr[i + 1]]
        assert at[0] == rows.own.indices[i]
        assert u.rows.indices[u.rows.indptr[u.codes[i]]] in at
    np.testing.assert_array_equal(dense(rows.slice(3, 9).join(), p), dense(joined, p)[3:9])
    order = np.array([5, 5, 0])
    np.testing.assert_array_equal(dense(rows.take(order).join(), p), dense(joined, p)[order])
    assert rows.take(order).target.tolist() == rows.target[order].tolist()
    scaled = rows.with_(values=np.full(20, 2, np.float32)).join()
    assert scaled.values[0] == 2


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("logistic", [False, True])
def test_sweeps_equal_those_of_joined_rows_in_float64(weighted: bool, logistic: bool) -> None:
    rows, p = related()
    rng = np.random.default_rng(3)
    weight = rng.uniform(0, 2, len(rows)).astype(np.float32) if weighted else None
    label = rng.integers(0, 2, len(rows)).astype(np.float32) if logistic else None
    parameters, prior = start(p), prior_of(p)
    design = Design(rows, None, p)
    assert [kind for kind, _, _ in design.blocks] == ["one_hot", "table", "table"]
    expected = reference(rows.join(), parameters, prior, weight, 0.7)
    target = rows.target.copy()
    scores = design.score(parameters)
    np.testing.assert_allclose(scores, expected.scores(), rtol=1e-4, atol=1e-4)
    observed = Observed(scores - target, target, label, weight, 0.7)
    for _ in range(3):
        design.sweep(parameters, prior, observed)
        expected.sweep(range(p), None if label is None else label.astype(np.float64))
    there = design.counts() > 0  # the others stay where they are
    np.testing.assert_allclose(
        parameters.linear[there], expected.linear[there], rtol=2e-3, atol=2e-4
    )
    own, right = parameters.factors[:, there], expected.factors[:, there]
    np.testing.assert_allclose(own, right, rtol=2e-3, atol=2e-4)
    np.testing.assert_array_equal(design.counts(), Design(rows.join(), None, p).counts())


def dependent(n: int) -> tuple[Rows, int]:
    """Rows with user, age and town of the user, film, and a set that is the film's."""
    rng = np.random.default_rng(1)
    age, town = rng.integers(0, 4, 30), rng.integers(0, 6, 30)
    kinds = [np.sort(rng.choice(5, rng.integers(1, 4), replace=False)) for _ in range(20)]
    indptr, indices, fields = [0], [], []
    for u, f in zip(rng.integers(0, 30, n), rng.integers(0, 20, n), strict=True):
        indices += [u, 30 + age[u], 34 + town[u], 40 + f, *(60 + kinds[f])]
        fields += [0, 1, 2, 3] + [4] * len(kinds[f])
        indptr.append(len(indices))
    return Rows(
        np.array(indptr, np.int64),
        np.array(indices, np.uint32),
        fields=np.array(fields, np.uint16),
        target=rng.normal(size=n).astype(np.float32),
    ), 65


def test_fields_that_follow_from_another_join_its_table() -> None:
    rows, p = dependent(1500)
    design = Design(rows, None, p)
    assert design.blocks == [("table", 40, 31), ("table", 25, 21)]
    few = Design(rows.slice(0, 1000), None, p)
    assert len(few.blocks) == 5
    prior = prior_of(p)
    found = []
    for n_threads in (1, 3):
        parameters = start(p)
        observed = Observed(design.score(parameters) - rows.target, rows.target.copy())
        expected: Fit = reference(rows, parameters, prior, None, 1.0)
        for _ in range(2):
            design.sweep(parameters, prior, observed, n_threads=n_threads)
        found.append(parameters.factors)
    for _ in range(2):
        expected.sweep(range(p))
    np.testing.assert_allclose(found[0], expected.factors, rtol=2e-3, atol=2e-4)
    np.testing.assert_array_equal(*found)


def test_large_tables_are_visited_by_all_threads_to_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    n, m = 9000, 3000
    ids = np.stack([np.arange(m), m + rng.integers(0, 50, m)], axis=1).astype(np.uint32)
    sides = Rows(np.arange(0, 2 * m + 1, 2), ids.ravel())
    codes = rng.integers(0, m, n).astype(np.uint32)
    own = Rows(
        np.arange(n + 1),
        (m + 50 + rng.integers(0, 9, n)).astype(np.uint32),
        target=rng.normal(size=n).astype(np.float32),
    )
    rows = RelatedRows(own, (Relation(codes, sides),))
    design, p = Design(rows, None, m + 59), m + 59
    prior = Prior(np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32))
    found = []
    for n_threads in (1, 2, 4):
        parameters = start(p)
        observed = Observed(design.score(parameters) - rows.target, rows.target.copy())
        for key in (5, 6):
            design.sweep(parameters, prior, observed, key=key, n_threads=n_threads)
        np.testing.assert_allclose(
            observed.residual + rows.target, design.score(parameters), rtol=1e-3, atol=1e-3
        )
        found.append(parameters.factors)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_what_does_not_fit_is_refused() -> None:
    rows, p = related(10)
    user, film = rows.relations
    with pytest.raises(ConfigError, match="instance_norm"):
        Design(rows, None, p, normalised=True)
    with pytest.raises(DataError, match="occurs both in a side table and elsewhere"):
        Design(replace(rows, relations=(user, user)), None, p)
    with pytest.raises(DataError, match=r"side table holds a feature twice"):
        Design(rows, None, p - 8)
    twice = user.rows.with_(indices=np.full_like(user.rows.indices, 4))
    with pytest.raises(DataError, match=r"side table holds a feature twice"):
        Design(replace(rows, relations=(Relation(user.codes, twice),)), None, p)
    with pytest.raises(DataError, match="refers to row 9"):
        Relation(np.array([9], np.uint32), user.rows)
    with pytest.raises(DataError, match="one code per row"):
        replace(rows, relations=(Relation(user.codes[:3], user.rows),))
    assert Design(rows, np.array([1, 1]), p).n_rows == 2
    assert len(replace(rows, relations=(film,)).join()) == 10
