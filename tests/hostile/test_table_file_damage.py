"""Damaged tables and archives: each is read or refused with our error, and nothing else happens."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import random
import warnings
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fieldfare.data.loading import load
from fieldfare.exceptions import DataError

N_ROWS = 40
N_DAMAGED = 60
SAMPLES = [
    {"c": f"word{i % 5}", "i": i, "x": i / 4, "l": ["a", "b"], "s": {"p": i % 3}, "y": i % 2}
    for i in range(N_ROWS)
]


def packed(write: str) -> bytes:
    table = pa.Table.from_pylist(SAMPLES)
    table = table.append_column("d", table.column("c").dictionary_encode())
    lines = "".join(json.dumps(row) + "\n" for row in SAMPLES).encode()
    file = io.BytesIO()
    if write == "parquet":
        pq.write_table(table, file, row_group_size=15)
    elif write == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("a.jsonl", "b.jsonl"):
                archive.writestr(name, lines)
    elif write in ("file", "stream"):
        new = pa.ipc.new_file if write == "file" else pa.ipc.new_stream
        with new(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=15)
    else:
        pack = {"jsonl": bytes, "xz": lzma.compress, "bz2": bz2.compress}[write]
        file.write(pack(lines))
    return file.getvalue()


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Change, cut out, double or cut off some bytes."""
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at, length = rng.randrange(len(found)), rng.randrange(1, 20)
        change = rng.randrange(5)
        if change == 0:
            found[at] ^= 1 << rng.randrange(8)
        elif change == 1:
            found[at : at + 4] = rng.choice([b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", bytes(4)])
        elif change == 2:
            del found[at : at + length]
        elif change == 3:
            found[at:at] = found[at : at + length]
        else:
            del found[at + 1 :]
    return bytes(found)


@pytest.mark.parametrize("write", ["parquet", "file", "stream", "jsonl", "zip", "xz", "bz2"])
def test_damage_is_refused_or_harmless(tmp_path: Path, write: str) -> None:
    content, rng = packed(write), random.Random(write)
    (tmp_path / "data").write_bytes(content)
    assert len(load(tmp_path / "data", target="y")) == N_ROWS * (2 if write == "zip" else 1)
    n_refused = 0
    for _ in range(N_DAMAGED):
        (tmp_path / "data").write_bytes(damaged(content, rng))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                load(tmp_path / "data", target="y", cache=False).rows.validate()
            except DataError:
                n_refused += 1
    assert n_refused > N_DAMAGED // 4
