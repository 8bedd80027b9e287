"""Sums of products whose bits do not depend on the number of cores."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._typing import AnyArray


def dot(a: AnyArray, b: AnyArray) -> Any:
    """Return ``sum_i a_i b_i`` over the first axis, in float64.

    `numpy.dot`, and ``@`` with it, hands long arrays to BLAS, which splits them among the cores:
    the last bits of its sums then depend on how many cores there are.

    Parameters
    ----------
    a : array of shape (n,)
    b : array of shape (n, ...)

    Returns
    -------
    float64, or float64 array of the other dimensions of ``b``
    """
    return np.einsum("i,i...->...", a, b, dtype=np.float64)
