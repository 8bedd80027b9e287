"""Plots are written completely, in the format that their name asks for, and are labelled."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from fieldfare.exceptions import ConfigError, DataError, MissingDependencyError
from fieldfare.report import plot_field_matrix, plot_history
from fieldfare.training.loop.history import History

pytest.importorskip("matplotlib")

PNG = b"\x89PNG\r\n\x1a\n"


def matrix(n, *, signed=True):
    values = np.random.default_rng(0).normal(size=(n, n))
    values = values + values.T
    np.fill_diagonal(values, 0)
    return values if signed else np.abs(values)


@pytest.fixture
def history():
    found = History(metric="valid_auc", greater_is_better=True)
    for epoch in (1, 2, 3):
        losses = {"train_loss": 1 / epoch, "valid_loss": 1.1 / epoch}
        found.append({"epoch": epoch, **losses, "valid_auc": 1 - 0.4 / epoch, "seconds": 0.1})
    return found


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("n", [1, 2, 8, 39])
def test_png(tmp_path, n, signed):
    path = tmp_path / "pairs.png"
    plot_field_matrix([f"field {i}" for i in range(n)], matrix(n, signed=signed), path)
    assert path.read_bytes().startswith(PNG)
    assert [item.name for item in tmp_path.iterdir()] == ["pairs.png"]


def test_svg_holds_the_names_as_text_and_is_reproducible(tmp_path):
    names = ["user", "item", "<city> & co", "a name that is much too long for a heat map"]
    texts = []
    for name in ("a.svg", "b.SVG"):
        plot_field_matrix(names, matrix(4), tmp_path / name)
        texts.append((tmp_path / name).read_text("utf-8"))
    assert texts[0] == texts[1]
    assert "<svg" in texts[0]
    for word in ("user", "item", "&lt;city&gt; &amp; co", "a name that is much to"):
        assert word in texts[0]
    assert "too long" not in texts[0]


def test_all_39_fields_are_named(tmp_path):
    names = [f"column_{i}" for i in range(39)]
    plot_field_matrix(names, matrix(39), tmp_path / "pairs.svg")
    found = set(re.findall(r"column_\d+", (tmp_path / "pairs.svg").read_text("utf-8")))
    assert found == set(names)


def test_the_diagonal_is_drawn_if_it_has_values():
    values = matrix(3)
    assert len(plot_field_matrix(list("abc"), values).axes[0].get_xticks()) == 2
    values[1, 1] = 2.0
    assert len(plot_field_matrix(list("abc"), values).axes[0].get_xticks()) == 3


def test_zero_is_in_the_middle_of_signed_colours():
    low, high = plot_field_matrix(list("abc"), matrix(3)).axes[0].images[0].get_clim()
    assert low == -high
    low, high = plot_field_matrix(list("abc"), matrix(3, signed=False)).axes[0].images[0].get_clim()
    assert low == 0 < high
    low, high = (
        plot_field_matrix(list("abc"), matrix(3, signed=False), signed=True)
        .axes[0]
        .images[0]
        .get_clim()
    )
    assert low == -high


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (["a", "b"], np.zeros((3, 3))),
        ([], np.zeros((0, 0))),
        (["a", "b"], np.array([[0, np.nan], [np.nan, 0]])),
        (["a", "b"], np.zeros(2)),
    ],
)
def test_matrices_that_do_not_fit_are_refused(names, values):
    with pytest.raises(DataError, match="heat map"):
        plot_field_matrix(names, values)


@pytest.mark.parametrize("name", ["pairs.pdf", "pairs", "pairs.png.txt"])
def test_other_formats_are_refused_before_anything_is_drawn(tmp_path, history, name):
    with pytest.raises(ConfigError, match=r"\.png or \.svg"):
        plot_field_matrix(["a", "b"], matrix(2), tmp_path / name)
    with pytest.raises(ConfigError, match=r"\.png or \.svg"):
        plot_history(history, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_learning_curves(tmp_path, history):
    figure = plot_history(history, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)
    assert len(figure.axes) == 2
    plot_history(history, tmp_path / "curves.svg")
    text = (tmp_path / "curves.svg").read_text("utf-8")
    for word in ("training", "validation", "epoch", "best: epoch 3", "auc"):
        assert word in text


def test_curves_without_validation(tmp_path):
    history = History()
    history.append({"epoch": 1, "train_loss": 0.5, "seconds": 0.1})
    assert len(plot_history(history, tmp_path / "one.png").axes) == 1
    with pytest.raises(DataError, match="no epoch"):
        plot_history(History())


def test_pyplot_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    plot_field_matrix(["a", "b"], matrix(2), tmp_path / "pairs.png")
    assert (tmp_path / "pairs.png").stat().st_size > 0


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    for name in list(sys.modules):
        if name.partition(".")[0] == "matplotlib":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Without("matplotlib"), *sys.meta_path])
    with pytest.raises(MissingDependencyError, match=r"fieldfare\[plot\]"):
        plot_field_matrix(["a", "b"], matrix(2))


class _Without:
    """An import hook that hides a package."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_a_loss_under_two_names_is_drawn_once():
    history = History("valid_logloss", False)
    for epoch in (1, 2):
        loss = 1 / epoch
        history.append(
            {
                "epoch": float(epoch),
                "train_loss": loss,
                "valid_loss": loss,
                "valid_logloss": loss,
                "valid_auc": 0.5,
                "seconds": 0.1,
            }
        )
    assert len(plot_history(history).axes) == 2
