"""The model file: what is saved comes back, and what cannot come back is not saved."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from fieldfare import _container as container
from fieldfare.config import GibbsConfig, KerasConfig, ModelConfig, SolverConfig, TrainingConfig
from fieldfare.exceptions import ModelFileError, OutputError
from fieldfare.kernels.table import Units
from fieldfare.kinds.models import MODEL_KINDS, PARAMETERS
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.models.scaling import Scaling
from fieldfare.persist import format as model_format
from fieldfare.persist.file import load_model, save_model
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings


def make_model(
    kind: str = "fm", task: str = "binary", n_features: int = 7, seed: int = 0, **config
) -> Model:
    n_outputs = 3 if task == "multiclass" else 1
    classes = {"regression": None, "binary": ["no", "yes"], "multiclass": [3, 5, 9]}[task]
    model = build(
        ModelConfig(model=kind, task=task, **config),
        n_features=n_features,
        n_fields=3,
        n_outputs=n_outputs,
        seed=seed,
        classes=classes,
    )
    rng = np.random.default_rng(seed)
    model.bias[:] = rng.normal(size=n_outputs)
    model.linear[:] = rng.normal(size=model.linear.shape)
    if model.pair_weights is not None:
        drawn = rng.normal(size=model.pair_weights.shape)
        model.pair_weights[:] = drawn + drawn.swapaxes(1, 2)
    return model


ROWS = Rows(
    np.array([0, 3, 3, 5], np.int64),
    np.array([0, 2, 6, 1, 100], np.uint32),
    np.array([1, 0.5, -2, 3, 1], np.float32),
    np.array([0, 1, 2, 1, 0], np.uint16),
)


def assert_same(first: Model, second: Model) -> None:
    assert type(first) is type(second)
    assert first.config == second.config
    assert first.classes == second.classes
    assert first.provenance == second.provenance
    for name in PARAMETERS:
        a, b = getattr(first, name), getattr(second, name)
        if a is None:
            assert b is None
        else:
            np.testing.assert_array_equal(a, b, strict=True)


@given(
    kind=st.sampled_from(list(MODEL_KINDS)),
    task=st.sampled_from(["regression", "binary", "multiclass"]),
    n_features=st.integers(0, 9),
    n_factors=st.integers(1, 9),
    flags=st.tuples(*4 * [st.booleans()]),
    seed=st.integers(0, 99),
)
@examples(60)
def test_round_trip(tmp_path_factory, kind, task, n_features, n_factors, flags, seed) -> None:
    model = make_model(
        kind,
        task,
        n_features,
        seed,
        n_factors=n_factors,
        fit_intercept=flags[0],
        fit_linear=flags[1],
        instance_norm=flags[2],
        norm_unknown=flags[3],
    )
    model.provenance = {"seed": seed, "metrics": {"auc": 0.1 * seed}, "history": [{"epoch": 1}]}
    path = tmp_path_factory.mktemp("m") / "m.ff"
    save_model(model, path)
    for verify in (True, False):
        back = load_model(path, verify=verify)
        assert_same(model, back)
        np.testing.assert_array_equal(model.score(ROWS), back.score(ROWS))


@pytest.mark.parametrize(
    "classes", [["no", "yes"], [0, 1], [False, True], [-1.5, 2.5], ["é", "\ud800"]]
)
def test_class_labels_keep_their_type(tmp_path: Path, classes: list) -> None:
    model = make_model()
    model.classes = classes
    save_model(model, tmp_path / "m.ff")
    back = load_model(tmp_path / "m.ff").classes
    assert back == classes
    assert [type(label) for label in back] == [type(label) for label in classes]


def test_a_fitted_schema_comes_back(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table(
        {
            "shop": ["é", "b", "é", None],
            "price": [1.0, 2.5, None, 4.0],
            "tags": ["p|q", "q", "r", ""],
            "y": [0, 1, 0, 1],
        }
    )
    schema = Schema.infer(table, target="y").fit([table])
    model = build(
        ModelConfig(model="ffm"),
        n_features=schema.n_features,
        n_fields=schema.n_fields,
        schema=schema,
    )
    save_model(model, tmp_path / "m.ff")
    back = load_model(tmp_path / "m.ff").schema
    assert back.digest == schema.digest
    assert list(back.feature_names) == list(schema.feature_names)
    first, second = (s.encode(table, labelled=True) for s in (schema, back))
    for name in ("indptr", "indices", "fields", "target"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize(("kind", "shape"), [("fm", (6, 3)), ("ffm", (7, 2)), ("fwfm", (7, 2))])
def test_a_schema_of_another_size_is_refused(tmp_path: Path, kind: str, shape) -> None:
    model = make_model(kind)
    model.schema = Schema.indexed(*shape)
    with pytest.raises(ModelFileError, match=r"The schema has [26]"):
        save_model(model, tmp_path / "m.ff")
    assert list(tmp_path.iterdir()) == []


def test_numpy_values_in_classes_and_provenance(tmp_path: Path) -> None:
    model = make_model()
    model.classes = list(np.array([3, 4]))
    model.provenance = {"loss": np.float64(0.25), "auc": math.nan, "order": np.arange(2)}
    save_model(model, tmp_path / "m.ff")
    back = load_model(tmp_path / "m.ff")
    assert back.classes == [3, 4]
    assert back.provenance == {"loss": 0.25, "auc": None, "order": [0, 1]}


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    save_model(make_model(), tmp_path / "a.ff")
    save_model(load_model(tmp_path / "a.ff"), tmp_path / "b.ff")
    assert (tmp_path / "a.ff").read_bytes() == (tmp_path / "b.ff").read_bytes()


def test_a_loaded_model_can_replace_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "m.ff"
    save_model(make_model(), path)
    model = load_model(path)
    save_model(model, path)
    assert_same(model, load_model(path))


def test_parameters_are_read_only(tmp_path: Path) -> None:
    save_model(make_model(), tmp_path / "m.ff")
    model = load_model(tmp_path / "m.ff")
    with pytest.raises(ValueError, match="read-only"):
        model.factors[0] = 1


@pytest.mark.parametrize("verify", [True, False])
def test_a_loaded_model_does_not_depend_on_its_file(tmp_path: Path, verify: bool) -> None:
    path = tmp_path / "m.ff"
    save_model(make_model(), path)
    model = load_model(path, verify=verify)
    with open(path, "r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.truncate(100)
    assert_same(model, make_model())


def test_a_file_that_shrinks_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.ff"
    container.write(path, "kind", "{}", {"a": np.zeros(100_000)})
    places = container._places

    def shrink(*arguments: Any) -> Any:
        os.truncate(path, path.stat().st_size - 8)
        return places(*arguments)

    monkeypatch.setattr(container, "_places", shrink)
    with pytest.raises(ModelFileError, match="became shorter"):
        container.read(path)


def test_other_tools_read_the_arrays(tmp_path: Path) -> None:
    model = make_model("ffm")
    save_model(model, tmp_path / "m.ff")
    arrays = safetensors.numpy.load_file(tmp_path / "m.ff")
    np.testing.assert_array_equal(arrays["factors"], model.factors)
    with safetensors.safe_open(tmp_path / "m.ff", framework="np") as file:
        header = json.loads(file.metadata()["fieldfare"])
    assert header["format"] == model_format.FORMAT
    assert header["config"]["model"] == "ffm"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.linear.__setitem__(2, math.nan), "'linear' holds values that are not finite"),
        (lambda m: m.factors.__setitem__(0, math.inf), "'factors' holds values that are not"),
        (lambda m: m.provenance.update(x=object()), "Got object at header.provenance.x"),
        (lambda m: setattr(m, "classes", ["one"]), "must have 2 class labels. Got 1"),
        (lambda m: setattr(m, "classes", ["a", "a"]), "listed twice"),
        (lambda m: setattr(m, "classes", [None, "a"]), "numbers or texts"),
        (lambda m: setattr(m, "bias", np.zeros(2, np.float32)), "'bias' of .* 1 output"),
        (lambda m: setattr(m, "linear", np.zeros((7, 1))), "must be float32"),
    ],
)
def test_what_would_not_load_is_not_saved(tmp_path: Path, change, words: str) -> None:
    path = tmp_path / "m.ff"
    path.write_bytes(b"old")
    model = make_model()
    change(model)
    with pytest.raises(ModelFileError, match=words) as caught:
        save_model(model, path)
    assert str(caught.value).startswith(f"Cannot save {path}: ")
    assert str(caught.value).count("FF300") == 1
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones((1, 3, 2)), r"must have shape \(1, \d, \d\)"),
        (np.ones((2, 3, 3)), r"must have shape \(1, \d, \d\)"),
        (np.arange(9.0).reshape(1, 3, 3), "must be symmetric"),
        (np.full((1, 3, 3), np.nan), "not finite"),
    ],
)
def test_weights_of_pairs_of_fields_are_checked(tmp_path: Path, weights, words: str) -> None:
    model = make_model("fwfm")
    model.pair_weights = weights.astype(np.float32)
    with pytest.raises(ModelFileError, match=words):
        save_model(model, tmp_path / "m.ff")


@pytest.mark.parametrize(
    "options",
    [{"order": 4, "n_factors": (3, 1, 5)}, {"order": 5, "n_factors": 2, "shared_factors": True}],
)
def test_orders_come_back(tmp_path: Path, options) -> None:
    model = make_model("hofm", **options)
    save_model(model, tmp_path / "m.ff")
    back = load_model(tmp_path / "m.ff")
    assert_same(model, back)
    np.testing.assert_array_equal(model.score(ROWS), back.score(ROWS))


def test_a_missing_file_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"absent.ff: There is no such file"):
        load_model(tmp_path / "absent.ff")
    with pytest.raises(ModelFileError, match="not a regular file"):
        load_model(os.devnull)
    with pytest.raises(OutputError, match="does not exist"):
        save_model(make_model(), tmp_path / "absent" / "m.ff")


@pytest.mark.parametrize("number", [1, model_format.FORMAT - 1])
def test_files_of_other_formats_are_refused(tmp_path: Path, number: int) -> None:
    path = tmp_path / "m.ff"
    save_model(make_model(), path)
    metadata, arrays = container.read(path)
    header = {**json.loads(metadata["fieldfare"]), "format": number}
    container.write(path, "fieldfare", json.dumps(header), arrays)
    with pytest.raises(ModelFileError, match=rf"m.ff: The file has format {number}.*save it again"):
        load_model(path)


SETTINGS = Settings(
    TrainingConfig(
        class_weight={0: 2, "a": 0.5, 1.5: 1.0}, early_stopping=True, eval_metric="auc", max_time=3
    ),
    SolverConfig(solver="ftrl", l2_factors=(0.5, 0.25), l1_linear=0.125),
    GibbsConfig(n_keep_samples=0),
    KerasConfig(optimizer="sgd"),
)


@pytest.mark.parametrize("settings", [None, Settings(TrainingConfig()), SETTINGS])
def test_units_and_settings_come_back(tmp_path: Path, settings: Settings | None) -> None:
    model = make_model().with_(units=Units(0.1, 1e12), trained_by=settings)
    save_model(model, tmp_path / "m.ff")
    back = load_model(tmp_path / "m.ff")
    assert back.units == model.units
    assert back.trained_by == settings


def test_seeds_that_are_objects_are_not_saved(tmp_path: Path) -> None:
    settings = Settings(TrainingConfig(random_state=np.random.default_rng(0)))
    with pytest.raises(ModelFileError, match=r"Generator at header.trained_by.training"):
        save_model(make_model().with_(trained_by=settings), tmp_path / "m.ff")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    save_model(make_model(), tmp_path / "model.ff")
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        save_model(make_model(), path)
        assert os.read(reader, 1 << 16) == (tmp_path / "model.ff").read_bytes()
    finally:
        os.close(reader)
    assert path.is_fifo()


def scaled_model(kind: str = "fm") -> Model:
    model = make_model(kind)
    shift = np.array([0, 1.5, 0, 0, -2, 0, 0], np.float32)
    scale = np.array([1, 2, 0, 0.5, 4, 1, 1], np.float32)
    return model.with_(scaling=Scaling(scale, shift))


def test_what_features_were_measured_in_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "m.ff"
    model = scaled_model()
    save_model(model, path)
    loaded = load_model(path)
    np.testing.assert_array_equal(loaded.scaling.scale, model.scaling.scale)
    np.testing.assert_array_equal(loaded.scaling.shift, model.scaling.shift)
    save_model(make_model(), path)
    assert load_model(path).scaling is None


@pytest.mark.parametrize(
    ("kind", "arrays", "said"),
    [
        ("fm", {"feature_shift": None}, "must both be float32"),
        ("fm", {"feature_scale": np.ones(3, np.float32)}, "must both be float32 of shape"),
        ("fm", {"feature_scale": np.ones(7)}, "must both be float32"),
        ("fm", {"feature_scale": np.full(7, 3, np.float32)}, "powers of two"),
        ("fm", {"feature_scale": np.full(7, -2, np.float32)}, "powers of two"),
        ("fm", {"feature_scale": np.full(7, np.nan, np.float32)}, "powers of two"),
        ("fm", {"feature_shift": np.full(7, np.inf, np.float32)}, "finite"),
        ("hofm", {}, "models of pairs"),
    ],
)
def test_damaged_scales_are_refused(kind: str, arrays: dict, said: str) -> None:
    own = scaled_model(kind)
    changed = {**own.arrays(), **own.scaling.arrays(), **arrays}
    given = {name: array for name, array in changed.items() if array is not None}
    with pytest.raises(ModelFileError, match=said):
        model_format.read_scaling(own.config, given)
