"""Fields of columns: given for tables and arrays, refused where wrong, kept in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldfare.estimators import FFMClassifier, FwFMRegressor
from fieldfare.exceptions import ConfigError

X = [{"user": f"u{i % 7}", "item": f"i{i % 5}", "hour": f"h{i % 3}"} for i in range(60)]
Y = np.arange(60) % 2
QUICK: dict[str, Any] = {"max_iter": 2, "random_state": 0, "n_jobs": 1, "early_stopping": False}


@pytest.mark.parametrize("cls", [FFMClassifier, FwFMRegressor])
@pytest.mark.parametrize(
    "fields", [["A", "A", "B"], {"user": "A", "item": "A"}, {"hour": "user"}, None]
)
def test_a_loaded_estimator_fits_with_the_same_fields(
    cls: Any, fields: Any, tmp_path: Path
) -> None:
    fitted = cls(fields=fields, **QUICK).fit(X, Y)
    fitted.save(tmp_path / "m.ff")
    loaded = cls.load(tmp_path / "m.ff")
    assert loaded.fields == fields
    np.testing.assert_array_equal(loaded.fit(X, Y).predict(X), fitted.predict(X))
    assert loaded.model_.n_fields == fitted.model_.n_fields


def test_fields_of_an_array_may_be_whole_floats() -> None:
    array = np.random.default_rng(0).random((60, 3))
    found = FFMClassifier(fields=np.array([2.0, 0.0, 2.0]), **QUICK).fit(array, Y)
    assert found.schema_.field_names == ("0", "2")
    assert found.schema_.field_of.tolist() == [1, 0, 1]


def test_more_columns_than_fields_are_refused_with_what_to_do() -> None:
    wide = np.ones((4, 65536), np.float32)
    with pytest.raises(ConfigError, match=r"at most 65535 fields\. Got 65536: pass fields="):
        FFMClassifier(**QUICK).fit(wide, [0, 1, 0, 1])


@pytest.mark.parametrize(
    "fields", [["A", None, "B"], [0, np.nan, 1], [0.5, 0.5, 1.0], [["A"], 0, 1]]
)
def test_what_names_no_field_of_an_array_is_refused(fields: Any) -> None:
    with pytest.raises(ConfigError, match="must hold"):
        FFMClassifier(fields=fields, **QUICK).fit(np.ones((60, 3)), Y)
