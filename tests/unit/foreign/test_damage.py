"""Files that are damaged, hostile, or of another program end in an error of ours."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from tests.faults.mutations import BYTES

from fieldfare import load_foreign
from fieldfare.exceptions import ConfigError, FieldfareError, ModelFileError

FILES = Path(__file__).parent / "files"
SEEDS = {
    "xlearn_ffm_adagrad.bin": {"norm": True},
    "xlearn_lr_ftrl.bin": {},
    "xlearn_fm_sgd.txt": {"task": "binary", "norm": False},
    "xlearn_ffm_sgd.txt": {"task": "binary"},
    "libffm_norm.model": {},
    "libfm_als.txt": {"task": "binary", "method": "als"},
    "liblinear_0.model": {},
}


def refused(path: Path, options: dict[str, object]) -> bool:
    """Whether the import ends in an error of ours; any other goes through."""
    try:
        load_foreign(path, **options)
    except FieldfareError as error:
        return bool(str(error))
    return False


@pytest.mark.parametrize("name", SEEDS)
def test_any_damage_ends_in_an_error_of_ours_or_a_model(tmp_path: Path, name: str) -> None:
    data, path = (FILES / name).read_bytes(), tmp_path / name
    rng = random.Random(0)
    n_refused = 0
    for _ in range(60):
        path.write_bytes(rng.choice(BYTES)(data, rng))
        n_refused += refused(path, SEEDS[name])
    assert n_refused > 10


@pytest.mark.parametrize("part", ["metadata", "data"])
def test_damage_to_a_model_of_spark(tmp_path: Path, part: str) -> None:
    rng = random.Random(1)
    folder = tmp_path / "m"
    originals = {p.relative_to(FILES): p.read_bytes() for p in (FILES / "spark_reg").rglob("*.*")}
    originals |= {
        p.relative_to(FILES): p.read_bytes() for p in (FILES / "spark_reg").rglob("part-00000")
    }
    n_refused = 0
    for _ in range(60):
        for place, data in originals.items():
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            damaged = rng.choice(BYTES)(data, rng) if part in path.parts else data
            path.write_bytes(damaged)
        n_refused += refused(folder / "spark_reg", {})
    assert n_refused > 10


HUGE = 2**31 - 1


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (struct.pack("<Q", 2) + b"fm" + struct.pack("<Q", 7) + b"squared"
         + struct.pack("<6I", 2**32 - 1, 0, 2**32 - 1, 1, 2**32 - 1, 0), {"norm": False}),
        (struct.pack("<Q", 6) + b"linear" + struct.pack("<Q", 2**63), {}),
        (struct.pack("<3iB", HUGE, HUGE, HUGE, 1) + b"\0" * 64, {"format": "libffm"}),
        (f"n {HUGE}\nm {HUGE}\nk {HUGE}\nnormalization 1\nw0,0 1\n".encode(), {}),
        (f"solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature {HUGE}\nbias 1\nw\n1\n".encode(),
         {}),
        (b"solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nbias 1\nw\n1\n", {}),
        (b"bias: 1\ni_0: 1\nv_0_0: 1 2\nv_0_1: 1 2\nv_0_2: x\n", {"task": "binary"}),
        (b"#global bias W0\n1e400\n#pairwise interactions Vj,f\n1\n", {"task": "regression"}),
        (b"#pairwise interactions Vj,f\n1 2\n1\n", {"task": "regression"}),
        (b"#global bias W0\n#global bias W0\n", {"task": "regression"}),
    ],
)  # fmt: skip
def test_hostile_headers_are_refused_at_once(
    tmp_path: Path, data: bytes, options: dict[str, object]
) -> None:
    if options.get("format") == "libffm":
        path = tmp_path / "m"
        path.write_bytes(data)
        with pytest.raises(ModelFileError):
            load_foreign(path, **options)
        return
    path = tmp_path / "m"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=r"Cannot import .*m: "):
        load_foreign(path, **options)


def test_a_model_of_more_fields_than_there_may_be_is_refused_with_what_to_do(
    tmp_path: Path,
) -> None:
    n_fields = 65536
    path = tmp_path / "wide"
    path.write_bytes(struct.pack("<3iB", 1, n_fields, 1, 1) + bytes(8 * n_fields * 4))
    with pytest.raises(ModelFileError, match=r"wide: .* 65536 fields, .* at most 65535\. .*gaps"):
        load_foreign(path, "libffm")


def test_faults_of_text_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_text("bias: 1\ni_0: 1\ni_1: one\n")
    with pytest.raises(ModelFileError, match=r"Line 3 must be 'i_1: ' and 1 number\. Found 'i_1"):
        load_foreign(path, task="binary")


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\x06\0\0\0" + b"8.10.0\0", "Vowpal Wabbit.*no import would be exact"),
        (b"Version 8.10.0 \nId \n", "Vowpal Wabbit"),
        (b'\x10\0\0\0\0\0\0\0{ "a": 1}', "load_model"),
        (b"tree\nversion=v4\n", "or it is damaged"),
        (b"", "or it is damaged"),
    ],
)
def test_other_files_are_refused_with_the_reason(tmp_path: Path, start: bytes, words: str) -> None:
    (tmp_path / "m").write_bytes(start)
    with pytest.raises(ModelFileError, match=words):
        load_foreign(tmp_path / "m")


def test_a_file_of_another_format_than_the_one_named_is_recognised() -> None:
    with pytest.raises(ModelFileError, match=r"not .*libFM.*looks like a model of LIBLINEAR"):
        load_foreign(FILES / "liblinear_0.model", "libfm")


def test_unknown_formats_and_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'xlearn'"):
        load_foreign(FILES / "liblinear_0.model", "xlern")
    with pytest.raises(ConfigError, match="has no option 'task'"):
        load_foreign(FILES / "liblinear_0.model", task="binary")
    with pytest.raises(ModelFileError, match="does not exist"):
        load_foreign(tmp_path / "nothing")
