"""Nothing is saved over the samples that it was made of."""

from __future__ import annotations

from pathlib import Path

import pytest

import fieldfare
from fieldfare.cli import main
from fieldfare.exceptions import ConfigError

TABLE = "user,y\n" + "".join(f"u{i % 3},{i % 2}\n" for i in range(30))


def trained(path: Path) -> fieldfare.Model:
    return fieldfare.train(path, target="y", max_iter=1, n_factors=2, random_state=0).model


def test_a_model_is_not_saved_over_its_samples(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text(TABLE)
    model = trained(path)
    (tmp_path / "link.csv").symlink_to(path)
    for output in (path, tmp_path / "link.csv"):
        with pytest.raises(ConfigError, match="holds samples"):
            fieldfare.save_model(model, output)
    with pytest.raises(ConfigError, match="holds samples"):
        fieldfare.export(model, path, "json")
    assert path.read_text() == TABLE


def test_a_file_that_was_replaced_since_is_no_input_any_more(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text(TABLE)
    model = trained(path)
    path.unlink()
    for _ in range(2):
        fieldfare.save_model(model, path)
    assert fieldfare.load_model(path).n_features == model.n_features


def test_the_tour_leaves_tables_of_others_alone(tmp_path: Path, capsys) -> None:
    (tmp_path / "train.csv").write_text(TABLE)
    assert main(["demo", "--rows", "1000", "--out", str(tmp_path)]) == 1
    assert "was not written by a tour" in capsys.readouterr().err
    assert (tmp_path / "train.csv").read_text() == TABLE
    (tmp_path / "train.csv").unlink()
    (tmp_path / "clicks.ff").write_text("mine")
    assert main(["demo", "--rows", "1000", "--out", str(tmp_path)]) == 1
    assert (tmp_path / "clicks.ff").read_text() == "mine"
