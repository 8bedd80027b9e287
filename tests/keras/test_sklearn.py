"""The estimators are put through all of scikit-learn's checks.

Keras takes seconds to compile each training, and the checks train some two hundred times. Where a
check does not look at how well was learned, the estimators therefore train step by step, for one
epoch. Where it does, the same start on the same batches (the rows as a list, as a file, with other
labels) is trained once.
"""

from __future__ import annotations

from functools import partialmethod
from types import SimpleNamespace
from typing import Any

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

keras = pytest.importorskip("keras", reason="Keras is not installed")

from fieldfare.keras import KerasFMClassifier, KerasFMRegressor  # noqa: E402

ORDER = (
    "Batches and the steps of Adam depend on the number of rows: one row of weight two is not two "
    "rows. Only the expected gradient is the same."
)
LEARNING = ("check_classifiers_train", "check_classifiers_classes", "check_regressors_train")


def expected_failures(estimator: Any) -> dict[str, str]:
    """Return the checks that an estimator cannot pass, with the reason."""
    return {
        "check_sample_weight_equivalence_on_dense_data": ORDER,
        "check_sample_weight_equivalence_on_sparse_data": ORDER,
    }


_fit = keras.Model.fit
_learned: dict[Any, tuple[list[Any], Any]] = {}


def learned_once(network: Any, batches: Any, **options: Any) -> Any:
    """Train, or take the result of an earlier training with the same start and batches."""
    data = [batches[i] for i in range(len(batches))]
    arrays = keras.tree.flatten((data, network.get_weights()))
    loss = str(network.get_compile_config()["loss"])  # the rest is one for each estimator
    start = loss, options["epochs"], *((array.shape, array.tobytes()) for array in arrays)
    if start not in _learned:
        history = _fit(network, batches, **options)
        _learned[start] = network.get_weights(), SimpleNamespace(history=history.history)
    weights, history = _learned[start]
    network.set_weights(weights)
    return history


# After the one epoch of most checks nothing has been learned yet, which is warned of.
@pytest.mark.filterwarnings("ignore::fieldfare.exceptions.ModelWarning")
@parametrize_with_checks(
    [
        KerasFMClassifier(n_factors=2, learning_rate=0.2, max_iter=6, batch_size=16),
        KerasFMRegressor(n_factors=2, learning_rate=0.1, max_iter=10, batch_size=8),
    ],
    expected_failed_checks=expected_failures,
)
def test_sklearn_check(estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = getattr(check, "func", check).__name__
    if name in LEARNING:
        monkeypatch.setattr(keras.Model, "fit", learned_once)
    else:
        eagerly = partialmethod(keras.Model.compile, run_eagerly=True)
        monkeypatch.setattr(keras.Model, "compile", eagerly)
        estimator = clone(estimator).set_params(max_iter=1)
    check(estimator)
