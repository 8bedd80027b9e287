"""scikit-learn's checks, whose errors carry a code here and stay what they are.

What scikit-learn raises as a ValueError is a DataError, which is one too; a TypeError is a
DataTypeError, and its NotFittedError is ours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import sklearn.exceptions
from sklearn.utils import multiclass, validation

from fieldfare.exceptions import DataError, DataTypeError, FieldfareError, UnfittedError

_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])


class NotFittedError(UnfittedError, sklearn.exceptions.NotFittedError):  # type: ignore[misc]
    """An estimator has not been fitted; also scikit-learn's error of that name."""


@contextmanager
def coded() -> Iterator[None]:
    """Give errors of scikit-learn's, and of what converts arrays for it, a code."""
    try:
        yield
    except FieldfareError:
        raise
    except sklearn.exceptions.NotFittedError as error:
        raise NotFittedError(str(error)) from error
    except (ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise DataError(f"{error}") from error
    except TypeError as error:
        raise DataTypeError(f"{error}") from error


def _coded(function: _FunctionT) -> _FunctionT:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with coded():
            return function(*args, **kwargs)

    return cast("_FunctionT", call)


check_array = _coded(validation.check_array)
check_classification_targets = _coded(multiclass.check_classification_targets)
check_is_fitted = _coded(validation.check_is_fitted)
check_sample_weight = _coded(validation._check_sample_weight)
column_or_1d = _coded(validation.column_or_1d)
num_samples = _coded(validation._num_samples)
validate_data = _coded(validation.validate_data)
