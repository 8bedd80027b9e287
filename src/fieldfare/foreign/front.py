"""The door to models of other programs: one table of formats, told apart by their content."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from inspect import signature
from typing import Any

from fieldfare._arguments import checked
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError, ModelFileError
from fieldfare.foreign import (
    fastfm,
    implicit,
    libffm,
    libfm,
    liblinear,
    lightfm,
    myfm,
    spark,
    xlearn_binary,
    xlearn_text,
)
from fieldfare.foreign.form import ForeignFormat, Head
from fieldfare.models.base import Model
from fieldfare.models.posterior import Posterior

# In the order in which they are asked: what begins with a mark of its own comes first.
FORMATS: tuple[ForeignFormat, ...] = (
    *xlearn_binary.FORMATS,
    *xlearn_text.FORMATS,
    *libfm.FORMATS,
    *liblinear.FORMATS,
    *spark.FORMATS,
    *lightfm.FORMATS,
    *implicit.FORMATS,
    *fastfm.FORMATS,
    *myfm.FORMATS,
    *libffm.FORMATS,
)
"""Every format that is imported."""

_REFUSED = (
    (
        rb"\x80[\x02-\x05]",
        "a pickle, which runs code when it is opened and is therefore never opened here. Load it "
        "yourself if you trust it, and pass the fitted object: fieldfare.load_foreign(model)",
    ),
    (
        rb"[\x04-\x20]\0\0\0\d+\.\d+\.\d+\0|Version \d+\.\d+\.\d+\s",
        "a model of Vowpal Wabbit. Its weights are stored by hashes of names, with interactions "
        "(-q, --lrq, --cubic) that are no factorization machine, so no import would be exact. "
        "Train on the data instead",
    ),
    (
        rb".{8}\{\s*\"",
        "a model of fieldfare, or another safetensors file. Open it with fieldfare.load_model",
    ),
)


@checked
def load_foreign(
    source: Any,
    format: str | None = None,  # noqa: A002 - what other functions call it
    **options: Any,
) -> Model | Posterior:
    """Load a model that another program trained.

    Parameters
    ----------
    source : path, or fitted object
        A file or folder of xLearn (binary, text), libffm (binary, text), libFM, LIBLINEAR or Spark,
        an npz file that implicit saved, or that holds the arrays of LightFM, fastFM or myFM; or a
        fitted model of these four. Pickles are never opened.
    format : str, optional
        Name of the program, one of those in `fieldfare.foreign.FORMATS`. By default, the content
        determines it.
    **options
        What the file does not say; which there are is said where they are missing. xLearn:
        ``norm``, ``row_length``, ``keep_state`` of binary models, ``task`` of text models. libFM:
        ``task``, ``method``. fastFM: ``output``. Arrays of myFM: ``task``.

    Returns
    -------
    Model or Posterior
        A Posterior where probabilities come from a probit (libFM's ALS, fastFM) or where there are
        several samples (myFM). Its Schema is one of numbered features: ids are those of the
        program.

    Raises
    ------
    ModelFileError
        If the source is damaged, or not of this format.
    ConfigError
        If the format or an option is unknown or missing, or the import would not be exact.

    Examples
    --------
    >>> model = load_foreign("old.model", norm=True)  # doctest: +SKIP
    >>> model.predict(rows)  # doctest: +SKIP
    """
    names = list(dict.fromkeys(form.name for form in FORMATS))
    if format is not None and format not in names:
        raise ConfigError(
            f"There is no format {format!r} to import.{closest(format, names)} The formats are "
            f"{', '.join(names)}."
        )
    forms = [form for form in FORMATS if format in (None, form.name)]
    if not isinstance(source, (str, os.PathLike)):
        found = _of_object(source, forms)
        return found.load(source, **_checked_options(found, options))
    path = os.fspath(source)
    try:
        found = _of_path(Head.of(path), forms)
        return found.load(path, **_checked_options(found, options))
    except ModelFileError as error:
        raise ModelFileError(f"Cannot import {path}: {error.args[0]}") from error


def _of_object(source: Any, forms: Iterable[ForeignFormat]) -> ForeignFormat:
    for form in forms:
        if form.fits is not None and form.fits(source):
            return form
    known = ", ".join(form.name for form in FORMATS if form.fits is not None)
    raise ConfigError(
        f"A model to import is a path, or a fitted object of {known}. Got {type(source).__name__}."
    )


def _of_path(head: Head, forms: list[ForeignFormat]) -> ForeignFormat:
    for form in forms:
        if form.detect is not None and form.detect(head):
            return form
    for pattern, what in _REFUSED:
        if re.match(pattern, head.start, re.DOTALL):
            raise ModelFileError(f"This is {what}.")
    others = [form for form in FORMATS if form.detect is not None and form.detect(head)]
    seen = f" It looks like {others[0].title}." if others else ""
    titles = ", ".join(form.title for form in forms if form.detect is not None)
    raise ModelFileError(f"This is not {titles}, or it is damaged.{seen}")


def _checked_options(form: ForeignFormat, options: dict[str, Any]) -> dict[str, Any]:
    known = list(signature(form.load).parameters)[1:]
    for option in options:
        if option not in known:
            raise ConfigError(
                f"The import of {form.title} has no option {option!r}.{closest(option, known)} "
                f"Its options are: {', '.join(known) or 'none'}."
            )
    return options
