"""Read, train or predict with fieldfare in a process of its own; the last line is JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from fieldfare.data.loading import load


def prepare(request: dict[str, Any]) -> dict[str, Any]:
    """Leave the binary form of both parts in the cache."""
    del request
    for path in ("train.ffm", "test.ffm"):
        load(path)
    return {}


def read(request: dict[str, Any]) -> dict[str, Any]:
    start = time.perf_counter()
    load("train.ffm", cache=False, n_threads=request["threads"])
    return {"seconds": time.perf_counter() - start}


def train(request: dict[str, Any]) -> dict[str, Any]:
    from fieldfare.persist.file import save_model
    from fieldfare.training.functions import train

    rows = load("train.ffm")
    held = load("test.ffm") if request["valid"] else None
    result = train(rows, valid=held, early_stopping=False, **request["settings"])
    if request["save"]:
        save_model(result.model, request["save"])
    epochs = result.history["seconds"]
    losses = result.history["valid_loss"] if request["valid"] else []
    return {"seconds": float(sum(epochs) / len(epochs)), "losses": [float(x) for x in losses]}


def predict(request: dict[str, Any]) -> dict[str, Any]:
    from fieldfare.cli._predictions import names, prediction_writer
    from fieldfare.persist.file import load_model

    model, rows = load_model(request["model"]), load("test.ffm").rows
    start = time.perf_counter()
    with prediction_writer("predictions", "text", model, names(model)) as write:
        found = model.predict(rows, n_threads=request["threads"])
        scored = time.perf_counter() - start
        write(found)
    return {"seconds": time.perf_counter() - start, "scoring_seconds": scored}


def main() -> None:
    request = json.loads(sys.argv[1])
    actions = {"prepare": prepare, "read": read, "train": train, "predict": predict}
    print(json.dumps(actions[request["action"]](request)))


if __name__ == "__main__":
    main()
