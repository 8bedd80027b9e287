"""Progress on a terminal and in a pipe."""

from __future__ import annotations

import io
import sys

import pytest


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_in_a_pipe(follow, capsys) -> None:
    follow([3, 1, 2], verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 3
    assert "\r" not in err
    assert lines[0].startswith("epoch 1/3  train_loss 1.00000  valid_loss 9.00000")
    assert "valid_rmse 1.00000" in lines[1]
    assert lines[1].endswith(" s  *")
    assert not lines[2].endswith("*")


def test_bar_on_a_terminal(follow, monkeypatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    follow([3, 1, 2], verbose=1)
    text = terminal.getvalue()
    assert text.count("train_loss") == 3
    assert "%|" in text


def test_silent_by_default(follow, capsys) -> None:
    follow([3, 1, 2])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("stderr", [io.StringIO, _Terminal])
def test_bar_ends_on_interruption(follow, monkeypatch, stderr) -> None:
    from fieldfare.training.loop.callbacks import Callback

    class Interrupt(Callback):
        def on_epoch_end(self, state) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stderr", stderr())
    result, _ = follow([3, 1, 2], verbose=1, callbacks=(Interrupt(),))
    assert result.interrupted
