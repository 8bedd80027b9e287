"""Models that other programs saved: valid ones, and what can be wrong with them."""

from __future__ import annotations

import io
import random
import re
import shutil
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tests.faults import mutations
from tests.faults.index_folders import Files, drop_file, swap_files

from fieldfare import load_foreign
from fieldfare.exceptions import ConfigError, FieldfareError, ModelFileError
from fieldfare.models.posterior import Posterior
from fieldfare.rows import Rows

SAVED = Path(__file__).parent.parent / "unit" / "foreign" / "files"
"""As the programs wrote them."""

OPTIONS: dict[str, dict[str, Any]] = {
    "xlearn_lr_ftrl.bin": {},
    "xlearn_fm_adagrad.bin": {"norm": False},
    "xlearn_ffm_sgd.bin": {},
    "xlearn_ffm_ftrl.bin": {"norm": True},
    "xlearn_fm_sgd.txt": {"task": "binary", "norm": False},
    "xlearn_ffm_sgd.txt": {"task": "binary"},
    "libffm_norm.model": {},
    "libfm_als.txt": {"task": "binary", "method": "als"},
    "libfm_pairs.txt": {"task": "regression"},
    "liblinear_0.model": {},
    "liblinear_svr.model": {},
    "spark_reg": {},
    "spark_cls": {},
}
"""What each is loaded with."""

_ODD_WORDS = (
    *(b"", b"-1", b"0", b"1", b"2147483648", b"18446744073709551616", b"9" * 400, b"nan", b"inf"),
    *(
        b"-inf",
        b"1e999",
        b"1e-999",
        b"0x10",
        b"1_0",
        b"x",
        b"\xff",
        b"\0",
        b"w0,9",
        b"v_9_9:",
        b"#",
    ),
)
_ODD_NUMBERS = (0, 1, 2, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 0x7FC00000, 0x7F800000, 0xFF800000)
_N = 6


class Case(NamedTuple):
    """A file, which is called "", or a folder of files, and what it is loaded with."""

    files: Files
    options: dict[str, Any]


def seeds(_: Path) -> list[Case]:
    """Return what the programs saved, and arrays as users save those of Python's programs."""
    found = [Case(_read(SAVED / name), options) for name, options in OPTIONS.items()]
    return [*found, *(Case({"": data}, options) for data, options in _npz())]


def _read(path: Path) -> Files:
    if path.is_file():
        return {"": path.read_bytes()}
    inside = (inner for inner in path.rglob("*") if inner.is_file())
    return {str(inner.relative_to(path)): inner.read_bytes() for inner in inside}


def _npz() -> list[tuple[bytes, dict[str, Any]]]:
    rng = np.random.default_rng(0)

    def array(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    of_lightfm = {
        f"{side}_{what}": array(_N, 2) if what == "embeddings" else array(_N)
        for side in ("user", "item")
        for what in ("embeddings", "biases")
    }
    of_fastfm = {"w0_": array(1), "w_": array(_N), "V_": array(2, _N)}
    return [(_saved(of_lightfm), {}), (_saved(of_fastfm), {"output": "regression"})]


def _saved(arrays: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


# --- mutations ------------------------------------------------------------------------------------


def change_bytes(case: Case, rng: random.Random) -> Case:
    """Flip, cut off or copy bytes of a file."""
    return _with_one_file(case, rng, rng.choice(mutations.BYTES))


def change_word(case: Case, rng: random.Random) -> Case:
    """Replace a word of a text by an odd one, or drop, double or swap lines."""
    return _with_one_file(case, rng, _other_word)


def change_number(case: Case, rng: random.Random) -> Case:
    """Replace four or eight bytes of a binary file by an odd number, near the start most often."""
    return _with_one_file(case, rng, _other_number)


def change_archive(case: Case, rng: random.Random) -> Case:
    """Change, drop or rename an array of an npz file; leave other files alone."""
    data = case.files.get("", b"")
    if not data.startswith(b"PK"):
        return change_bytes(case, rng)
    arrays = dict(np.load(io.BytesIO(data)))
    name = rng.choice(sorted(arrays))
    action = rng.randrange(8)
    if action == 0:
        del arrays[name]
    elif action == 1:
        arrays["x"] = arrays.pop(name)
    else:
        arrays[name] = mutations.change_array(arrays[name], rng)
    return case._replace(files={"": _saved(arrays)})


def change_folder(case: Case, rng: random.Random) -> Case:
    """Drop a file, or swap two."""
    if len(case.files) < 2:
        return change_word(case, rng)
    return case._replace(files=rng.choice((drop_file, swap_files))(case.files, rng))


MUTATIONS = (change_bytes, change_word, change_number, change_archive, change_folder)


def _with_one_file(case: Case, rng: random.Random, change: Any) -> Case:
    name = rng.choice(sorted(case.files))
    return case._replace(files=case.files | {name: change(case.files[name], rng)})


def _other_word(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    line = rng.randrange(len(lines))
    action = rng.randrange(6)
    if action == 0:
        del lines[line]
    elif action == 1:
        lines.insert(line, rng.choice(lines))
    elif action == 2:
        other = rng.randrange(len(lines))
        lines[line], lines[other] = lines[other], lines[line]
    else:
        words = re.split(rb"([ ,:]+)", lines[line])
        words[rng.randrange(len(words))] = rng.choice(_ODD_WORDS)
        lines[line] = b"".join(words)
    return b"\n".join(lines)


def _other_number(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(max(1, min(len(data), rng.choice([16, 64, len(data)]))))
    number = rng.choice(_ODD_NUMBERS)
    packed = struct.pack("<I", number) if rng.random() < 0.6 else struct.pack("<Q", number << 31)
    return data[:place] + packed + data[place + len(packed) :]


# --- what is done with them -----------------------------------------------------------------------


def attempt(folder: Path, case: Case, _: random.Random) -> bool:
    """Load a model, and predict with it."""
    path = folder / "foreign"
    shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)
    for name, data in case.files.items():
        place = path / name if name else path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    try:
        model = load_foreign(path, **case.options)
    except ModelFileError as error:
        assert "foreign" in str(error), f"The message names no file: {error}"
        return False
    except ConfigError as error:  # of a sound model that would not be exact here
        str(error)
        return False
    rows = Rows(
        np.array([0, 2], np.int64),
        np.array([0, 1], np.uint32),
        np.array([1, 0.5], np.float32),
        np.array([0, 1], np.uint16),
    )
    try:
        model.predict(rows, n_threads=1)
        if isinstance(model, Posterior):
            model.intervals(rows, n_threads=1)
    except FieldfareError as error:
        str(error)
    return True
