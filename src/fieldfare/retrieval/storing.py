"""A recommender in a folder: plain arrays, mapped into memory, and a header that names them.

==================  ==============================================================================
file                content
==================  ==============================================================================
``index.json``      format number, digests of the models, calibration, and the name of each file
``*.npy``           item vectors, ids, features of items and users, history
``*.faiss``         the inverted file of an approximate index
==================  ==============================================================================

Files get new names each time. Once they are complete, the header is replaced atomically, and the
files named by the old header are removed. A process that has them mapped can still use them.
Nothing else in the folder is touched.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fieldfare._files import atomic_write
from fieldfare._typing import JSON, AnyArray, PathLike
from fieldfare.exceptions import ModelFileError
from fieldfare.kernels.checksum import Checksum
from fieldfare.models.base import Model
from fieldfare.retrieval.approximate import Calibration, Neighbours
from fieldfare.retrieval.id_map import IdMap
from fieldfare.retrieval.index import Index
from fieldfare.retrieval.roles import QUERY, FeatureSides
from fieldfare.retrieval.splitting import split
from fieldfare.retrieval.state import SeenItems, State
from fieldfare.retrieval.towers import Tower
from fieldfare.rows import Rows

FORMAT = 1
HEADER = "index.json"
# What reading a damaged file may raise.
_DAMAGE = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
_TYPES = {"vectors": "float32", "alive": "bool", "seen.indptr": "int64", "seen.ids": "uint32"}
_LABELS = ("ids", "people", "seen.users", "seen.items")


def save(state: State, folder: PathLike, n_candidates: int) -> None:
    """Write a state to a folder, which is created if it does not exist."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    before = _named_files(target)
    token = secrets.token_hex(4)
    files: dict[str, str] = {}
    for name, array in _arrays(state).items():
        files[name] = f"{name}-{token}.npy"
        with open(target / files[name], "wb") as file:
            np.save(file, array, allow_pickle=False)
    near = state.index.neighbours
    if near is not None:
        files["neighbours"] = f"neighbours-{token}.faiss"
        near.save(target / files["neighbours"])
    towers = [state.tower] if state.ranker is None else [state.tower, state.ranker]
    header = {
        "format": FORMAT,
        "n_candidates": n_candidates,
        "models": [_digest(tower.model) for tower in towers],
        "roles": [_roles(tower) for tower in towers],
        "columns": [list(tower.user_columns) for tower in towers],
        "ids": [state.tower.user, state.tower.item],
        "calibration": None if near is None else near.calibration.to_json(),
        "bound": None if near is None else near.bound,
        "files": files,
    }
    with atomic_write(target / HEADER) as file:
        file.write(json.dumps(header, indent=1).encode())
    for name in before:
        (target / name).unlink(missing_ok=True)


def _named_files(folder: Path) -> list[str]:
    """Return the names of the files of the recommender in a folder; none if there is none."""
    try:
        names = [str(name) for name in _header(folder)["files"].values()]
    except (ModelFileError, LookupError, TypeError, AttributeError):
        return []
    # A damaged header must not make us remove files outside the folder.
    return [name for name in names if name == Path(name).name]


def load(folder: PathLike, model: Model, ranker: Model | None) -> tuple[State, int]:
    """Return the state in a folder and its number of candidates.

    Raises
    ------
    ModelFileError
        If the folder holds no recommender, is damaged, or was made for other models.
    """
    source = Path(folder)
    header = _header(source)
    models = [model] if ranker is None else [model, ranker]
    try:
        made_for = list(header["models"])
        arrays = {
            name: np.load(source / file, mmap_mode="r", allow_pickle=False)
            for name, file in header["files"].items()
            if file.endswith(".npy")
        }
        if made_for == [_digest(one) for one in models]:
            _check_arrays(arrays)
            near = _neighbours(source, header, arrays["vectors"].shape[1])
            return _state(header, arrays, near, models), _positive(header["n_candidates"])
    except _DAMAGE as error:
        raise ModelFileError(
            f"{source} is damaged or incomplete ({error}). Build it again from the model."
        ) from error
    raise ModelFileError(
        f"{source} was made for {len(made_for)} model(s), but not for the {len(models)} given, so "
        "its vectors do not fit. Build it again, or load the model that it was made from."
    )


def _header(source: Path) -> JSON:
    try:
        header: JSON = json.loads((source / HEADER).read_bytes())
        number = header["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{source} holds no index: {HEADER} is missing or damaged. Make one with "
            "Recommender.save or 'fieldfare recommend index'."
        ) from error
    if number != FORMAT:
        raise ModelFileError(
            f"{source} has format {number}, but this version reads only {FORMAT}. Build it again "
            "from the model."
        )
    return header


