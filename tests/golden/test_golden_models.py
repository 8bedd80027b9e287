"""Model files of every format so far still load and score as they did when written."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from fieldfare.exceptions import ModelFileError
from fieldfare.persist.file import load_model
from fieldfare.persist.format import FORMAT

FOLDER = Path(__file__).parent
MAKER = runpy.run_path(str(FOLDER / "make_models.py"))
FILES = sorted(FOLDER.glob("*.ff"))


def test_every_format_has_its_files() -> None:
    names = {path.stem for path in FILES}
    assert names >= {f"{case}-v{FORMAT}" for case in MAKER["CASES"]}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scores_are_as_they_were(path: Path) -> None:
    model = load_model(path)
    expected = np.array(json.loads(path.with_suffix(".json").read_text()))
    np.testing.assert_allclose(model.score(MAKER["rows"]()), expected, rtol=1e-6, atol=1e-6)
    assert model.provenance == {"seed": 0, "metrics": {"logloss": 0.25}}
    assert model.classes in (None, ["no", "yes"], [3, 5, 9])
    assert model.schema.n_features == model.n_features == 5


@pytest.mark.parametrize("version", [1, 2, FORMAT])
def test_damage_to_a_file_of_any_format_is_noticed(version: int, tmp_path: Path) -> None:
    content = bytearray((FOLDER / f"fm-binary-v{version}.ff").read_bytes())
    content[-3] ^= 1
    (tmp_path / "bad.ff").write_bytes(content)
    with pytest.raises(ModelFileError, match="checksum"):
        load_model(tmp_path / "bad.ff")
