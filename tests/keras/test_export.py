"""SavedModel, frozen graph and .keras: loaded again in a fresh process, with equal scores."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed")
pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

from tests.keras.models import KINDS, inputs_of, make_model, make_rows

import fieldfare
from fieldfare.exceptions import ConfigError, MissingDependencyError
from fieldfare.export import export

LOAD = """
import sys
from pathlib import Path
import numpy as np
import tensorflow as tf

folder = Path(sys.argv[1])
for sample in sorted(folder.glob("*.npz")):
    with np.load(sample) as file:
        inputs = dict(file)
    kind = sample.stem
    saved = tf.saved_model.load(str(folder / f"{kind}.saved")).signatures["serving_default"]
    feeds = {name: tf.constant(array) for name, array in inputs.items()}
    np.save(folder / f"{kind}.savedmodel.npy", saved(**feeds)["prediction"].numpy())
    definition = tf.compat.v1.GraphDef.FromString((folder / f"{kind}.pb").read_bytes())
    graph = tf.compat.v1.wrap_function(
        lambda: tf.compat.v1.import_graph_def(definition, name=""), []
    )
    frozen = graph.prune([f"{name}:0" for name in inputs], "prediction:0")
    np.save(folder / f"{kind}.frozen.npy", frozen(*feeds.values()).numpy())
# Imported only now, because the two above need nothing but TensorFlow.
import keras
import fieldfare.keras
for sample in sorted(folder.glob("*.npz")):
    with np.load(sample) as file:
        network = keras.saving.load_model(folder / f"{sample.stem}.keras")
        np.save(folder / f"{sample.stem}.keras.npy", np.array(network(dict(file))))
"""


def test_all_formats_score_equally_in_a_fresh_process(tmp_path: Path) -> None:
    rows = make_rows()
    models = {kind: make_model(kind, "multiclass") for kind in KINDS}
    for kind, model in models.items():
        np.savez(tmp_path / f"{kind}.npz", **inputs_of(model, rows))
        export(model, tmp_path / f"{kind}.saved", "savedmodel")
        export(model, tmp_path / f"{kind}.pb", "frozen")
        export(model, tmp_path / f"{kind}.keras", "keras")
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]
    package = str(Path(fieldfare.__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": package},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for kind, model in models.items():
        for to in ("savedmodel", "frozen", "keras"):
            got = np.load(tmp_path / f"{kind}.{to}.npy")
            np.testing.assert_allclose(got, model.predict(rows), atol=1e-5, err_msg=f"{kind} {to}")


def test_weights_are_saved_once(tmp_path: Path) -> None:
    model = fieldfare.train(
        [{"a": f"v{i % 2000}", "target": i // 2 % 2} for i in range(6000)], max_iter=1
    ).model
    export(model, tmp_path / "saved", "savedmodel")
    size = sum(path.stat().st_size for path in (tmp_path / "saved").rglob("*") if path.is_file())
    assert size < model.nbytes + 100_000
    export(model, tmp_path / "model.pb", "frozen", link=False)
    assert (tmp_path / "model.pb").stat().st_size < model.nbytes + 100_000


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"exists. Remove it"):
        export(make_model("fm"), tmp_path, "savedmodel")


def test_models_over_two_gigabytes_are_not_frozen(tmp_path: Path, monkeypatch) -> None:
    model = make_model("fm")
    monkeypatch.setattr(type(model), "nbytes", 2**31)
    with pytest.raises(ConfigError, match=r"at most 2 GB, and this model has 2.1 GB"):
        export(model, tmp_path / "model.pb", "frozen")
    assert not list(tmp_path.iterdir())


def test_another_backend_is_refused(tmp_path: Path, monkeypatch) -> None:
    import fieldfare.keras

    monkeypatch.setattr(fieldfare.keras, "backend", lambda: "jax")
    with pytest.raises(ConfigError, match="Keras on TensorFlow, and in this process .* 'jax'"):
        export(make_model("fm"), tmp_path / "saved", "savedmodel")


@pytest.mark.parametrize("to", ["savedmodel", "frozen"])
def test_a_missing_package_gives_the_line_to_run(tmp_path: Path, monkeypatch, to: str) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'fieldfare\[tensorflow\]'"):
        export(make_model("fm"), tmp_path / "m", to)
    assert not list(tmp_path.iterdir())
