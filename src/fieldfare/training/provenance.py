"""Provenance: how a model came about, kept in its file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timezone

from fieldfare._typing import JSON, AnyArray
from fieldfare._version import __version__
from fieldfare.data.dataset import AnyDataset
from fieldfare.exceptions import DataError
from fieldfare.models.base import Model
from fieldfare.rows import RelatedRows, Rows
from fieldfare.settings import Settings
from fieldfare.training.loop.history import History
from fieldfare.training.samples.subset import RowSubset


def stamped(
    model: Model,
    history: History,
    train: AnyDataset | RowSubset,
    valid: RowSubset | None,
    settings: Settings,
    seed: int,
    *,
    is_held_out: bool = False,
) -> Model:
    """Return a trained model that says how it came about.

    Parameters
    ----------
    model : Model
        As training left it.
    history : History
        The epochs.
    train, valid : Dataset or RowSubset
        Training and validation samples.
    settings : Settings
        What it was trained with.
    seed : int
        The seed that was used.
    is_held_out : bool
        Whether the validation samples are some of the training samples.

    Returns
    -------
    Model
        With these settings as ``trained_by``. Its provenance gains the library version, the time,
        the seed, sizes and fingerprint of the data, where validation samples came from
        (``"given"``, or how they were held out, and by which column), the metrics of the best
        epoch, and the history.
    """
    chosen = settings.training
    found = data_provenance(train, settings, seed)
    given = None if valid is None else "given"
    found["data"] |= {
        "n_valid": None if valid is None else valid.n_rows,
        "validation": chosen.validation if is_held_out else given,
        "validation_column": chosen.validation_column if is_held_out else None,
    }
    found |= {"metrics": dict(history.best), "history": history.to_json()}
    return model.with_(
        trained_by=settings_to_keep(settings, seed), provenance={**model.provenance, **found}
    )


def history_of(model: Model) -> History:
    """Return the history that a model's provenance holds; an empty one if it holds none."""
    try:
        return History.from_json(model.provenance["history"])
    except (AttributeError, DataError, KeyError, TypeError):  # users may note what they like
        return History()


def settings_to_keep(settings: Settings, seed: int) -> Settings:
    """Return settings that a file can hold: of a generator, the seed drawn from it."""
    given = settings.training.random_state
    if given is None or type(given) is int:
        return settings
    return replace(settings, training=replace(settings.training, random_state=seed))


def data_provenance(train: AnyDataset | RowSubset, settings: Settings, seed: int) -> JSON:
    """Return what is noted of any model: library version, time, seed, and the data.

    ``"deterministic"`` says whether the seed gives the same bits on any number of cores.
    """
    return {
        "library": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seed": seed,
        "deterministic": settings.is_repeatable,
        "data": {
            "n_rows": train.rows.n_rows,
            "nnz": train.rows.nnz,
            "fingerprint": _fingerprint(train),
        },
    }


def _fingerprint(data: AnyDataset | RowSubset) -> str:
    """Return a short text that other training data would hardly have."""
    if data.store is not None:
        return data.store.path.name
    state = hashlib.blake2b(digest_size=16)
    for array in _arrays_of(data.rows):
        state.update(b"none" if array is None else array.data)
    return state.hexdigest()


def _arrays_of(rows: Rows | RelatedRows) -> list[AnyArray | None]:
    """Return what rows, and their side tables, are made of."""
    if isinstance(rows, Rows):
        entries = (rows.indptr, rows.indices, rows.values, rows.fields)
        return [*entries, rows.target, rows.weight]
    sides = [[side.codes, *_arrays_of(side.rows)] for side in rows.relations]
    return sum(sides, _arrays_of(rows.own))
