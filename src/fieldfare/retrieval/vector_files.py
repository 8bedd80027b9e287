"""Vectors as files that other engines read: Parquet, NumPy, faiss and SQL."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from fieldfare._arguments import checked
from fieldfare._files import STREAM
from fieldfare._optional import require
from fieldfare._typing import AnyArray, PathLike
from fieldfare._validation import OneOf, check
from fieldfare.exceptions import ConfigError
from fieldfare.retrieval.vectors import Vectors
from fieldfare.sources.write import open_output, table_writer, vector_table

_BLOCK = 8192
# The longest name that PostgreSQL keeps, in bytes.
_LONGEST_NAME = 63
_NAMES = ("vector", "constant", "scale")
# Operator classes of pgvector, by form: what is compared is the same, but for the sign.
_OPERATORS = {"inner": "vector_ip_ops", "unit": "vector_cosine_ops"}


@checked
def write_vectors(
    vectors: Vectors, path: PathLike, kind: str | None = None, table: str | None = None
) -> None:
    """Write vectors to a file, which appears under its name only when it is complete.

    Parameters
    ----------
    vectors : Vectors
    path : path or "-"
    kind : {"parquet", "npz", "faiss", "pgvector", "postgres"}, optional
        By default what the extension stands for: ``.parquet``, ``.npz``, ``.faiss``, or ``.sql``
        for ``pgvector``.

        - ``parquet``: the ids, and ``vector`` as lists of equal length, with constants and scales
          of users; the description is in the metadata of the file, as JSON under ``fieldfare``.
        - ``npz``: arrays ``ids``, ``vectors``, ``constant`` and ``scale`` of users, and
          ``description`` (JSON).
        - ``faiss``: an exact index of inner products with the ids, which must be whole numbers.
        - ``pgvector``: SQL for ``psql`` with the extension pgvector, and an HNSW index.
        - ``postgres``: SQL for ``psql`` without an extension: vectors are ``real[]``, and a
          function ``inner_product`` compares them all.
    table : str, optional
        Name of the SQL table; by default ``item_vectors`` or ``user_vectors``.

    Raises
    ------
    ConfigError
        If the extension is of no kind, or the ids do not fit the kind.
    MissingDependencyError
        If pyarrow or faiss is needed and not installed.
    OutputError
        If the file cannot be written; nothing is left behind.
    """
    kind = kind_of(path) if kind is None else kind
    check("kind", kind, OneOf(tuple(_WRITERS)), "write_vectors")
    table = f"{vectors.side}_vectors" if table is None else table
    _check_name(table)
    if kind != "npz" and vectors.column in _NAMES:
        raise ConfigError(
            f"The column of ids, {vectors.column!r}, has the name of another column of such files: "
            f"{', '.join(_NAMES)}. Rename it before training, or write an .npz file."
        )
    _WRITERS[kind](vectors, path, table)


def kind_of(path: PathLike) -> str:
    """Return the kind of file that an extension stands for.

    Raises
    ------
    ConfigError
        If it stands for none.
    """
    extension = os.path.splitext(os.fspath(path))[1].lower()
    if extension not in _EXTENSIONS:
        raise ConfigError(
            f"Vectors are written to files that end in {', '.join(_EXTENSIONS)}, or say the kind. "
            f"Got {os.fspath(path)!r}."
        )
    return _EXTENSIONS[extension]


def _check_name(table: str) -> None:
    if not 0 < len(table.encode("utf-8", "replace")) <= _LONGEST_NAME or "\0" in table:
        raise ConfigError(
            f"The name of a table must have 1 to {_LONGEST_NAME} bytes. Got {table!r}."
        )


def _write_parquet(vectors: Vectors, path: PathLike, _: str) -> None:
    metadata = {"fieldfare": json.dumps(vectors.description)}
    with table_writer(path, "parquet") as write:
        for part in _parts(vectors):
            columns = {vectors.column: vectors.ids[part]}
            columns |= {name: array[part] for name, array in vectors.numbers.items()}
            write(vector_table(columns, vectors.values[part], metadata))


def _write_npz(vectors: Vectors, path: PathLike, _: str) -> None:
    description = np.array(json.dumps(vectors.description))
    arrays: dict[str, Any] = {"ids": vectors.ids, "vectors": vectors.values, **vectors.numbers}
    with open_output(path) as file:
        # To a buffer first: zip files are written with seeks, which standard output has not.
        target: Any = io.BytesIO() if path == STREAM else file
        np.savez(target, description=description, **arrays)
        if path == STREAM:
            file.write(target.getbuffer())


def _write_faiss(vectors: Vectors, path: PathLike, _: str) -> None:
    faiss = require("faiss", "ann")
    if vectors.ids.dtype.kind != "i":
        raise ConfigError(
            f"The ids of faiss are whole numbers, but those of {vectors.column!r} are texts. Write "
            "Parquet or NumPy files, which have the ids in the order of the vectors."
        )
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.dimension))
    index.add_with_ids(vectors.values, np.ascontiguousarray(vectors.ids))
    with open_output(path) as file:
        file.write(faiss.serialize_index(index).data)


def _write_pgvector(vectors: Vectors, path: PathLike, table: str) -> None:
    name, index = _quoted(table), _quoted(f"{table[: _LONGEST_NAME - 12]}_nearest")
    before = "CREATE EXTENSION IF NOT EXISTS vector;\n"
    after = (
        f"DROP INDEX IF EXISTS {index};\n"
        f"CREATE INDEX {index} ON {name} USING hnsw (vector {_OPERATORS[vectors.form]});\n"
        if vectors.side == "item"
        else ""
    )
    _write_sql(vectors, path, table, f"vector({vectors.dimension})", ("[", "]"), before, after)


def _write_postgres(vectors: Vectors, path: PathLike, table: str) -> None:
    before = (
        "CREATE OR REPLACE FUNCTION inner_product(a real[], b real[]) RETURNS double precision\n"
        "  LANGUAGE sql IMMUTABLE PARALLEL SAFE\n"
        "  AS 'SELECT sum(x::double precision * y) FROM unnest(a, b) AS pair(x, y)';\n"
    )
    _write_sql(vectors, path, table, "real[]", ("{", "}"), before, "")


def _write_sql(
    vectors: Vectors,
    path: PathLike,
    table: str,
    type_: str,
    brackets: tuple[str, str],
    before: str,
    after: str,
) -> None:
    """Write SQL that replaces a table in one transaction, so that readers see all of it or none."""
    name, own = _quoted(table), _quoted(vectors.column)
    ids = "bigint" if vectors.ids.dtype.kind == "i" else "text"
    numbers = "".join(f", {name} real NOT NULL" for name in vectors.numbers)
    comment = json.dumps(vectors.description).replace("'", "''")
    head = (
        f"BEGIN;\n{before}DROP TABLE IF EXISTS {name};\n"
        f"CREATE TABLE {name} ({own} {ids} PRIMARY KEY{numbers}, vector {type_} NOT NULL);\n"
        f"COMMENT ON TABLE {name} IS '{comment}';\n"
        f"COPY {name} FROM stdin;\n"
    )
    with open_output(path) as file:
        file.write(head.encode())
        for part in _parts(vectors):
            _write_lines(file, vectors, part, brackets)
        file.write(f"\\.\n{after}COMMIT;\n".encode())


def _write_lines(file: BinaryIO, vectors: Vectors, part: slice, brackets: tuple[str, str]) -> None:
    """Write rows as COPY reads them: cells between tabs, each number so that it reads back."""
    left, right = brackets
    columns = [list(map(_copy_text, vectors.ids[part].tolist()))]
    columns += [_texts(array[part]) for array in vectors.numbers.values()]
    rows = [f"{left}{','.join(_texts(row))}{right}" for row in vectors.values[part]]
    lines = ("\t".join(cells) + "\n" for cells in zip(*columns, rows, strict=True))
    file.write("".join(lines).encode())


def _copy_text(value: Any) -> str:
    text = str(value).replace("\\", "\\\\").replace("\t", "\\t")
    if "\0" in text:
        raise ConfigError(f"PostgreSQL cannot hold text with a zero byte. Got the id {value!r}.")
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _texts(numbers: AnyArray) -> list[str]:
    """Return float32 numbers as the shortest text that reads back the same."""
    texts: list[str] = numbers.astype("U").tolist()
    return texts


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _parts(vectors: Vectors) -> Iterator[slice]:
    yield from (slice(low, low + _BLOCK) for low in range(0, max(1, len(vectors)), _BLOCK))


_WRITERS: dict[str, Callable[[Vectors, PathLike, str], None]] = {
    "parquet": _write_parquet,
    "npz": _write_npz,
    "faiss": _write_faiss,
    "pgvector": _write_pgvector,
    "postgres": _write_postgres,
}
_EXTENSIONS = {".parquet": "parquet", ".npz": "npz", ".faiss": "faiss", ".sql": "pgvector"}
