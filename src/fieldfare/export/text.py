"""The text forms of models of xLearn and libffm.

They serve people and other programs that read text. The programs of xLearn and libffm themselves
read binary models today, and do not read these.

xLearn, one line per parameter (vector), for every feature id ``i`` from 0::

    bias: w0
    i_<i>: w_i
    v_<i>: v_i1 ... v_ik            factorization machines
    v_<i>_<f>: v_if1 ... v_ifk      field-aware

libffm, a header and one line per feature ``j`` and field ``f``::

    n <features>
    m <fields>
    k <factors>
    normalization <0 or 1>
    w<j>,<f> v_jf1 ... v_jfk

Numbers are the shortest decimals that give the same float32 back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fieldfare._files import atomic_write
from fieldfare._typing import PathLike
from fieldfare.export.decimals import blocks, numbers
from fieldfare.export.support import check_libffm, check_one_score
from fieldfare.models.base import Model


def export_xlearn_text(model: Model, path: PathLike) -> None:
    """Write the parameters of a model in the text format of xLearn.

    Parameters
    ----------
    model : Model
        A linear model, FM or FFM with one output (not multiclass).
    path : path
        File to write or replace, atomically.

    Raises
    ------
    ConfigError
        If the format cannot express the model.
    OSError
        If the file cannot be written.

    Notes
    -----
    ``xlearn_predict`` reads binary models only, and not this form, which xLearn writes for people
    (``-t``). It does not record ``instance_norm``. xLearn's own factorization machines scale their
    interaction term once more than the formula does.
    """
    check_one_score(model, "xLearn's text format")
    _write(path, _xlearn(model))


def export_libffm_text(model: Model, path: PathLike, *, drop_linear: bool = False) -> None:
    """Write the parameters of a model in the text format of older releases of libffm.

    Today's ``ffm-predict`` reads binary models only, and not this form. Parameters and exceptions
    are those of `fieldfare.export.libffm.export_libffm`.
    """
    check_libffm(model, "libffm's text format", drop_linear=drop_linear)
    _write(path, _libffm(model))


def _write(path: PathLike, parts: Iterator[str]) -> None:
    with atomic_write(path) as file:
        for lines in parts:
            file.write(lines.encode("ascii"))


def _factor_lines(
    model: Model, plain: Callable[[int], str], by_field: Callable[[int, int], str]
) -> Iterator[str]:
    """Yield lines of latent vectors, each after the label of its feature (and field)."""
    factors = model.factors
    if factors is None:
        return
    n_factors = factors.shape[-1]
    for block in blocks(len(factors)):
        vectors = numbers(factors[block.start : block.stop].reshape(-1, n_factors))
        if factors.ndim == 4:
            labels = [by_field(i, f) for i in block for f in range(factors.shape[2])]
        else:
            labels = [plain(i) for i in block]
        yield "".join(f"{a}{b}\n" for a, b in zip(labels, vectors, strict=True))


def _xlearn(model: Model) -> Iterator[str]:
    yield f"bias: {model.bias[0]!s}\n"
    for block in blocks(model.n_features):
        if model.linear is None:
            weights = ["0"] * len(block)
        else:
            weights = numbers(model.linear[block.start : block.stop])
        yield "".join(f"i_{i}: {w}\n" for i, w in zip(block, weights, strict=True))
    yield from _factor_lines(model, lambda i: f"v_{i}: ", lambda i, f: f"v_{i}_{f}: ")


def _libffm(model: Model) -> Iterator[str]:
    yield (
        f"n {model.n_features}\nm {model.n_fields}\nk {model.config.n_factors}\n"
        f"normalization {int(model.config.instance_norm)}\n"
    )
    yield from _factor_lines(model, lambda i: f"w{i} ", lambda i, f: f"w{i},{f} ")