def _check_arrays(arrays: Mapping[str, AnyArray]) -> None:
    """Refuse arrays of the wrong type or length; `_rows` checks those of the features."""
    for name, expected in _TYPES.items():
        found = arrays[name]
        if found.dtype != expected or found.ndim != 1 + (name == "vectors"):
            raise ValueError(f"{name} is a {found.dtype} array of {found.ndim} dimensions")
    for name in _LABELS:
        if name in arrays and (arrays[name].dtype.kind not in "iU" or arrays[name].ndim != 1):
            raise ValueError(f"{name} holds no ids")
    indptr, ids = arrays["seen.indptr"], arrays["seen.ids"]
    if (
        len(indptr) != len(arrays["seen.users"]) + 1
        or indptr[0] != 0
        or indptr[-1] != len(ids)
        or (np.diff(indptr) < 0).any()
        or ids.max(initial=0) >= max(1, len(arrays["seen.items"]))
    ):
        raise ValueError("the arrays of its history do not match each other")


def _positive(number: object) -> int:
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"its number of candidates must be at least 1, and is {number!r}")
    return number


def _neighbours(source: Path, header: JSON, dimension: int) -> Neighbours | None:
    if header["calibration"] is None:
        return None
    path = source / header["files"]["neighbours"]
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is missing")
    near = Neighbours.load(
        path, float(header["bound"]), Calibration.from_json(header["calibration"])
    )
    if near.inverted.d != dimension + 1:
        raise ValueError(f"{path.name} has vectors of length {near.inverted.d - 1}")
    return near


def _state(
    header: JSON, arrays: Mapping[str, AnyArray], near: Neighbours | None, models: list[Model]
) -> State:
    towers = []
    for number, (model, roles) in enumerate(zip(models, header["roles"], strict=True)):
        towers.append(
            Tower(
                FeatureSides.of(model, roles),
                header["ids"][0],
                header["ids"][1],
                _rows(arrays, f"items{number}"),
                _rows(arrays, f"users{number}") if f"users{number}.indptr" in arrays else None,
                tuple(header["columns"][number]),
            )
        )
    user_ids = arrays.get("people")
    n_users = None if user_ids is None else len(user_ids)
    index = Index(_plain(arrays["vectors"]), np.array(arrays["alive"]), near)
    seen = SeenItems(
        IdMap(arrays["seen.users"]),
        IdMap(arrays["seen.items"]),
        _plain(arrays["seen.indptr"]),
        _plain(arrays["seen.ids"]),
    )
    item_ids = IdMap(arrays["ids"])
    for tower in towers:
        if not len(item_ids) == len(index.alive) == len(index.vectors) == len(tower.items):
            raise ValueError("the arrays of its items differ in length")
        if n_users != (None if tower.users is None else len(tower.users)):
            raise ValueError("the arrays of its users differ in length")
        if not set(tower.user_columns) <= set(tower.sides.columns(QUERY)):
            raise ValueError("its columns are not those of the model")
    return State(
        index,
        item_ids,
        None if user_ids is None else IdMap(user_ids),
        seen,
        split(models[0], header["roles"][0]),
        towers[0],
        towers[1] if len(towers) > 1 else None,
    )


def _arrays(state: State) -> dict[str, AnyArray]:
    arrays = {
        "vectors": state.index.vectors,
        "alive": state.index.alive,
        "ids": state.item_ids.values,
        "seen.users": state.seen.users.values,
        "seen.items": state.seen.items.values,
        "seen.indptr": state.seen.indptr,
        "seen.ids": state.seen.ids,
    }
    if state.user_ids is not None:
        arrays["people"] = state.user_ids.values
    for number, tower in enumerate((state.tower, state.ranker)):
        for name, rows in (("items", tower and tower.items), ("users", tower and tower.users)):
            if rows is not None:
                # A copy, since a slice would bring the arrays of the rows it was taken from.
                own = Rows.concatenate([rows, rows.slice(0, 0)])
                for part in ("indptr", "indices", "values", "fields"):
                    array = getattr(own, part)
                    if array is not None:
                        arrays[f"{name}{number}.{part}"] = array
    return arrays


def _rows(arrays: Mapping[str, AnyArray], name: str) -> Rows:
    parts = {
        part: _plain(arrays[f"{name}.{part}"])
        for part in ("indptr", "indices", "values", "fields")
        if f"{name}.{part}" in arrays
    }
    rows = Rows(**parts)
    rows.validate()
    return rows


def _plain(array: AnyArray) -> AnyArray:
    """Return a memory-mapped array as an ordinary array over the same memory."""
    return np.asarray(array).view(np.ndarray)


def _roles(tower: Tower) -> dict[str, list[str]]:
    """Return the columns of each role, in the order of the Schema."""
    roles: dict[str, list[str]] = {}
    for column in tower.schema.columns:
        if column.role is not None:
            roles.setdefault(column.role, []).append(column.name)
    return roles


def _digest(model: Model) -> str:
    """Return a checksum of the model's parameters."""
    checksum = Checksum()
    for array in model.arrays().values():
        checksum.update(np.ascontiguousarray(array).data.cast("B"))
    return checksum.hexdigest()
