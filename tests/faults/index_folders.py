"""Index folders: valid ones, what can happen to them, and what is done with a recommender."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tests.faults import mutations

import fieldfare
from fieldfare._checksum import Checksum
from fieldfare.exceptions import FieldfareError
from fieldfare.models.base import Model
from fieldfare.retrieval import Recommender
from fieldfare.retrieval.approximate import is_installed

Files = dict[str, bytes]
Case = tuple[Files, list[Model]]

HEADER = "index.json"
N_USERS, N_ITEMS = 20, 60
USERS = {"user": [f"u{i}" for i in range(N_USERS)], "age": [20.5 + i for i in range(N_USERS)]}
ITEMS = {
    "item": [f"i{i}" for i in range(N_ITEMS)],
    "genre": [("drama", "crime", "comedy")[i % 3] for i in range(N_ITEMS)],
}


def digest(data: bytes) -> str:
    """Return the checksum that a file is named by."""
    checksum = Checksum()
    checksum.update(data)
    return checksum.hexdigest()


def seal(header: Any) -> bytes:
    """Return a header as bytes, with the checksum that belongs to it."""
    if isinstance(header, dict):
        rest = {key: value for key, value in header.items() if key != "checksum"}
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
        header = rest | {"checksum": digest(text.encode())}
    return json.dumps(header).encode()


def npy(array: Any) -> bytes:
    """Return an array as NumPy writes it."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def replace_file(files: Files, name: str, data: bytes) -> Files:
    """Return a folder with another file for one array, and all checksums as they should be."""
    header = json.loads(files[HEADER])
    changed = {file: old for file, old in files.items() if file != header["files"][name]}
    header["files"][name] = f"{name}-{digest(data)}.npy"
    return changed | {header["files"][name]: data, HEADER: seal(header)}


def read_folder(folder: Path) -> Files:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder of these files, in place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def make_models() -> list[Model]:
    """Return a model that recalls and one that ranks."""
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, N_USERS, 400), rng.integers(0, N_ITEMS, 400)
    table = {
        "user": [USERS["user"][i] for i in user],
        "age": [USERS["age"][i] for i in user],
        "item": [ITEMS["item"][i] for i in item],
        "genre": [ITEMS["genre"][i] for i in item],
        "hour": rng.choice(["noon", "night"], 400).tolist(),
        "y": rng.integers(0, 2, 400).astype(float).tolist(),
    }
    common: dict[str, Any] = {"target": "y", "task": "regression", "random_state": 0, "n_jobs": 1}
    return [
        fieldfare.train(table, model=kind, n_factors=3, max_iter=1, **common).model
        for kind in ("fm", "ffm")
    ]


ROLES = {"user": ["user", "age"], "item": ["item", "genre"], "context": "hour"}
HISTORY = {"user": ["u1", "u1", "u2"], "item": ["i1", "i2", "i3"], "hour": ["noon"] * 3}


def seeds(work: Path) -> list[Case]:
    """Return valid folders, each with its models."""
    found, models, folder = [], make_models(), work / "seed.index"
    for kind in ("exact", "approximate") if is_installed() else ("exact",):
        for ranker in (None, models[1]):
            recommender = Recommender(
                models[0],
                ITEMS,
                users=USERS if ranker is None else None,
                history=HISTORY if ranker is None else None,
                roles=ROLES,
                index=kind,  # type: ignore[arg-type]
                ranker=ranker,
                n_candidates=20,
            )
            recommender.remove_items(["i5"])
            recommender.add_items({"item": ["i7", "new"], "genre": ["drama", "crime"]})
            recommender.remove_items("i9")
            recommender.save(folder)
            found.append((read_folder(folder), models if ranker else models[:1]))
    return found


def _any_file(change: Callable[[bytes, random.Random], bytes]) -> Any:
    def mutate(files: Files, rng: random.Random) -> Files:
        name = rng.choice(sorted(files))
        return files | {name: change(files[name], rng)}

    return mutate


def swap_files(files: Files, rng: random.Random) -> Files:
    one, other = rng.sample(sorted(files), 2)
    return files | {one: files[other], other: files[one]}


def swap_arrays(files: Files, rng: random.Random) -> Files:
    """Give one array the contents of another, with valid checksums."""
    header = json.loads(files[HEADER])
    one, other = rng.sample(sorted(header["files"]), 2)
    return replace_file(files, one, files[header["files"][other]])


