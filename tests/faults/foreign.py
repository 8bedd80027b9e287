"""Models of other programs as formats to mutate: what is imported predicts, or is refused."""

from __future__ import annotations

import io
import random
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tests.faults import mutations
from tests.faults.index_folders import Files, drop_file, swap_files

import fieldfare
from fieldfare.config import ModelConfig
from fieldfare.exceptions import FieldfareError, ModelFileError
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


SAVED = Path(__file__).parent.parent / "unit" / "foreign" / "files"
"""As the programs wrote them."""
BY_PROGRAMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("xlearn_fm_adagrad.bin", {"norm": False}),
    ("xlearn_ffm_ftrl.bin", {"norm": True}),
    ("xlearn_fm_sgd.txt", {"task": "binary", "norm": False}),
    ("libffm_norm.model", {}),
    ("libfm_pairs.txt", {"task": "regression"}),
    ("liblinear_svr.model", {}),
    ("spark_reg", {}),
    ("spark_cls", {}),
)
"""Some of them, and what their import must be told."""
_NUMBERS = (b"0", b"-1", b"1e400", b"nan", b"inf", b"99999999999", b"1.5", b"", b"x", b"\xff",
            b"2147483648", b"18446744073709551616", b"9" * 400, b"1_0", b"0x10")  # fmt: skip


class Case(NamedTuple):
    """A file, which is called "", or the files of a folder, and the options of the import."""

    files: Files
    options: dict[str, Any]


def seeds(folder: Path) -> list[Case]:
    """Return a model of every format that a file can have."""
    found = [Case({"": LIBLINEAR}, {})]
    found += [Case(_read(SAVED / name), options) for name, options in BY_PROGRAMS]
    for kind, to, options in EXPORTED:
        config = ModelConfig(model=kind, task="binary", n_factors=3)
        model = build(config, n_features=5, n_fields=2, n_outputs=1)
        drops = {"drop_linear": True} if to.startswith("libffm") else {}
        fieldfare.export(model, folder / "seed", to, **drops)
        found.append(Case(_read(folder / "seed"), options))
    for shapes, options in ARRAYS:
        data = _archive({name: np.ones(shape) for name, shape in shapes.items()})
        found.append(Case({"": data}, options))
    return found


def _read(path: Path) -> Files:
    if path.is_file():
        return {"": path.read_bytes()}
    inside = (inner for inner in path.rglob("*") if inner.is_file())
    return {str(inner.relative_to(path)): inner.read_bytes() for inner in inside}


def _archive(arrays: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def of_one_file(mutation: Callable[[bytes, random.Random], bytes]) -> Callable[..., Case]:
    """Return the mutation of one of a case's files; its options stay."""

    def change(case: Case, rng: random.Random) -> Case:
        name = rng.choice(sorted(case.files))
        return case._replace(files=case.files | {name: mutation(case.files[name], rng)})

    change.__name__ = mutation.__name__
    return change


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
    return data[: one.start()] + rng.choice(_NUMBERS) + data[one.end() :]


def change_lines(data: bytes, rng: random.Random) -> bytes:
    """Drop, double or swap lines."""
    lines = data.split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    action = rng.randrange(3)
    if action == 0:
        del lines[one]
    elif action == 1:
        lines.insert(one, lines[other])
    else:
        lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def change_archive(data: bytes, rng: random.Random) -> bytes:
    """Change, drop or rename an array of an npz file; cut any other."""
    if not data.startswith(b"PK"):
        return mutations.truncate(data, rng)
    arrays = dict(np.load(io.BytesIO(data)))
    name = rng.choice(sorted(arrays))
    action = rng.randrange(8)
    if action == 0:
        del arrays[name]
    elif action == 1:
        arrays["x"] = arrays.pop(name)
    else:
        arrays[name] = mutations.change_array(arrays[name], rng)
    return _archive(arrays)


def change_folder(case: Case, rng: random.Random) -> Case:
    """Drop a file of a folder, or swap two."""
    if len(case.files) < 2:
        return of_one_file(change_lines)(case, rng)
    return case._replace(files=rng.choice((drop_file, swap_files))(case.files, rng))


CHANGES = (change_integer, change_number, change_lines, change_archive)
MUTATIONS = (*map(of_one_file, (*mutations.BYTES, *CHANGES)), change_folder)


def attempt(folder: Path, case: Case, _: random.Random) -> bool:
    """Import a model, predict with it, and save it; anything but an error of ours goes through."""
    path = folder / "case.model"
    shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)
    for name, data in case.files.items():
        place = path / name if name else path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    try:
        model = fieldfare.load_foreign(path, **case.options)
    except FieldfareError as error:
        named = path.name in str(error) or not isinstance(error, ModelFileError)
        assert named, f"The message names no file: {error}"
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
