"""The collection of data sets: fixed splits that leak nothing, and messages for what is missing."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.common.tables import SPLITS, TABLES, MissingDataError, archives, load, names, split
from benchmarks.common.tables.table import TASKS, Table, sample

GENERATED = [name for name, table in TABLES.items() if table.source == "generated here"]


def table_of(**settings):
    return Table("mine", lambda _: None, "y", "binary", ("tiny",), "here", "ours", **settings)


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 500
    return pd.DataFrame(
        {"row": np.arange(n), "when": rng.integers(0, 90, n), "person": rng.integers(0, 40, n)}
    )


@pytest.mark.parametrize("number", range(SPLITS))
def test_random_parts_share_no_row_and_are_the_same_each_time(frame, number):
    parts = split(table_of(), frame, number)
    assert sorted(np.concatenate([part["row"] for part in parts])) == list(range(500))
    assert [len(part) for part in parts] == [300, 100, 100]
    again = split(table_of(), frame, number)
    assert all(one.equals(other) for one, other in zip(parts, again, strict=True))


def test_splits_differ(frame):
    tests = [set(split(table_of(), frame, number).test["row"]) for number in range(SPLITS)]
    assert len(set.union(*tests)) > len(tests[0])


@pytest.mark.parametrize("number", range(SPLITS))
def test_parts_by_time_learn_from_the_past_alone(frame, number):
    parts = split(table_of(time="when"), frame, number)
    assert parts.train["when"].max() <= parts.valid["when"].min()
    assert parts.valid["when"].max() <= parts.test["when"].min()
    assert sum(map(len, parts)) == (300, 400, 500)[number]


def test_parts_by_group_hold_out_whole_groups(frame):
    people = [set(part["person"]) for part in split(table_of(group="person"), frame, 0)]
    assert not people[0] & people[1]
    assert not people[0] & people[2]
    assert not people[1] & people[2]


def test_there_is_no_fourth_split(frame):
    with pytest.raises(ValueError, match="0 to 2, not 3"):
        split(table_of(), frame, SPLITS)


def test_a_sample_keeps_the_order_and_whole_people(frame):
    few = sample(table_of(whole="person"), frame, 100)
    assert 50 < len(few) <= 100
    assert few["row"].is_monotonic_increasing
    counts = frame["person"].value_counts()
    assert few["person"].value_counts().eq(counts.loc[few["person"].unique()]).all()
    assert len(sample(table_of(), frame, 100)) == 100
    assert sample(table_of(), frame, 1000) is frame


def test_a_third_of_the_collection_is_kept_apart_and_covers_every_kind():
    assert len(TABLES) >= 20
    assert 3 * len(names(apart=True)) >= len(TABLES)
    assert {table.task for table in TABLES.values()} == set(TASKS)
    for apart in (False, True):
        kinds = {kind for name in names(apart=apart) for kind in TABLES[name].kinds}
        assert kinds >= {
            "clicks", "ratings", "wide", "tiny", "numeric", "imbalanced", "multiclass", "text",
            "dates", "codes", "heavy", "categories",
        }  # fmt: skip


@pytest.mark.parametrize("name", GENERATED)
def test_generated_tables_are_the_same_each_time(name):
    frame, table = load(name), TABLES[name]
    assert frame.equals(load(name))
    assert 0.02 < frame[table.target].mean() < 0.98
    assert {table.target, table.time or table.target} <= set(frame)


def test_what_is_missing_is_said_with_the_way_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDFARE_BENCH_CACHE", str(tmp_path))
    with pytest.raises(MissingDataError, match="--fetch"):
        load("adult")
    with pytest.raises(MissingDataError, match="--data"):
        load("ml-1m", data=tmp_path)


def test_an_archive_that_is_not_the_pinned_one_is_refused_and_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDFARE_BENCH_CACHE", str(tmp_path))
    for archive in archives.ARCHIVES:
        (tmp_path / archive.file).write_bytes(b"other")
    with pytest.raises(MissingDataError, match="is not what it was"):
        archives.fetch()
    assert len(list(tmp_path.iterdir())) == len(archives.ARCHIVES) - 1
