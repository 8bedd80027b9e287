"""Commands read a pipe of the shell, as ``<(...)`` makes it, whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

N = 20_000
CSV = "user,item,click\n" + "".join(f"u{i % 50},i{i % 30},{i % 2}\n" for i in range(N))
QUICK = ("--epochs", 1, "--seed", 1, "--threads", 1, "-q")


@pytest.fixture
def pipe() -> Iterator[Callable[[], str]]:
    ends = []

    def feed() -> str:
        read, write = os.pipe()

        def work() -> None:
            with os.fdopen(write, "w") as file:
                file.write(CSV)

        threading.Thread(target=work, daemon=True).start()
        ends.append(read)
        return f"/dev/fd/{read}"

    yield feed
    for end in ends:
        os.close(end)


def test_train_predict_evaluate_and_inspect(run: Any, pipe: Callable[[], str]) -> None:
    ran = run("train", pipe(), "--target", "click", "-o", "m.ff", *QUICK)
    assert ran.code == 0, ran.err
    ran = run("predict", pipe(), "-m", "m.ff")
    assert len(ran.out.splitlines()) == N
    assert run("evaluate", pipe(), "-m", "m.ff").code == 0
    assert f"rows         {N}" in run("inspect", pipe(), "--target", "click").out


def test_a_retrieval_model_is_trained_from_a_pipe(run: Any, pipe: Callable[[], str]) -> None:
    roles = ("--user", "user", "--item", "item")
    ran = run("recommend", "train", pipe(), *roles, *QUICK[:4], "-o", "r.ff")
    assert ran.code == 0, ran.err
    assert f"{N:,} interactions" in ran.err + ran.out
