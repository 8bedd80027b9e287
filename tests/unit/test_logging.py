"""What a person reads reaches terminals of any kind."""

from __future__ import annotations

import io

from fieldfare._logging import say


def test_letters_that_a_terminal_does_not_have_are_escaped() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, "ascii")
    say("saved in 模型.ff", file=stream)
    assert written.getvalue() == b"saved in \\u6a21\\u578b.ff\n"
