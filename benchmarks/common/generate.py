"""Generate click data of realistic shape from a planted field-aware model, seeded.

Every row has one active feature in each of 39 fields, as in display advertising logs: 13 small
fields (binned counts) and 26 with 3 to 170,000 values, about a million features in all. The ids of
a field follow a Zipf-Mandelbrot law and lie scattered over the id space, as hashing would leave
them. The log-odds of a row are

    b + sum_f w[i_f] + sum_{f<g} <u[i_f] M[f,g], u[i_g]>

with u of rank 4 and a random 4 x 4 matrix for half of the field pairs: a field-aware model.

``python -m benchmarks.common.generate FOLDER`` writes train and test parts in libffm and libsvm
text. The probabilities that the labels were drawn from go beside them (``*.probability.npy``),
because their logloss is the best that any model can reach.
"""

from __future__ import annotations

import argparse
import json
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

CARDINALITIES = (
    30, 100, 80, 50, 60, 80, 40, 40, 60, 10, 30, 20, 50,
    1_500, 600, 168_000, 112_000, 300, 24, 12_500, 630, 3, 58_000, 5_600,
    158_000, 3_200, 27, 15_000, 149_000, 10, 5_500, 2_200, 4, 140_000, 18, 15, 91_000, 105, 71_000,
)  # fmt: skip
RANK = 4
CHUNK = 50_000
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Planted:
    """The model that the labels are drawn from.

    Attributes
    ----------
    first : int64 array of shape (n_fields,)
        Number of a field's most frequent feature, before scattering.
    scattered : uint32 array of shape (n_features,)
        Id in the files of each feature.
    cumulative : list of float64 arrays
        Cumulative probability of the features of each field.
    bias, linear, factors, mixing
        b, w, u and M of the formula above.
    """

    first: Array
    scattered: Array
    cumulative: list[Array]
    bias: float
    linear: Array
    factors: Array
    mixing: Array


def plant(seed: int) -> Planted:
    """Draw the model from the seed."""
    random = np.random.default_rng([seed, 0])
    n_fields, n_features = len(CARDINALITIES), sum(CARDINALITIES)
    first = np.cumsum((0, *CARDINALITIES[:-1]))
    cumulative = []
    for cardinality in CARDINALITIES:
        exponent, offset = random.uniform(1.0, 1.25), random.uniform(2, 8)
        weight = (np.arange(cardinality) + offset) ** -exponent
        cumulative.append(np.cumsum(weight / weight.sum()))
    mixing = 0.026 * random.normal(size=(n_fields, n_fields, RANK, RANK))
    mixing += 0.025 * np.eye(RANK)
    interacting = np.triu(random.random((n_fields, n_fields)) < 0.5, 1)
    return Planted(
        first=first,
        scattered=random.permutation(n_features).astype(np.uint32),
        cumulative=cumulative,
        bias=-1.65,
        linear=random.normal(0, 0.18, n_features).astype(np.float32),
        factors=random.normal(size=(n_features, RANK)).astype(np.float32),
        mixing=(mixing * interacting[:, :, None, None]).astype(np.float32),
    )


