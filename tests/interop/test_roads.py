"""The job of a new user on real data: the same model from the file, pandas, polars and Parquet."""

from __future__ import annotations

import gzip
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import fieldfare
from fieldfare.models.base import Model
from fieldfare.sources.bytes import open_bytes

CRITEO = ["click", *(f"i{n}" for n in range(1, 14)), *(f"c{n}" for n in range(1, 27))]
_LINES = 4001  # many more would only take longer
MOVIELENS = ["user", "item", "rating", "time"]


def assert_same_model(found: Model, expected: Model) -> None:
    """Check that two models have the same Schema and the same bits."""
    assert found.schema is not None
    assert expected.schema is not None
    assert found.schema.digest == expected.schema.digest
    for name in type(expected).traits.parameters:
        assert getattr(found, name).tobytes() == getattr(expected, name).tobytes(), name


def check_roads(path: Path, names: list[str] | None, target: str, folder: Path) -> None:
    """Check that training on a file, on frames read from it and on their files is the same."""
    how: dict[str, Any] = {"target": target, "max_iter": 2, "random_state": 0, "n_jobs": 1}
    expected = fieldfare.train(path, names=names, **how).model

    table = pd.read_csv(path, sep="\t", names=names, header=None if names else 0)
    assert_same_model(fieldfare.train(table, **how).model, expected)

    frame = pl.read_csv(
        path,
        separator="\t",
        has_header=names is None,
        new_columns=names,
        infer_schema_length=None,
    )
    assert_same_model(fieldfare.train(frame, **how).model, expected)

    table.to_parquet(folder / "a")
    frame.write_parquet(folder / "b")
    frame.write_ipc(folder / "c")
    table.to_json(folder / "d.xz", orient="records", lines=True, compression="xz")
    table.to_csv(folder / "e.bz2", index=False, compression="bz2")
    for copy in sorted(folder.iterdir()):
        assert_same_model(fieldfare.train(copy, **how).model, expected)


@pytest.mark.filterwarnings("ignore::fieldfare.exceptions.DataWarning")
@pytest.mark.parametrize(
    ("name", "names", "target"),
    [
        ("criteo-10k/train.tsv.gz", CRITEO, "click"),
        ("ml-100k/u.data", MOVIELENS, "rating"),
        ("frappe/frappe.csv.gz", None, "cnt"),
    ],
)
def test_real_data_give_the_same_model_from_every_road(
    shared_data: Path, tmp_path: Path, name: str, names: list[str] | None, target: str
) -> None:
    with open_bytes(shared_data / name) as stream:
        lines = b"".join(islice(stream, _LINES))
    (tmp_path / "copies").mkdir()
    (tmp_path / "data.gz").write_bytes(gzip.compress(lines))
    check_roads(tmp_path / "data.gz", names, target, tmp_path / "copies")
