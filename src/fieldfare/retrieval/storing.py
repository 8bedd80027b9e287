"""A recommender as a header and arrays, written to a folder and read again with every check.

`fieldfare.retrieval.folder` writes and reads the files, `fieldfare.retrieval.verifying` checks what
they hold. Of an approximate index the cells are stored, from which faiss makes its own structure
again: no file of faiss is ever read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fieldfare._typing import AnyArray, PathLike
from fieldfare.exceptions import ConfigError, DataError, ModelFileError
from fieldfare.models.base import Model
from fieldfare.retrieval import folder as files
from fieldfare.retrieval.approximate import Neighbours
from fieldfare.retrieval.folding import FoldedUsers
from fieldfare.retrieval.id_map import IdMap
from fieldfare.retrieval.index import Index
from fieldfare.retrieval.item_columns import ItemColumns
from fieldfare.retrieval.layered import LayeredArray, LayeredRows
from fieldfare.retrieval.roles import QUERY, FeatureSides, checksum_of
from fieldfare.retrieval.seen import SeenItems
from fieldfare.retrieval.splitting import split
from fieldfare.retrieval.state import State
from fieldfare.retrieval.towers import Tower
from fieldfare.retrieval.verifying import (
    CELL_ARRAYS,
    ID_ARRAYS,
    ROW_ARRAYS,
    Header,
    check_arrays,
    check_distinct,
    check_rows,
)
from fieldfare.rows import Rows
from fieldfare.schema import compose


def save(state: State, folder: PathLike, n_candidates: int) -> None:
    """Write a state to a folder, which is created if it does not exist.

    Raises
    ------
    ModelFileError
        If it cannot be written; what was in the folder is then still whole.
    """
    header, arrays = _parts(state, n_candidates)
    files.write(Path(folder), header.to_json(), arrays)


class Packed(NamedTuple):
    """A recommender as plain values, to be pickled."""

    header: Header
    arrays: dict[str, AnyArray]
    models: list[Model]


def pack(state: State, n_candidates: int) -> Packed:
    """Return what `unpack` makes the same state of."""
    return Packed(*_parts(state, n_candidates), [tower.model for tower in state.towers])


def unpack(packed: Packed) -> tuple[State, int]:
    """Return the state that was packed, and its number of candidates."""
    header, arrays, models = packed
    return _state(header, arrays, models), header.n_candidates


def _parts(state: State, n_candidates: int) -> tuple[Header, dict[str, AnyArray]]:
    state = state.settled()
    near = state.index.neighbours
    towers = state.towers
    header = Header(
        int(n_candidates),
        tuple(tower.sides.checksum for tower in towers),
        tuple(_roles(tower) for tower in towers),
        tuple(tuple(tower.user_columns) for tower in towers),
        (state.tower.user, state.tower.item),
        state.index.calibration,
        None if near is None else near.bound,
    )
    return header, _arrays(state)


def load(folder: PathLike, model: Model, ranker: Model | None) -> tuple[State, int]:
    """Return the state in a folder and its number of candidates.

    Raises
    ------
    ModelFileError
        If the folder holds no recommender, is damaged, or was made for other models.
    MissingDependencyError
        If the index is approximate and faiss is not installed.
    ResourceError
        If it does not fit into memory.
    """
    source = Path(folder)
    raw, arrays = files.read(source)
    models = [model] if ranker is None else [model, ranker]
    try:
        header = Header.from_json(raw)
        if list(header.models) == [checksum_of(one) for one in models]:
            check_arrays(arrays, header)
            return _state(header, arrays, models), header.n_candidates
    except (ConfigError, DataError, ModelFileError) as error:
        raise files.damaged(source, str(error.args[0]).rstrip(".")) from error
    wanted = ("one model", "a model and a ranker")[len(header.models) - 1]
    given = "this one" if ranker is None else "these two"
    raise ModelFileError(
        f"{source} was made from {wanted}, but not from {given}, so its vectors do not fit. Load "
        "what it was made from, or build the index again."
    )


def _state(header: Header, arrays: Mapping[str, AnyArray], models: Sequence[Model]) -> State:
    ids = {name: IdMap(arrays[name]) for name in ID_ARRAYS if name in arrays}
    check_distinct(ids, arrays["alive"])
    towers = [_tower(header, arrays, number, model) for number, model in enumerate(models)]
    people = ids.get("people")
    for tower in towers:
        if len(tower.items) != len(arrays["ids"]):
            raise ModelFileError("the arrays of its items differ in length")
        if (None if people is None else len(people)) != (
            None if tower.users is None else len(tower.users)
        ):
            raise ModelFileError("the arrays of its users differ in length")
    parts = split(models[0], header.roles[0])
    if arrays["vectors"].shape[1] != parts.dimension:
        raise ModelFileError(f"the model has vectors of length {parts.dimension}")
    near = None
    measured = header.calibration if header.bound is None else None
    if header.calibration is not None and header.bound is not None:
        cells = {part: arrays[f"cells.{part}"] for part in CELL_ARRAYS}
        near = Neighbours.from_arrays(cells, arrays["vectors"], header.bound, header.calibration)
    seen = SeenItems(
        ids["seen.users"], ids["seen.items"], arrays["seen.indptr"], arrays["seen.ids"]
    )
    folded = FoldedUsers()
    if "folded.ids" in ids:
        folded = FoldedUsers(ids["folded.ids"], LayeredArray(arrays["folded.vectors"]))
    alive = arrays["alive"]
    item_ids = ids["ids"].without(np.flatnonzero(~alive & ids["ids"].in_use()))
    return State(
        Index(arrays["vectors"], alive, near, measured),
        item_ids,
        people,
        ItemColumns(_table(arrays["columns"], len(alive)), towers[0].schema),
        seen,
        item_ids.places(seen.items.values),
        parts,
        towers[0],
        towers[1] if len(towers) > 1 else None,
        folded=folded,
    )


def _tower(header: Header, arrays: Mapping[str, AnyArray], number: int, model: Model) -> Tower:
    sides = FeatureSides.of(model, header.roles[number])
    items = _rows(arrays, f"items{number}", sides)
    users = _rows(arrays, f"users{number}", sides)
    columns = header.columns[number]
    known = sides.columns(QUERY)
    if items is None or not set(columns) <= set(known) or (users is None and columns):
        raise ModelFileError("its columns are not those of the model")
    if number == 0 and users is None and header.ids[0] not in known:
        raise ModelFileError(f"the model has no column {header.ids[0]!r:.60} of users")
    own = None if users is None else LayeredRows(users)
    return Tower(sides, *header.ids, items, own, columns)


def _table(data: AnyArray, n_places: int) -> Any:
    """Return the columns of the items, one row per place."""
    table = compose.from_bytes(data)
    if table is None or table.num_rows != n_places:
        raise ModelFileError("the columns of its items are damaged, or differ in length")
    return table


def _rows(arrays: Mapping[str, AnyArray], name: str, sides: FeatureSides) -> Rows | None:
    """Return the features of items or users; None if there are none."""
    parts = {part: arrays.get(f"{name}.{part}") for part in ROW_ARRAYS}
    if all(array is None for array in parts.values()):
        return None
    for part in ("indptr", "indices"):
        if parts[part] is None:
            raise ModelFileError(f"the array {name}.{part} is missing")
    rows = Rows(**parts)  # type: ignore[arg-type]
    check_rows(rows, name, sides.model.schema)
    return rows


def _arrays(state: State) -> dict[str, AnyArray]:
    arrays = {
        "vectors": state.index.vectors,
        "alive": state.index.alive,
        "ids": state.item_ids.values,
        "seen.users": state.seen.users.values,
        "seen.items": state.seen.items.values,
        "seen.indptr": state.seen.indptr,
        "seen.ids": state.seen.ids,
        "columns": compose.to_bytes(state.columns.table),
    }
    if state.user_ids is not None:
        arrays["people"] = state.user_ids.values
    if state.folded:
        arrays["folded.ids"] = state.folded.ids.values
        arrays["folded.vectors"] = state.folded.vectors.all()
    if state.index.neighbours is not None:
        cells = state.index.neighbours.arrays()
        arrays |= {f"cells.{part}": array for part, array in cells.items()}
    for number, tower in enumerate(state.towers):
        users = None if tower.users is None else tower.users.all()
        for name, rows in (("items", tower.items), ("users", users)):
            if rows is not None:
                # A copy, since a slice would bring the arrays of the rows it was taken from.
                own = Rows.concatenate([rows, rows.slice(0, 0)])
                for part in ROW_ARRAYS:
                    array = getattr(own, part)
                    if array is not None:
                        arrays[f"{name}{number}.{part}"] = array
    return arrays


def _roles(tower: Tower) -> dict[str, list[str]]:
    """Return the columns of each role, in the order of the Schema."""
    roles: dict[str, list[str]] = {}
    for column in tower.schema.columns:
        if column.role is not None:
            roles.setdefault(column.role, []).append(column.name)
    return roles
