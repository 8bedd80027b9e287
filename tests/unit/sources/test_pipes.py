"""What is no regular file is read once, and whole: pipes, FIFOs, standard input, file objects."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldfare import inspect, predict
from fieldfare._files import create_temporary, temporary_name
from fieldfare.data.convert import convert
from fieldfare.data.loading import load, stream
from fieldfare.exceptions import DataError
from fieldfare.training.functions import train

N = 30_000  # more than a pipe holds
SVM = "".join(f"{i % 2} {i % 50}:1 {50 + i % 30}:1\n" for i in range(N))
CSV = "user,item,click\n" + "".join(f"u{i % 50},i{i % 30},{i // 7 % 2}\n" for i in range(N))
TEXTS = {"libsvm": SVM, "CSV": CSV}


class Unseekable(io.BytesIO):
    """A file object as sockets give it."""

    name = "<socket>"

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise OSError("not seekable")


def role(kind: str) -> dict[str, str]:
    return {"target": "click"} if kind == "CSV" else {}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_row_of_a_pipe_is_loaded(
    pipe: Callable[[bytes], str], tmp_path: Path, kind: str, pack: Callable[[bytes], bytes]
) -> None:
    text = TEXTS[kind].encode()
    (tmp_path / "file").write_bytes(text)
    expected = load(tmp_path / "file", **role(kind)).rows
    piped = load(pipe(pack(text)), **role(kind)).rows
    np.testing.assert_array_equal(piped.indices, expected.indices)
    np.testing.assert_array_equal(piped.target, expected.target)


@pytest.mark.parametrize("kind", TEXTS)
def test_every_command_reads_a_pipe_whole(
    pipe: Callable[[bytes], str], tmp_path: Path, kind: str
) -> None:
    text = TEXTS[kind].encode()
    result = train(pipe(text), max_iter=1, random_state=0, early_stopping=False, **role(kind))
    assert len(predict(result.model, pipe(text))) == N
    assert sum(map(len, stream(pipe(text), schema=result.model.schema))) == N
    assert inspect(pipe(text), **role(kind)).n_rows == N
    assert convert(pipe(text), tmp_path / "out.csv", "csv") == N
    more = train(pipe(text), model=result.model, max_iter=1, random_state=0, **role(kind))
    assert more.model.n_features == result.model.n_features


def test_pipes_in_a_list_are_read_in_order(pipe: Callable[[bytes], str]) -> None:
    paths = [pipe(b"1 0:1\n0 1:1\n"), pipe(b"0 2:1\n")]
    assert load(paths).rows.indices.tolist() == [0, 1, 2]


def test_a_fifo_is_read_once(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    threading.Thread(target=lambda: fifo.write_text(SVM), daemon=True).start()
    assert len(load(fifo)) == N


@pytest.mark.parametrize("kind", TEXTS)
def test_file_objects_that_cannot_seek_are_read_whole(kind: str) -> None:
    assert len(load(Unseekable(TEXTS[kind].encode()), **role(kind))) == N


def test_standard_input_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV.encode())))
    assert len(load("-", target="click")) == N


def test_faults_name_the_stream_and_the_line() -> None:
    bad = Unseekable(b"user,age,click\na,31,1\nb,old,0\nc,1.5,1\n")
    known = load({"user": ["a", "b"], "age": [31.5, 2], "click": [1, 0]}, target="click").schema
    with pytest.raises(DataError, match=r"<socket>:3:3: Column 'age': a number is needed here"):
        load(bad, schema=known)
    with pytest.raises(DataError, match="<socket> is empty"):
        load(Unseekable(b""))
    with pytest.raises(DataError, match="must be open in binary mode"):
        load(io.StringIO(CSV))


def test_no_copy_of_a_stream_stays_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    load(Unseekable(CSV.encode()), target="click")
    with pytest.raises(DataError):
        load(Unseekable(b"1 0:1\n1 zero:1\n"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no file that is open")
def test_copies_of_streams_of_killed_processes_are_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stale = temporary_name(tmp_path / "fieldfare-input")
    stale.write_text("left by a process that was killed")
    descriptor, in_use = create_temporary(tmp_path / "fieldfare-input", 0o600)
    load(Unseekable(CSV.encode()), target="click")
    os.close(descriptor)
    assert list(tmp_path.iterdir()) == [in_use]
