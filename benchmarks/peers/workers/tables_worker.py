"""Fit packages with their defaults to the splits of one table; the last line is JSON."""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp


def lightgbm(split: Any, task: str) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if task == "regression" else LGBMClassifier
    model = kind(n_jobs=1, random_state=0, verbose=-1)
    if split["words"]:
        X, Z = matrix(split, "train"), matrix(split, "test")
        model.fit(X, split["y"])
    else:
        X, Z = split["dense_train"], split["dense_test"]
        categories = split["categories"].tolist()
        model.fit(X, split["y"], categorical_feature=categories if categories else "auto")
    return predicted(model, Z, task)


def myfm(split: Any, task: str) -> Any:
    from myfm import MyFMGibbsClassifier, MyFMGibbsRegressor

    kind = MyFMGibbsRegressor if task == "regression" else MyFMGibbsClassifier
    model = kind(rank=8, random_seed=0)
    model.fit(matrix(split, "train"), split["y"])
    return predicted(model, matrix(split, "test"), task)


def modern_fm(split: Any, task: str) -> Any:
    from modern_fm import FMClassifier, FMRegressor

    kind = FMRegressor if task == "regression" else FMClassifier
    model = kind(random_state=0, n_jobs=1)
    model.fit(matrix(split, "train"), split["y"])
    return predicted(model, matrix(split, "test"), task)


def matrix(split: Any, part: str) -> Any:
    parts = tuple(split[f"{part}_{name}"] for name in ("data", "indices", "indptr"))
    return sp.csr_matrix(parts, shape=split[f"{part}_shape"])


def predicted(model: Any, X: Any, task: str) -> Any:
    if task == "regression":
        return model.predict(X)
    chances = model.predict_proba(X)
    return chances[:, -1] if task == "binary" and chances.ndim == 2 else chances


SYSTEMS = {"lightgbm": lightgbm, "myfm": myfm, "modern-fm": modern_fm}


def main() -> None:
    warnings.simplefilter("ignore")
    task, *names = sys.argv[1:]
    found: list[dict[str, Any]] = []
    for path in sorted(Path().glob("split*.npz")):
        with np.load(path) as saved:
            split = dict(saved)
        for name in names:
            start = time.process_time()
            try:
                if task == "multiclass" and name != "lightgbm":
                    raise NotImplementedError("it has no classes but two")
                result = np.asarray(SYSTEMS[name](split, task))
            except Exception as error:  # noqa: BLE001 - the report says why there are no figures
                message = f"{type(error).__name__}: {error}".splitlines()[0]
                found.append({"system": name, "split": path.stem, "failure": message})
                continue
            seconds = time.process_time() - start
            np.save(f"{name}-{path.stem}.npy", result)
            found.append({"system": name, "split": path.stem, "seconds": seconds})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