def drop_file(files: Files, rng: random.Random) -> Files:
    name = rng.choice(sorted(files))
    return {file: data for file, data in files.items() if file != name}


def change_header(files: Files, rng: random.Random) -> Files:
    """Change the header, with a valid checksum or without."""
    header = json.loads(files[HEADER])
    for _ in range(rng.randint(1, 2)):
        mutations.change_json(header, rng, mutations.FOLDER_VALUES)
    sealed = seal(header) if rng.random() < 0.8 else json.dumps(header).encode()
    return files | {HEADER: sealed}


def nest_header(files: Files, rng: random.Random) -> Files:
    depth = rng.choice([10, 1000, 100_000])
    opening = rng.choice(["[", '{"a":', '{"format":2,"files":['])
    return files | {HEADER: (opening * depth).encode()}


def change_start(files: Files, rng: random.Random) -> Files:
    """Change what stands before an array, with valid checksums."""
    header = json.loads(files[HEADER])
    name = rng.choice(sorted(header["files"]))
    data = files[header["files"][name]]
    old, new = rng.choice(
        [
            (b"(", b"(" * 40),
            (b"'<", b"'>"),
            (b"'<f4'", b"'<f8'"),
            (b"'<f4'", b"'|O8'"),
            (b"False", b"True"),
            (b",)", b"00000000,)"),
            (b",)", b", 0)"),
            (b"(", b"(0, "),
            (b"(", b"(-"),
            (b"<U", b"<U9"),
            (b"\x93NUMPY\x01", b"\x93NUMPY\x03"),
        ]
    )
    return replace_file(files, name, data.replace(old, new, 1))


def change_array(files: Files, rng: random.Random) -> Files:
    """Change an array, with valid checksums."""
    header = json.loads(files[HEADER])
    name = rng.choice(sorted(header["files"]))
    array = np.load(io.BytesIO(files[header["files"][name]]))
    return replace_file(files, name, npy(mutations.change_array(array, rng)))


def _of_folder(change: Callable[[Files, random.Random], Files]) -> Any:
    """Return a mutation of the files of a case, which keeps its models."""

    def mutate(case: Case, rng: random.Random) -> Case:
        return change(case[0], rng), case[1]

    mutate.__name__ = getattr(change, "__name__", "change")
    return mutate


MUTATIONS: tuple[Callable[[Case, random.Random], Case], ...] = tuple(
    _of_folder(change)
    for change in (
        *map(_any_file, mutations.BYTES),
        *(swap_files, swap_arrays, drop_file, change_header, change_header, nest_header),
        *(change_start, change_array, change_array, change_array),
    )
)


def use(recommender: Recommender, folder: Path) -> None:
    """Do with a recommender whatever can be done; each refusal of ours is fine."""
    tasks: tuple[Callable[[], Any], ...] = (
        lambda: recommender.recommend(["u1", "u2", "nobody"], 5, contexts={"hour": "noon"}),
        lambda: recommender.recommend("u1", 40, where={"genre": "drama"}),
        lambda: recommender.similar_items("i1", 3),
        lambda: recommender.similar_users("u1", 3),
        lambda: recommender.explain("u1", "i1"),
        lambda: recommender.add_items({"item": ["i1", "i99"], "genre": ["drama", "none"]}),
        lambda: recommender.remove_items(["i2"]),
        lambda: recommender.add_history({"user": ["u1", "u9"], "item": ["i1", "i4"]}),
        lambda: recommender.recommend(["u1"], 5),
        lambda: recommender.save(folder),
    )
    for task in tasks:
        try:
            task()
        except FieldfareError:
            continue


def load_and_use(path: Path, models: list[Model]) -> bool:
    """Load a folder, and use what it holds; any unforeseen error goes through."""
    try:
        recommender = Recommender.load(path, *models)
    except FieldfareError as error:
        assert path.name in str(error), f"The message names no file: {error}"
        return False
    with np.errstate(all="ignore"):
        use(recommender, path)
    return True


def attempt(folder: Path, case: Case, _: random.Random) -> bool:
    """Write a folder, load and use it."""
    path = folder / "hostile.index"
    write_folder(path, case[0])
    return load_and_use(path, case[1])
