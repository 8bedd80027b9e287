"""Fixtures that all tests share."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets, which may not be redistributed and so live elsewhere."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data sets are not in {folder}")
    return folder


@pytest.fixture(autouse=True)
def _private_cache(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep the tests out of the user's cache folder."""
    monkeypatch.setenv("FIELDFARE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def pipe() -> Iterator[Callable[[bytes], str]]:
    """Return what feeds bytes to a pipe and returns its path, as ``<(...)`` does in a shell."""
    ends = []

    def feed(content: bytes) -> str:
        read, write = os.pipe()

        def work() -> None:
            with os.fdopen(write, "wb") as file:
                file.write(content)

        threading.Thread(target=work, daemon=True).start()
        ends.append(read)
        return f"/dev/fd/{read}"

    yield feed
    for end in ends:
        os.close(end)
