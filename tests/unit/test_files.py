"""Outputs never destroy inputs, and what killed writers leave is removed by the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fieldfare._files import (
    atomic_write,
    check_outputs,
    remove_stale,
    standard_output,
    temporary_folder,
    temporary_name,
)
from fieldfare.exceptions import ConfigError, OutputError

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


class TestOutputsAreNoInputs:
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("data").mkdir()
        for name in ("d.csv", "data/part.csv"):
            Path(name).write_text("a,b\n1,2\n")
        Path("link.csv").symlink_to("d.csv")
        os.link("d.csv", "hard.csv")

    @pytest.mark.parametrize(
        "output", ["d.csv", "./d.csv", "data/../d.csv", "link.csv", "hard.csv"]
    )
    @pytest.mark.parametrize(
        "source", ["d.csv", Path("d.csv"), ["data/part.csv", "d.csv"], "[de].csv", "link.csv"]
    )
    def test_the_same_file_by_any_name(self, output: str, source: Any) -> None:
        with pytest.raises(ConfigError, match="the same file"):
            check_outputs({"path": output}, {"source": source})

    def test_a_file_of_an_input_folder(self) -> None:
        with pytest.raises(ConfigError, match="data"):
            check_outputs({"path": "data/part.csv"}, {"source": "data"})
        with pytest.raises(ConfigError, match="data"):
            check_outputs({"path": "data"}, {"source": "data"})
        check_outputs({"path": "data/new.csv"}, {"source": "data"})

    def test_an_open_file(self) -> None:
        with open("d.csv", "rb") as file, pytest.raises(ConfigError, match="the same file"):
            check_outputs({"path": "d.csv"}, {"source": file})

    def test_standard_input_and_output(self) -> None:
        code = (
            "import sys\nfrom fieldfare._files import check_outputs\n"
            "check_outputs({'output': sys.argv[1]}, {'data': sys.argv[2]})"
        )
        for output, source, files in (
            ("d.csv", "-", {"stdin": "d.csv"}),
            ("-", "d.csv", {"stdout": "d.csv"}),
            ("/dev/stdout", "d.csv", {"stdout": "d.csv"}),
        ):
            opened = {name: open(path, "r+") for name, path in files.items()}  # noqa: SIM115
            ran = subprocess.run(
                [sys.executable, "-c", code, output, source],
                check=False,
                stderr=subprocess.PIPE,
                **opened,
            )
            for file in opened.values():
                file.close()
            assert b"the same file" in ran.stderr, output

    def test_two_outputs(self) -> None:
        with pytest.raises(ConfigError, match="the same file"):
            check_outputs({"output": "new.ff", "checkpoint": "./new.ff"}, {})

    def test_a_checkpoint_may_replace_the_one_it_continues(self) -> None:
        check_outputs({"checkpoint": "d.csv"}, {"resume": "d.csv"}, {"checkpoint": "resume"})
        with pytest.raises(ConfigError):
            check_outputs({"output": "d.csv"}, {"resume": "d.csv"}, {"checkpoint": "resume"})

    @pytest.mark.parametrize(
        "source",
        [
            None,
            {"a": [1]},
            [{"a": 1}],
            "no-such.csv",
            "a\0b",
            "x" * 9999,
            b"d.csv",
            3,
            [],
            os.devnull,
        ],
    )
    def test_what_is_no_file_passes(self, source: Any) -> None:
        outputs = {"path": "new.csv", "other": os.devnull}
        assert check_outputs(outputs, {"source": source}) is None


@posix
class TestSpecialFiles:
    def test_a_redirected_standard_output_is_appended_to(self, tmp_path: Path) -> None:
        code = (
            "from fieldfare._files import atomic_write\n"
            "print('before')\n"
            "with atomic_write('/dev/stdout') as file: file.write(b'middle\\n')\n"
            "print('after')"
        )
        with open(tmp_path / "log", "wb") as log:
            log.write(b"head\n")
            log.flush()
            subprocess.run([sys.executable, "-c", code], stdout=log, check=True)
        assert (tmp_path / "log").read_text() == "head\nbefore\nmiddle\nafter\n"

    def test_a_named_pipe_stays_one(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
        with atomic_write(pipe) as file:
            file.write(b"text")
        assert reader.communicate()[0] == b"text"
        assert pipe.is_fifo()

    def test_unbuffered_standard_output_is_written_whole_or_refused(self, tmp_path: Path) -> None:
        code = (
            "import resource\nfrom fieldfare._files import standard_output\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
            "with standard_output() as file: file.write(bytes(30000))"
        )
        with open(tmp_path / "out", "wb") as out:
            ran = subprocess.run(
                [sys.executable, "-u", "-c", code], check=False, stdout=out, stderr=subprocess.PIPE
            )
        assert ran.returncode != 0
        assert b"standard output cannot be written" in ran.stderr

    def test_a_closed_standard_output(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdout", None)
        with pytest.raises(OutputError, match="standard output"), standard_output():
            pass


class TestErrorsNameTheFile:
    @posix
    def test_a_full_disk(self, tmp_path: Path) -> None:
        if not os.path.exists("/dev/full"):
            pytest.skip("there is no /dev/full")
        said = pytest.raises(OutputError, match=r"/dev/full cannot be written: No space left")
        with said, atomic_write("/dev/full") as file:
            file.write(bytes(100_000))

    def test_a_missing_folder_and_a_folder(self, tmp_path: Path) -> None:
        for path in (tmp_path / "none" / "x", tmp_path):
            with pytest.raises(OutputError, match="cannot be written"), atomic_write(path):
                pass

    def test_names_of_255_bytes(self, tmp_path: Path) -> None:
        for name in ("n" * 255, "日" * 85, "😀" * 63):
            with atomic_write(tmp_path / name) as file:
                file.write(b"x")
            assert (tmp_path / name).read_bytes() == b"x"
            with temporary_folder(tmp_path / ("f" + name[1:])) as folder:
                assert folder.is_dir()
        assert len(list(tmp_path.iterdir())) == 3


KILLED = """
import sys, time
from pathlib import Path
from fieldfare._files import atomic_write, temporary_folder
target = Path(sys.argv[1])
with (atomic_write(target) if sys.argv[2] == "file" else temporary_folder(target)):
    print("writing", flush=True)
    time.sleep(60)
