"""Provenance: how a model came about, kept in its file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone

from fieldfare._typing import JSON
from fieldfare._version import __version__
from fieldfare.config import SolverConfig, TrainingConfig
from fieldfare.data.loading import Dataset
from fieldfare.training.loop.history import History
from fieldfare.training.prepare.row_subset import RowSubset


def provenance(
    history: History,
    train: Dataset | RowSubset,
    valid: RowSubset | None,
    solver: SolverConfig,
    config: TrainingConfig,
) -> JSON:
    """Return how a model came about, as JSON.

    Parameters
    ----------
    history : History
        The epochs.
    train, valid : Dataset or RowSubset
        Training and validation samples.
    solver : SolverConfig
    config : TrainingConfig
        With the seed that was used.

    Returns
    -------
    dict
        Library version, time, seed, sizes and fingerprint of the data, parameters, metrics of the
        best epoch, and the history.
    """
    training = asdict(config)
    if isinstance(config.class_weight, Mapping):
        training["class_weight"] = {str(k): float(v) for k, v in config.class_weight.items()}
    found = data_provenance(train, config.random_state)
    found["data"]["n_valid"] = None if valid is None else valid.n_rows
    return found | {
        "solver": asdict(solver),
        "training": training,
        "metrics": dict(history.best),
        "history": history.to_json(),
    }


def data_provenance(train: Dataset | RowSubset, seed: int) -> JSON:
    """Return what is noted of any model: library version, time, seed, and the data."""
    return {
        "library": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seed": seed,
        "data": {
            "n_rows": train.rows.n_rows,
            "nnz": train.rows.nnz,
            "fingerprint": _fingerprint(train),
        },
    }


def _fingerprint(data: Dataset | RowSubset) -> str:
    """Return a short text that other training data would hardly have."""
    if data.store is not None:
        return data.store.path.name
    state = hashlib.blake2b(digest_size=16)
    rows = data.rows
    for array in (rows.indptr, rows.indices, rows.values, rows.fields, rows.target, rows.weight):
        state.update(b"none" if array is None else array.data)
    return state.hexdigest()
