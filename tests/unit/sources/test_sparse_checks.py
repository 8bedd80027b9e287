"""Sparse matrices are checked before SciPy or scikit-learn follow their indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from fieldfare import FMClassifier, load_data
from fieldfare.exceptions import DataError
from fieldfare.sources.matrix import array_rows
from fieldfare.sources.sparse_checks import check_sparse, is_sparse

FORMATS = ("csr", "csc", "bsr", "coo", "lil", "dia", "dok")
Y = np.arange(20) % 2


def made(kind: str = "csr") -> Any:
    return sparse.random(20, 6, 0.4, format="csr", random_state=0).asformat(kind)


def dense(rows: Any) -> np.ndarray:
    out = np.zeros((rows.n_rows, 6))
    for i in range(rows.n_rows):
        for place in range(rows.indptr[i], rows.indptr[i + 1]):
            value = 1 if rows.values is None else rows.values[place]
            out[i, rows.indices[place]] += value
    return out


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(kind: str) -> None:
    for matrix in (made(kind), sparse.csr_array(made()).asformat(kind)):
        assert is_sparse(matrix)
        assert np.allclose(dense(array_rows(matrix)), made().toarray())


def broken(kind: str, change: Callable[[Any], None]) -> Any:
    matrix = made(kind)
    change(matrix)
    return matrix


def _set(name: str, value: Any) -> Callable[[Any], None]:
    return lambda matrix: setattr(matrix, name, value(getattr(matrix, name)))


def _put(name: str, place: int, value: Any) -> Callable[[Any], None]:
    return lambda matrix: getattr(matrix, name).__setitem__(place, value)


MALFORMED = {
    "column 6": ("csr", _put("indices", 3, 6)),
    "column -1": ("csr", _put("indices", 3, -1)),
    "row 1000": ("csc", _put("indices", 3, 1000)),
    "column 99": ("bsr", _put("indices", 3, 99)),
    "row -7": ("coo", _put("row", 2, -7)),
    "column 7": ("coo", _put("col", 2, 7)),
    "decreases at row 10": ("csr", _put("indptr", 10, 2**26)),
    "decreases at row 9": ("csr", _put("indptr", 10, 0)),
    "decreases at column": ("csc", _put("indptr", 1, -3)),
    "begins with 2": ("csr", _put("indptr", 0, 2)),
    "ends at entry": ("csr", _put("indptr", 20, 10**6)),
    "must have 21 elements": ("csr", _set("indptr", lambda a: a[:-1])),
    "47 values": ("csr", _set("data", lambda a: a[:-1])),
    "indices must be a 1-d array of whole numbers": ("csr", _set("indices", lambda a: a * 1.0)),
    "Got list": ("csr", _set("indices", list)),
    "real numbers. Got dtype complex128": ("csr", _set("data", lambda a: a * 1j)),
    "real numbers. Got dtype object": ("csr", _set("data", lambda a: a.astype(object))),
    "diagonal 1000": ("dia", _put("offsets", 0, 1000)),
    "offsets, and data": ("dia", _set("data", lambda a: a[:-1])),
    "names column 1099511627776": ("lil", _put("rows", 3, [2**40])),
    "columns and": ("lil", _put("data", 3, [1.0] * 5)),
    "not a list": ("lil", _put("data", 3, None)),
}


@pytest.mark.parametrize("message", MALFORMED)
def test_what_is_malformed_is_refused_by_every_way_in(message: str) -> None:
    matrix = broken(*MALFORMED[message])
    if message.startswith("names"):
        matrix.data[3] = [1.0]
    fitted = FMClassifier(max_iter=1, n_jobs=1, random_state=0).fit(made(), Y)
    for call in (
        lambda: load_data(matrix, target=Y),
        lambda: FMClassifier(max_iter=1).fit(matrix, Y),
        lambda: fitted.predict(matrix),
        lambda: fitted.partial_fit(matrix, Y),
    ):
        with pytest.raises(DataError, match=message):
            call()


def test_a_sparse_y_is_refused() -> None:
    with pytest.raises(DataError, match="y must be dense"):
        FMClassifier().fit(made(), sparse.csr_matrix(Y))


def test_what_scipy_remembers_of_the_form_is_not_believed() -> None:
    matrix = sparse.csr_matrix(np.array([[1.0, 2.0, 3.0]]))
    assert matrix.has_canonical_format
    matrix.indices[:] = [2, 0, 0]
    rows = array_rows(matrix)
    assert rows.indices.tolist() == [0, 2]
    assert rows.values is not None
    assert rows.values.tolist() == [5.0, 1.0]
    assert matrix.indices.tolist() == [2, 0, 0]


@given(
    kind=st.sampled_from(["csr", "csc", "coo", "bsr"]),
    changes=st.lists(
        st.tuples(
            st.sampled_from(["indptr", "indices", "row", "col"]),
            st.integers(0, 60),
            st.integers(-(2**31), 2**31 - 1) | st.integers(-2, 8),
        ),
        max_size=4,
    ),
)
def test_any_change_of_the_indices_is_refused_or_read_as_it_is(
    kind: str, changes: list[tuple[str, int, int]]
) -> None:
    matrix = made(kind)
    for name, place, value in changes:
        array = getattr(matrix, name, None)
        if array is not None and place < len(array):
            array[place] = value
    try:
        check_sparse(matrix)
    except DataError:
        return
    assert np.allclose(dense(array_rows(matrix)), matrix.toarray())
