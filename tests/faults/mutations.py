"""Damage: to bytes, to what JSON holds, to arrays, and to containers whose checksums stay right."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from fieldfare import _container as container

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2, 3, 255, 2**31, 2**32, 2**63, 2**64, 10**40, 0.5, 1e308, "", "ffm"),
    *([], {}, [[]], ["a"], [0], "\ud800", "x" * 1000),
)
FOLDER_VALUES = (*ODD_VALUES, "../index.json", "/dev/zero", "index.json", 1e400, -0.0)
_NAMES = ("", "x", "bias", "linear", "factors", "schema.x")


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    """Flip one to four bits."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(data: bytes, rng: random.Random) -> bytes:
    """Cut off the end."""
    return data[: rng.randrange(len(data) + 1)]


def splice(data: bytes, rng: random.Random) -> bytes:
    """Copy one part over to another place."""
    start, stop = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    place = rng.randrange(len(data) + 1)
    return data[:place] + data[start:stop] + data[place:]


BYTES = (flip_bits, truncate, splice)
"""What can happen to any file."""


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, (dict, list)):
            yield from _paths(item, (*path, key))
        else:
            yield (*path, key)


def change_json(value: Any, rng: random.Random, odd: tuple[Any, ...] = ODD_VALUES) -> None:
    """Delete, rename or replace one entry of an object, anywhere in it."""
    *parents, last = rng.choice(list(_paths(value)))
    for key in parents:
        value = value[key]
    action = rng.randrange(4)
    if action == 0:
        del value[last]
    elif action == 1 and isinstance(value, dict):
        value[rng.choice(_NAMES)] = value[last]
    else:
        value[last] = rng.choice(odd)


def change_array(array: Any, rng: random.Random) -> Any:
    """Return an array of another shape or dtype, or with an odd value."""
    action = rng.randrange(8)
    if action == 0 or not array.size:
        kinds = ("float32", "int64", "uint32", "uint16", "bool", "<U3", "complex64", "float64")
        length = len(array) + 1 if array.ndim else 2
        shape = rng.choice([(0,), (1,), (0, 4), (3, 3), (length,), ()])
        return np.zeros(shape, rng.choice(kinds))
    changed = np.atleast_1d(array).copy()
    if action == 1:
        return changed[: rng.randrange(len(changed))]
    if action == 2:
        return np.concatenate([changed, changed[-1:]])
    if action == 3:
        return changed[::-1].copy()
    place = rng.randrange(len(changed))
    if action == 4:
        changed[place] = changed[rng.randrange(len(changed))]
    elif changed.dtype.kind == "f":
        with np.errstate(over="ignore"):
            changed[place] = rng.choice([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45])
    elif changed.dtype.kind == "U":
        changed.view(np.uint32)[place] = rng.choice([0, 0xD800, 0x110000, 2**32 - 1])
    elif changed.dtype.kind == "b":
        changed.view(np.uint8)[place] = rng.choice([0, 1, 2, 255])
    else:
        limits = np.iinfo(changed.dtype)
        odd = [limits.min, limits.max, 2**31, 2**16, len(changed), 0, 1, -1, 10**6]
        changed[place] = min(limits.max, max(limits.min, rng.choice(odd)))
    return changed


# --- containers ----------------------------------------------------------------------------------


def split_container(data: bytes) -> tuple[Any, bytes]:
    """Return the outer header of a container, and what follows it."""
    start = 8 + struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:start]), data[start:]


def join_container(outer: Any, body: bytes) -> bytes:
    """Return the container of a header and a body."""
    text = json.dumps(outer).encode()
    return struct.pack("<Q", len(text)) + text + body


def _arrays(outer: Any, body: bytes) -> dict[str, Any]:
    found = {}
    for name, entry in outer.items():
        if name != "__metadata__":
            start, stop = entry["data_offsets"]
            dtype = container.DTYPES[entry["dtype"]]
            found[name] = np.frombuffer(body[start:stop], dtype).reshape(entry["shape"])
    return found


def set_length(data: bytes, rng: random.Random) -> bytes:
    """Say that the outer header has another length."""
    length = rng.choice([0, 1, 2, len(data) - 8, len(data) - 7, len(data), 10**8, 2**63, 2**64 - 1])
    return struct.pack("<Q", length) + data[8:]


def change_outer(data: bytes, rng: random.Random) -> bytes:
    """Change the outer header."""
    outer, body = split_container(data)
    change_json(outer, rng)
    return join_container(outer, body)


def change_header(data: bytes, rng: random.Random) -> bytes:
    """Change the inner header, with a valid checksum."""
    outer, body = split_container(data)
    key = next(name for name in outer["__metadata__"] if name != container.CHECKSUM)
    header = json.loads(outer["__metadata__"][key])
    change_json(header, rng)
    text = json.dumps(header)
    total = container.checksum(text, _arrays(outer, body))
    outer["__metadata__"] = {key: text, container.CHECKSUM: total}
    return join_container(outer, body)


def change_one_array(data: bytes, rng: random.Random) -> bytes:
    """Change, drop, double or swap an array, with a valid checksum."""
    outer, body = split_container(data)
    key = next(name for name in outer["__metadata__"] if name != container.CHECKSUM)
    arrays = _arrays(outer, body)
    name = rng.choice(sorted(arrays))
    action = rng.randrange(8)
    if action == 0:
        del arrays[name]
    elif action == 1:
        arrays[rng.choice([*_NAMES, *arrays])] = arrays[name]
    else:
        changed = change_array(arrays[name], rng)
        known = changed.dtype in container.DTYPES.values()
        arrays[name] = changed if known else np.zeros(changed.shape, arrays[name].dtype)
    text = outer["__metadata__"][key]
    return _container_of(key, text, arrays)


def _container_of(key: str, text: str, arrays: dict[str, Any]) -> bytes:
    """Return a container with a valid checksum."""
    total = container.checksum(text, arrays)
    outer: Any = {"__metadata__": {key: text, container.CHECKSUM: total}}
    codes = {dtype: code for code, dtype in container.DTYPES.items()}
    body = b""
    for name in sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name)):
        data = np.ascontiguousarray(arrays[name]).tobytes()
        outer[name] = {
            "dtype": codes[arrays[name].dtype],
            "shape": list(arrays[name].shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    return join_container(outer, body)


CONTAINERS = (*BYTES, set_length, change_outer, change_header, change_header, change_one_array,
              change_one_array)  # fmt: skip
"""What can happen to a model, a posterior or a checkpoint."""