"""


@posix
@pytest.mark.parametrize("kind", ["file", "folder"])
class TestWhatKilledWritersLeave:
    def start(self, target: Path, kind: str) -> subprocess.Popen[bytes]:
        writer = subprocess.Popen(
            [sys.executable, "-c", KILLED, target, kind], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        return writer

    def end(self, writer: subprocess.Popen[bytes]) -> None:
        writer.kill()
        writer.communicate()

    def test_is_removed_by_the_next(self, tmp_path: Path, kind: str) -> None:
        for target in (tmp_path / "x", tmp_path / ("日" * 80)):
            self.end(self.start(target, kind))
            assert len(list(tmp_path.iterdir())) == 1
            with atomic_write(target) as file:
                file.write(b"new")
            assert [path.name for path in tmp_path.iterdir()] == [target.name]
            target.unlink()

    def test_what_is_being_written_stays(self, tmp_path: Path, kind: str) -> None:
        writer = self.start(tmp_path / "x", kind)
        remove_stale(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1
        self.end(writer)
        remove_stale(tmp_path, "y")
        assert len(list(tmp_path.iterdir())) == 1
        remove_stale(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_other_files_stay(self, tmp_path: Path, kind: str) -> None:
        for name in (".x.tmp", ".x.0123456789ab", "x.0123456789ab.tmp", ".x.0123456789xy.tmp"):
            (tmp_path / name).write_text(kind)
        os.symlink(tmp_path / ".x.tmp", temporary_name(tmp_path / "x"))
        remove_stale(tmp_path)
        assert len(list(tmp_path.iterdir())) == 5


@posix
def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom fieldfare._files import atomic_write\n"
        "for i in range(300):\n"
        "    with atomic_write(sys.argv[1]) as file: file.write(b'x' * 5000)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, tmp_path / "x"]) for _ in range(3)]
    deadline = time.monotonic() + 60
    while any(writer.poll() is None for writer in writers) and time.monotonic() < deadline:
        if (tmp_path / "x").exists():
            assert (tmp_path / "x").stat().st_size == 5000
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@posix
def test_sigterm_cleans_up_like_ctrl_c(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom fieldfare.cli._ending import terminable\n"
        "from fieldfare._files import atomic_write\nimport time\n"
        "with terminable(), atomic_write(sys.argv[1]):\n"
        "    print('writing', flush=True)\n    time.sleep(60)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "x"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.send_signal(signal.SIGTERM)
    writer.communicate()
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_signal_while_a_temporary_file_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("fieldfare._files._lock", interrupted)
    for make in (atomic_write, temporary_folder):
        with pytest.raises(KeyboardInterrupt), make(tmp_path / "x"):
            pass
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_in_a_destructor_is_not_lost(number: str, code: int) -> None:
    program = (
        "import os, signal, sys, time\nfrom fieldfare.cli._ending import terminable\n"
        "class Gone:\n"
        "    def __del__(self):\n"
        f"        os.kill(os.getpid(), signal.{number})\n        time.sleep(0.1)\n"
        "with terminable() as signals:\n"
        "    try:\n"
        "        Gone()\n        time.sleep(60)\n"
        "    except KeyboardInterrupt:\n        sys.exit(signals.code)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (code, b"")


@posix
def test_folders_that_are_made_at_the_same_time_are_not_taken_for_stale(tmp_path: Path) -> None:
    def make(number: int) -> bool:
        for _ in range(50):
            with temporary_folder(tmp_path / "x") as folder:
                (folder / "file").write_text(str(number))
                if (folder / "file").read_text() != str(number):
                    return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(make, range(8)))
    assert list(tmp_path.iterdir()) == []
