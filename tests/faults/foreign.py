"""Models of other programs as a format to mutate: what is imported predicts, or is refused."""

from __future__ import annotations

import io
import random
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tests.faults import mutations

import fieldfare
from fieldfare.config import ModelConfig
from fieldfare.exceptions import FieldfareError
from fieldfare.models.registry import build
from fieldfare.rows import Rows

ROWS = Rows(
    np.array([0, 3], np.int64),
    np.array([0, 2, 1_000_000], np.uint32),
    np.array([1, 0.5, 2], np.float32),
    np.array([0, 1, 60_000], np.uint16),
)
# What exports as which format, and what its import must be told.
EXPORTED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("linear", "xlearn", {}),
    ("fm", "xlearn", {"norm": False}),
    ("ffm", "xlearn", {}),
    ("linear", "xlearn-text", {"task": "binary"}),
    ("ffm", "xlearn-text", {"task": "binary"}),
    ("ffm", "libffm", {}),
    ("ffm", "libffm-text", {}),
    ("fm", "libfm", {"task": "binary", "method": "als"}),
)
ARRAYS: tuple[tuple[dict[str, tuple[int, ...]], dict[str, Any]], ...] = (
    ({"user_factors": (3, 2), "item_factors": (4, 2)}, {}),
    ({"user_embeddings": (3, 2), "user_biases": (3,), "item_embeddings": (4, 2),
      "item_biases": (4,)}, {}),
    ({"w0_": (1,), "w_": (3,), "V_": (2, 3)}, {"output": "probit"}),
    ({"w0": (2,), "w": (2, 3), "V": (2, 3, 2), "alpha": (2,)}, {"task": "regression"}),
)  # fmt: skip
LIBLINEAR = (
    b"solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 3\nbias 1\nw\n0.5\n-1\n2\n0.1\n"
)


class Case(NamedTuple):
    """A file, and the options of its import."""

    data: bytes
    options: dict[str, Any]


def seeds(folder: Path) -> list[Case]:
    """Return a model of every format that a file can have."""
    found = [Case(LIBLINEAR, {})]
    for kind, to, options in EXPORTED:
        config = ModelConfig(model=kind, task="binary", n_factors=3)
        model = build(config, n_features=5, n_fields=2, n_outputs=1)
        drops = {"drop_linear": True} if to.startswith("libffm") else {}
        fieldfare.export(model, folder / "seed", to, **drops)
        found.append(Case((folder / "seed").read_bytes(), options))
    for shapes, options in ARRAYS:
        file = io.BytesIO()
        np.savez(file, **{name: np.ones(shape) for name, shape in shapes.items()})  # type: ignore[arg-type]
        found.append(Case(file.getvalue(), options))
    return found


def of_data(mutation: Callable[[bytes, random.Random], bytes]) -> Callable[..., Case]:
    """Return the mutation for cases, whose options stay."""
    return lambda case, rng: case._replace(data=mutation(case.data, rng))


def change_integer(data: bytes, rng: random.Random) -> bytes:
    """Overwrite four bytes by another integer, as the sizes in headers are."""
    if len(data) < 4:
        return data
    at = rng.randrange(min(len(data) - 3, 80))
    number = rng.choice([0, 1, 2, 3, 255, 2**16, 2**31 - 1, 2**32 - 1])
    return data[:at] + struct.pack("<I", number) + data[at + 4 :]


def change_number(data: bytes, rng: random.Random) -> bytes:
    """Write another number for one of those in a text."""
    numbers = list(re.finditer(rb"-?\d+(\.\d+)?", data))
    if not numbers:
        return data
    one = rng.choice(numbers)
    other = rng.choice([b"0", b"-1", b"1e400", b"nan", b"99999999999", b"1.5", b"", b"x"])
    return data[: one.start()] + other + data[one.end() :]


MUTATIONS = tuple(map(of_data, (*mutations.BYTES, change_integer, change_number)))


def attempt(folder: Path, case: Case, _: random.Random) -> bool:
    """Import a model, predict with it, and save it; anything but an error of ours goes through."""
    path = folder / "case.model"
    path.write_bytes(case.data)
    try:
        model = fieldfare.load_foreign(path, **case.options)
    except FieldfareError as error:
        str(error)
        return False
    try:
        fieldfare.predict(model, ROWS)
        if isinstance(model, fieldfare.Posterior):
            fieldfare.save_posterior(model, folder / "case.ff")
        else:
            fieldfare.save_model(model, folder / "case.ff")
    except FieldfareError as error:
        str(error)
    return True
