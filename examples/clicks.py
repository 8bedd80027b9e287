"""Train a field-aware model on a click table, ask it why, and use it again from its file."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from fieldfare.cli._clicks import generate
from fieldfare.data.dispatch import load
from fieldfare.explain import explain, top_interactions
from fieldfare.persist.file import load_model, save_model
from fieldfare.training.workflow import evaluate, predict, train


def main(n_rows: int = 20_000) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clicks = generate(n_rows)
        clicks.write_csv(folder / "train.csv", 0, n_rows * 9 // 10)
        clicks.write_csv(folder / "test.csv", n_rows * 9 // 10)

        data = load(folder / "train.csv", target="clicked")
        print(data.schema)

        result = train(data, model="ffm", n_factors=4, learning_rate=0.05, l2_factors=5e-3,
                       early_stopping=True, random_state=0)  # fmt: skip
        print(result.history)
        print(evaluate(result.model, folder / "test.csv"))
        print(top_interactions(result.model, 5, by="field"))
        print(explain(result.model, folder / "test.csv", row=0))

        save_model(result.model, folder / "clicks.ff")
        print(predict(load_model(folder / "clicks.ff"), folder / "test.csv")[:5])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
