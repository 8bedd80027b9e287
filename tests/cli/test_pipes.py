"""Commands read a pipe of the shell, as ``<(...)`` makes it, whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

N = 20_000
CSV = b"user,item,click\n" + b"".join(
    b"u%d,i%d,%d\n" % (i % 50, i % 30, i // 7 % 2) for i in range(N)
)
QUICK = ("--epochs", 1, "--seed", 1, "--threads", 1, "-q")


def test_train_predict_evaluate_and_inspect(run: Any, pipe: Callable[[bytes], str]) -> None:
    ran = run("train", pipe(CSV), "--target", "click", "-o", "m.ff", *QUICK)
    assert ran.code == 0, ran.err
    ran = run("predict", pipe(CSV), "-m", "m.ff")
    assert len(ran.out.splitlines()) == N
    assert run("evaluate", pipe(CSV), "-m", "m.ff").code == 0
    assert f"rows         {N}" in run("inspect", pipe(CSV), "--target", "click").out


def test_a_retrieval_model_is_trained_from_a_pipe(run: Any, pipe: Callable[[bytes], str]) -> None:
    roles = ("--user", "user", "--item", "item")
    ran = run("recommend", "train", pipe(CSV), *roles, *QUICK[:4], "-o", "r.ff")
    assert ran.code == 0, ran.err
    assert f"{N:,} interactions" in ran.err + ran.out
