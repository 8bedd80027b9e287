"""Files of the present formats load, and score as they did when written."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from fieldfare.exceptions import ModelFileError
from fieldfare.persist.file import load_model
from fieldfare.persist.format import FORMAT
from fieldfare.persist.posterior import FORMAT as POSTERIOR_FORMAT
from fieldfare.persist.posterior import load_posterior

FOLDER = Path(__file__).parent
MAKER = runpy.run_path(str(FOLDER / "make_models.py"))
POSTERIORS = sorted(FOLDER.glob("posterior-*.ff"))
FILES = sorted(set(FOLDER.glob("*.ff")) - set(POSTERIORS))


def test_the_formats_have_their_files() -> None:
    names = {path.stem for path in FILES + POSTERIORS}
    assert names >= {f"{case}-v{FORMAT}" for case in MAKER["CASES"]}
    assert names >= {f"posterior-{task}-v{POSTERIOR_FORMAT}" for task in MAKER["POSTERIORS"]}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scores_are_as_they_were(path: Path) -> None:
    model = load_model(path)
    expected = np.array(json.loads(path.with_suffix(".json").read_text()))
    np.testing.assert_allclose(model.score(MAKER["rows"]()), expected, rtol=1e-6, atol=1e-6)
    assert model.units == MAKER["UNITS"]
    assert model.trained_by == MAKER["TRAINED_BY"]
    assert model.provenance == MAKER["PROVENANCE"]
    assert model.classes in (None, ["no", "yes"], [3, 5, 9])
    assert model.schema.n_features == model.n_features == 5


@pytest.mark.parametrize("path", POSTERIORS, ids=lambda path: path.stem)
def test_posteriors_predict_as_they_did(path: Path) -> None:
    posterior = load_posterior(path)
    expected = np.array(json.loads(path.with_suffix(".json").read_text()))
    np.testing.assert_allclose(MAKER["predictions"](posterior), expected, rtol=1e-6, atol=1e-6)
    assert posterior.trained_by == MAKER["SAMPLED_BY"]
    assert posterior.provenance == MAKER["PROVENANCE"]
    assert posterior.classes == MAKER["POSTERIORS"][posterior.task]
    assert len(posterior) == 2
    assert posterior.schema.n_features == posterior.n_features == 5


def test_damage_is_noticed(tmp_path: Path) -> None:
    content = bytearray((FOLDER / f"fm-binary-v{FORMAT}.ff").read_bytes())
    content[-3] ^= 1
    (tmp_path / "bad.ff").write_bytes(content)
    with pytest.raises(ModelFileError, match="checksum"):
        load_model(tmp_path / "bad.ff")