def draw(model: Planted, n_rows: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Draw features of shape (n_rows, n_fields) and the probability of a click of each row."""
    n_fields = len(CARDINALITIES)
    features = np.empty((n_rows, n_fields), np.int64)
    for field, cumulative in enumerate(model.cumulative):
        drawn = np.searchsorted(cumulative, random.random(n_rows))
        features[:, field] = model.first[field] + np.minimum(drawn, len(cumulative) - 1)
    logit = model.bias + model.linear[features].sum(1)
    vectors = model.factors[features]
    flat = vectors.reshape(n_rows, -1)
    for field in range(n_fields - 1):
        rest = slice((field + 1) * RANK, None)
        mixed = (
            vectors[:, field] @ model.mixing[field].transpose(1, 0, 2).reshape(RANK, -1)[:, rest]
        )
        logit += np.einsum("nk,nk->n", mixed, flat[:, rest])
    return features, 1 / (1 + np.exp(-logit))


def tokens(words: list[str]) -> Array:
    """Return words as rows of bytes, padded with zeros to one width."""
    table = np.array(words, dtype="S")
    return table.view(np.uint8).reshape(len(words), -1)


def text(table: Array, labels: Array, features: Array, clicked: Array) -> bytes:
    """Join the label and the tokens of each row to lines, all rows at once."""
    n_rows, n_fields = features.shape
    head, width = labels.shape[1], table.shape[1]
    block = np.zeros((n_rows, head + n_fields * width + 1), np.uint8)
    block[:, :head] = labels[clicked]
    block[:, head:-1] = table[features].reshape(n_rows, -1)
    block[:, -1] = ord("\n")
    flat = block.ravel()
    return bytes(flat[flat != 0].tobytes())


def parts(model: Planted, n_rows: int, seed: list[int]) -> Iterator[tuple[Array, Array, Array]]:
    """Yield chunks of features, probabilities and labels."""
    random = np.random.default_rng(seed)
    for start in range(0, n_rows, CHUNK):
        features, probability = draw(model, min(CHUNK, n_rows - start), random)
        yield features, probability, (random.random(len(features)) < probability).astype(np.uint8)


def logloss(probability: Array, clicked: Array) -> float:
    return float(-np.log(np.where(clicked == 1, probability, 1 - probability)).mean())


def generate(
    folder: Path, sizes: dict[str, int], seed: int, kinds: Sequence[str] = ("ffm", "svm")
) -> dict[str, Any]:
    """Write all files and return a description, which is also left in ``about.json``.

    Parameters
    ----------
    folder : Path
        Made if absent.
    sizes : dict of str to int
        Rows of each part, by the part's name.
    seed : int
        Fixes everything.
    kinds : sequence of {"ffm", "svm", "vw"}
        Forms of text; the last is Vowpal Wabbit's, with a namespace for each field.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = plant(seed)
    field = np.repeat(np.arange(len(CARDINALITIES)), CARDINALITIES)
    pairs = list(zip(field.tolist(), model.scattered.tolist(), strict=True))
    forms: dict[str, Callable[[int, int], str]] = {
        "ffm": lambda f, j: f" {f}:{j}:1",
        "svm": lambda _, j: f" {j}:1",
        "vw": lambda f, j: f" |{string.ascii_letters[f]} {j}",
    }
    tables = {kind: tokens([forms[kind](f, j) for f, j in pairs]) for kind in kinds}
    heads = {kind: tokens(["-1", "1"] if kind == "vw" else ["0", "1"]) for kind in kinds}
    about: dict[str, Any] = {"seed": seed, "features": len(field), "fields": len(CARDINALITIES)}
    for number, (name, n_rows) in enumerate(sizes.items(), 1):
        probabilities, labels = [], []
        files = {kind: (folder / f"{name}.{kind}").open("wb") for kind in tables}
        for features, probability, clicked in parts(model, n_rows, [seed, number]):
            for kind, file in files.items():
                file.write(text(tables[kind], heads[kind], features, clicked))
            probabilities.append(probability.astype(np.float32))
            labels.append(clicked)
        for file in files.values():
            file.close()
        probability, clicked = np.concatenate(probabilities), np.concatenate(labels)
        np.save(folder / f"{name}.probability.npy", probability)
        rate = float(clicked.mean())
        about[name] = {
            "rows": n_rows,
            "rate": rate,
            "constant_logloss": logloss(np.full(n_rows, rate), clicked),
            "best_logloss": logloss(probability.astype(np.float64), clicked),
        }
    (folder / "about.json").write_text(json.dumps(about, indent=2) + "\n")
    return about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="training rows (default: 1000000)"
    )
    parser.add_argument(
        "--test-rows", type=int, default=200_000, help="test rows (default: 200000)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", choices=["ffm", "svm", "vw"], default=["ffm", "svm"])
    arguments = parser.parse_args()
    sizes = {"train": arguments.rows, "test": arguments.test_rows}
    print(json.dumps(generate(arguments.folder, sizes, arguments.seed, arguments.kinds), indent=2))


if __name__ == "__main__":
    main()
