"""NumPy and SciPy matrices as Rows."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from fieldfare.exceptions import DataError
from fieldfare.sources.matrix import array_rows

DENSE = np.array([[0, 1.5, 0, 2], [0, 0, 0, 0], [1, 0, -1, 0]])


@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        np.asfortranarray,
        lambda x: x.astype(np.float32),
        lambda x: x.astype(object),
        lambda x: x.tolist(),
        sp.csr_matrix,
        sp.csc_matrix,
        sp.coo_matrix,
        sp.csr_array,
        sp.coo_array,
        sp.lil_matrix,
    ],
)
def test_forms_agree(convert):
    rows = array_rows(convert(DENSE))
    assert rows.indptr.tolist() == [0, 2, 2, 4]
    assert rows.indices.tolist() == [1, 3, 0, 2]
    assert rows.values.tolist() == [1.5, 2, 1, -1]
    assert rows.fields is None


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.float16, np.float64])
def test_ones_are_not_stored(dtype):
    rows = array_rows(np.eye(3).astype(dtype))
    assert rows.values is None
    assert rows.indices.tolist() == [0, 1, 2]


def test_sparse_duplicates_add_up_and_zeros_go():
    matrix = sp.coo_matrix(([1.0, 2.0, 0.0, 1, -1], ([0, 0, 0, 1, 1], [1, 1, 0, 2, 2])), (2, 3))
    rows = array_rows(matrix)
    assert rows.indices.tolist() == [1]
    assert rows.values.tolist() == [3]
    csr = sp.csr_matrix(
        (np.array([1.0, 2.0]), np.array([1, 1], np.int32), np.array([0, 2, 2])), (2, 3)
    )
    assert array_rows(csr).values.tolist() == [3]
    assert csr.nnz == 2  # the user's matrix is left alone


def test_64_bit_sparse_indices():
    matrix = sp.csr_matrix(DENSE)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    assert array_rows(matrix).nnz == 4


def test_fields_targets_weights_and_groups():
    rows = array_rows(
        DENSE, fields=[0, 0, 1, 2], target=[1, 0, 1], weight=[1, 2, 0.5], group=[3, 3, 4]
    )
    assert rows.fields.tolist() == [0, 2, 0, 1]
    assert rows.target.tolist() == [1, 0, 1]
    assert rows.group.dtype == np.int64


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_numbers_that_are_not_finite_are_named(form, bad):
    matrix = DENSE.copy()
    matrix[2, 1] = bad
    with pytest.raises(DataError, match="Row 2, column 1 holds"):
        array_rows(form(matrix))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"matrix": np.ones(3)}, "2 dimensions"),
        ({"matrix": np.ones((2, 2, 2))}, "2 dimensions"),
        ({"matrix": np.array([["a"]])}, "real numbers"),
        ({"matrix": np.array([[1j]])}, "real numbers"),
        ({"matrix": sp.csr_matrix(np.array([[1j]]))}, "real numbers"),
        ({"matrix": DENSE, "fields": [0, 1]}, "one field number per column"),
        ({"matrix": DENSE, "fields": [0, 1, 2, -1]}, "Fields run from 0"),
        ({"matrix": DENSE, "fields": [0, 1, 2, 65535]}, r"to 65534\. .* without gaps"),
        ({"matrix": DENSE, "fields": [0, 1, 2, 3.5]}, "one field number per column"),
        ({"matrix": DENSE, "target": [1, 2]}, "one target per row"),
        ({"matrix": DENSE, "target": [1, np.nan, 2]}, "Row 1 has nan"),
        ({"matrix": DENSE, "target": ["a", "b", "c"]}, "must be numbers"),
        ({"matrix": DENSE, "weight": [1, -1, 1]}, "not be negative"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    matrix = arguments.pop("matrix")
    with pytest.raises(DataError, match=message):
        array_rows(matrix, **arguments)


def test_fields_may_be_whole_floats():
    rows = array_rows(DENSE, fields=np.array([0.0, 1.0, 1.0, 3.0]))
    np.testing.assert_array_equal(rows.fields, array_rows(DENSE, fields=[0, 1, 1, 3]).fields)


class _Failing:
    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise IndexError("Index 77 out of bounds")


@pytest.mark.parametrize(
    ("matrix", "fields"), [(_Failing(), None), (np.eye(2), _Failing()), (np.eye(2), [[0], [0, 1]])]
)
def test_what_is_no_array_is_refused(matrix: object, fields: object) -> None:
    with pytest.raises(DataError, match="must be an array"):
        array_rows(matrix, fields=fields)
