"""`import fieldfare` costs little more than NumPy: heavy packages wait until they are needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "faiss",
    "httpx",
    "jax",
    "keras",
    "matplotlib",
    "msgspec",
    "onnx",
    "onnxruntime",
    "pandas",
    "polars",
    "pyarrow",
    "safetensors",
    "scipy",
    "sklearn",
    "starlette",
    "tensorflow",
    "torch",
    "tqdm",
)


def loaded_after(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after running the code."""
    report = (
        "import json, sys; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import fieldfare",
        "import fieldfare; fieldfare.__version__; dir(fieldfare)",
        "import fieldfare.config, fieldfare.exceptions, fieldfare.rows",
        "from fieldfare.cli import main",
    ],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    assert loaded_after(code) & set(HEAVY) == set()


def test_a_small_table_is_trained_without_pandas_and_scikit_learn(tmp_path: Path) -> None:
    """pyarrow would import pandas, if it is there, to make an array of a list."""
    (tmp_path / "t.csv").write_text("a,b,target\n" + "x,1.5,0\ny,,1\n,2,1\nz,0,0\n" * 10)
    argv = ["train", str(tmp_path / "t.csv"), "-o", str(tmp_path / "m.ff"), "-q", "--epochs", "1"]
    loaded = loaded_after(f"from fieldfare.cli import main; assert main({argv!r}) == 0")
    assert loaded & {"matplotlib", "pandas", "scipy", "sklearn"} == set()


def test_the_root_does_not_load_the_compiled_core() -> None:
    code = "import sys, fieldfare; assert 'fieldfare._core' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
