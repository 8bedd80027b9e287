"""libffm's models: binary (today's), and text (older releases and forks).

Binary, little-endian, without a magic number: i32 features, fields, factors, u8 normalisation, then
float32 per feature and field in blocks of four, each followed by its sums of squared gradients
(:mod:`fieldfare.foreign.blocks`). Text: ``n``, ``m``, ``k`` and ``normalization`` with a number
each, and a line ``w<feature>,<field> ...`` per vector.

A model has neither a bias nor linear weights, and is always for two classes.
"""

from __future__ import annotations

import struct

import numpy as np

from fieldfare._typing import AnyArray, PathLike
from fieldfare.exceptions import ModelFileError
from fieldfare.foreign.blocks import padded, split_blocks
from fieldfare.foreign.form import ForeignFormat, Head, long_enough, make_model
from fieldfare.foreign.lines import Lines
from fieldfare.kinds.models import FFM
from fieldfare.models.base import Model

HEADER = struct.Struct("<3iB")


def load_libffm_binary(path: PathLike) -> Model:
    """Load a binary model of libffm; whether rows are normalised is in the file.

    Raises
    ------
    ModelFileError
        If its size is not the one that its header asks for.
    """
    with open(path, "rb") as file:
        data = file.read()
    n, m, k, normalised = HEADER.unpack_from(long_enough(data, 0, HEADER.size))
    if min(n, m, k) < 1 or normalised > 1 or len(data) != _size(n, m, k):
        raise ModelFileError(
            f"This is not a binary model of libffm, or it is cut short: {n} features, {m} fields "
            f"and {k} factors, with normalisation {normalised}, do not make {len(data)} bytes."
        )
    numbers = np.frombuffer(data[HEADER.size :], "<f4").reshape(n, m, 2 * padded(k))
    return _model(split_blocks(numbers, 2)[0][..., :k], bool(normalised))


def load_libffm_text(path: PathLike) -> Model:
    """Load a text model of older releases of libffm, or of a fork.

    Raises
    ------
    ModelFileError
        If the text breaks its format, naming the line.
    """
    lines = Lines(path)
    n, m, k, normalised = (_header(lines, name) for name in ("n", "m", "k", "normalization"))
    if min(n, m, k) < 1 or normalised > 1 or lines.left < n * m:
        raise ModelFileError(
            f"A model of libffm of {n} features and {m} fields has {n * m} vectors of at least one "
            f"factor, and normalization 0 or 1. This file has {lines.left} lines after its header."
        )
    found = np.empty((n, m, k), np.float32)
    with np.errstate(over="ignore"):
        for i in range(n):
            for f in range(m):
                wanted = f"'w{i},{f}' and {k} numbers"
                text = lines.take(wanted)
                words = lines.after(f"w{i},{f} ", text, wanted).split()
                found[i, f] = lines.numbers(words, k, wanted)
    lines.end()
    return _model(found, bool(normalised))


def _model(factors: AnyArray, normalised: bool) -> Model:
    return make_model(
        FFM,
        "binary",
        0.0,
        np.zeros(len(factors)),
        factors,
        origin="libffm",
        instance_norm=normalised,
        norm_unknown=normalised,
        fit_intercept=False,
        fit_linear=False,
    )


def _header(lines: Lines, name: str) -> int:
    wanted = f"{name!r} and a whole number"
    text = lines.take(wanted)
    return lines.integer(lines.after(f"{name} ", text, wanted), wanted)


def _size(n: int, m: int, k: int) -> int:
    return HEADER.size + 8 * n * m * padded(k)


def _is_binary(head: Head) -> bool:
    if len(head.start) < HEADER.size:
        return False
    n, m, k, normalised = HEADER.unpack_from(head.start)
    return min(n, m, k) > 0 and normalised < 2 and head.size == _size(n, m, k)


def _is_text(head: Head) -> bool:
    words = head.start.split(maxsplit=4)
    return len(words) > 4 and words[0] == b"n" and words[2] == b"m"


FORMATS = (
    ForeignFormat("libffm", "a binary model of libffm", _is_binary, load_libffm_binary),
    ForeignFormat("libffm", "a text model of libffm", _is_text, load_libffm_text),
)
