"""Train a field-aware model on a click table, explain it, save it and predict from the file."""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np

from fieldfare import (
    evaluate,
    explain,
    load_data,
    load_model,
    predict,
    save_model,
    top_interactions,
    train,
)


def write_clicks(path: Path, n_rows: int, seed: int) -> None:
    """Write clicks in which some sites suit some advertisers, and some formats some devices."""
    sizes = {"site": 20, "advertiser": 30, "device": 4, "ad_format": 5, "hour": 24}
    planted = np.random.default_rng(0)
    suits = planted.normal(0, 1.2, (sizes["site"], sizes["advertiser"]))
    fits = planted.normal(0, 0.8, (sizes["device"], sizes["ad_format"]))
    random = np.random.default_rng(seed)
    cells = {name: random.integers(0, size, n_rows) for name, size in sizes.items()}
    logit = suits[cells["site"], cells["advertiser"]] + fits[cells["device"], cells["ad_format"]]
    clicked = random.random(n_rows) < 1 / (1 + np.exp(1 - logit))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["clicked", *sizes])
        columns = [[f"{name} {i}" for i in column] for name, column in cells.items()]
        writer.writerows(zip(clicked.astype(int), *columns, strict=True))


def main(n_rows: int = 20_000) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clicks(folder / "train.csv", n_rows * 9 // 10, seed=1)
        write_clicks(folder / "test.csv", n_rows // 10, seed=2)

        data = load_data(folder / "train.csv", target="clicked")
        print(data.schema)

        result = train(data, model="ffm", n_factors=4, early_stopping=True, random_state=0)
        print(result.history)
        print(evaluate(result.model, folder / "test.csv"))
        print(top_interactions(result.model, 5, by="field"))
        print(explain(result.model, folder / "test.csv", row=0))

        save_model(result.model, folder / "clicks.ff")
        print(predict(load_model(folder / "clicks.ff"), folder / "test.csv")[:5])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
