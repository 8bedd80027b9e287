"""The container: round trips, agreement with the safetensors library, atomic writing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.examples import examples

from fieldfare import _container as container
from fieldfare._files import atomic_write
from fieldfare.exceptions import ModelFileError, OutputError

ARRAYS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.arange(3, dtype=np.int64),
    "flag": np.array([True, False]),
    "empty": np.zeros((0, 4), np.uint16),
    "scalar": np.array(2.5),
}


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        a.dtype == second[name].dtype
        and a.shape == second[name].shape
        and a.tobytes() == second[name].tobytes()
        for name, a in first.items()
    )


def test_round_trip(tmp_path: Path) -> None:
    container.write(tmp_path / "x", "kind", "{}", ARRAYS)
    metadata, arrays = container.read(tmp_path / "x")
    assert metadata == {"kind": "{}", "checksum": container.checksum("{}", ARRAYS)}
    assert same(arrays, ARRAYS)
    for array in arrays.values():
        assert array.flags.aligned
        assert not array.flags.writeable


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5).filter(lambda s: s != "__metadata__"),
        hnp.arrays(
            st.sampled_from(
                [np.dtype(d) for d in ("f4", "f8", "i8", "u1", "u2", "?", ">f4", ">i2")]
            ),
            hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        ),
        max_size=4,
    ),
    st.text(),
)
@examples(60)
def test_any_arrays_and_names_survive(tmp_path_factory, arrays, header: str) -> None:
    path = tmp_path_factory.mktemp("c") / "x"
    container.write(path, "kind", header, arrays)
    metadata, found = container.read(path)
    assert metadata["kind"] == header
    native = {name: a.astype(a.dtype.newbyteorder("=")) for name, a in arrays.items()}
    assert same(found, native)
    assert metadata["checksum"] == container.checksum(header, found)


def test_the_safetensors_library_reads_what_we_write(tmp_path: Path) -> None:
    container.write(tmp_path / "x", "kind", '{"a": "é"}', ARRAYS)
    assert same(safetensors.numpy.load_file(tmp_path / "x"), ARRAYS)
    with safetensors.safe_open(tmp_path / "x", framework="np") as file:
        assert file.metadata()["kind"] == '{"a": "é"}'


def test_we_read_what_the_safetensors_library_writes(tmp_path: Path) -> None:
    safetensors.numpy.save_file(ARRAYS, tmp_path / "x", metadata={"kind": "h"})
    metadata, arrays = container.read(tmp_path / "x")
    assert metadata == {"kind": "h"}
    assert same(arrays, ARRAYS)


def test_the_same_contents_give_the_same_bytes(tmp_path: Path) -> None:
    container.write(tmp_path / "x", "kind", "{}", ARRAYS)
    container.write(tmp_path / "y", "kind", "{}", dict(reversed(ARRAYS.items())))
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


def test_strided_arrays_are_stored_in_c_order(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4).T[::2]
    container.write(tmp_path / "x", "kind", "{}", {"a": array})
    np.testing.assert_array_equal(container.read(tmp_path / "x")[1]["a"], array)


@pytest.mark.parametrize("dtype", ["c8", "U3", "S2", "O", "M8[s]"])
def test_other_dtypes_are_refused(tmp_path: Path, dtype: str) -> None:
    with pytest.raises(ModelFileError, match="'a' has dtype"):
        container.write(tmp_path / "x", "kind", "{}", {"a": np.zeros(2, dtype)})
    assert list(tmp_path.iterdir()) == []


def test_too_large_a_header_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(container, "MAX_HEADER", 500)
    with pytest.raises(ModelFileError, match="at most 500 bytes"):
        container.write(tmp_path / "x", "kind", "x" * 500, {})
    assert list(tmp_path.iterdir()) == []


def test_arrays_at_odd_addresses_are_copied_into_place(tmp_path: Path) -> None:
    data = np.arange(3, dtype="<f4").tobytes()
    for pad in range(4):
        header = b'{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}' + b" " * pad
        path = tmp_path / f"pad{pad}"
        path.write_bytes(len(header).to_bytes(8, "little") + header + data)
        array = container.read(path)[1]["x"]
        assert array.flags.aligned
        assert array.tolist() == [0, 1, 2]


def test_arrays_outlive_the_replaced_file(tmp_path: Path) -> None:
    container.write(tmp_path / "x", "kind", "{}", {"a": np.ones(5000, np.float32)})
    _, arrays = container.read(tmp_path / "x")
    container.write(tmp_path / "x", "kind", "{}", {"a": np.zeros(5000, np.float32)})
    assert arrays["a"].all()
    assert not container.read(tmp_path / "x")[1]["a"].any()


class TestAtomicWrite:
    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"the folder .* does not exist"):
            container.write(tmp_path / "no" / "x", "kind", "{}", ARRAYS)
        assert list(tmp_path.iterdir()) == []

    def test_folder_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "x").mkdir()
        with pytest.raises(OutputError):
            container.write(tmp_path / "x", "kind", "{}", ARRAYS)
        assert list(tmp_path.iterdir()) == [tmp_path / "x"]

    @pytest.mark.parametrize("call", ["fsync", "replace"])
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
    def test_failures_leave_the_old_file(
        self, tmp_path: Path, monkeypatch, call: str, number: int
    ) -> None:
        path = tmp_path / "x"
        path.write_bytes(b"old")

        def fail(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, call, fail)
        with pytest.raises(OSError, match=os.strerror(number)):
            container.write(path, "kind", "{}", ARRAYS)
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]

    def test_disk_full_while_writing(self, tmp_path: Path, monkeypatch) -> None:
        path = tmp_path / "x"
        path.write_bytes(b"old")
        written = []

        def fail(file, array) -> None:
            written.append(file.write(b"part"))
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(container, "_write_array", fail)
        with pytest.raises(OSError, match="No space left"):
            container.write(path, "kind", "{}", ARRAYS)
        assert written
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
    def test_a_really_full_device(self, tmp_path: Path, monkeypatch) -> None:
        real = os.open
        full = []

        def divert(path, flags, mode=0o777):
            if str(path).endswith(".tmp"):
                full.append(path)
                os.close(real(path, flags, mode))
                return real("/dev/full", os.O_WRONLY)
            return real(path, flags, mode)

        monkeypatch.setattr(os, "open", divert)
        with pytest.raises(OSError, match="No space left"):
            container.write(tmp_path / "x", "kind", "{}", {"a": np.zeros(100_000)})
        assert full
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_without_permission(self, tmp_path: Path) -> None:
        folder = tmp_path / "closed"
        folder.mkdir()
        folder.chmod(0o500)
        try:
            if os.access(folder, os.W_OK):
                pytest.skip("this user may write anywhere")
            with pytest.raises(OutputError):
                container.write(folder / "x", "kind", "{}", ARRAYS)
            assert list(folder.iterdir()) == []
        finally:
            folder.chmod(0o700)

    def test_interrupt_leaves_nothing(self, tmp_path: Path) -> None:
        def interrupted() -> None:
            with atomic_write(tmp_path / "x") as file:
                file.write(b"part")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert list(tmp_path.iterdir()) == []

    def test_links_and_permissions_stay(self, tmp_path: Path) -> None:
        (tmp_path / "real").write_bytes(b"old")
        (tmp_path / "real").chmod(0o640)
        (tmp_path / "link").symlink_to("real")
        with atomic_write(tmp_path / "link") as file:
            file.write(b"new")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "real").read_bytes() == b"new"
        assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640

    @pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="there is no /dev/fd")
    def test_a_pipe_is_written_to(self) -> None:
        reader, writer = os.pipe()
        with atomic_write(f"/dev/fd/{writer}") as file:
            file.write(b"new")
        os.close(writer)
        with open(reader, "rb") as file:
            assert file.read() == b"new"

    def test_long_names(self, tmp_path: Path) -> None:
        with atomic_write(tmp_path / ("x" * 250)) as file:
            file.write(b"new")
        assert len(list(tmp_path.iterdir())) == 1
