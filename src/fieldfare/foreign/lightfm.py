"""LightFM's models: two towers of embeddings and biases."""

from __future__ import annotations

from typing import Any

from fieldfare.foreign.arrays import arrays_of, has, holds
from fieldfare.foreign.form import ForeignFormat
from fieldfare.foreign.towers import towers_model
from fieldfare.models.base import Model

NAMES = ("user_embeddings", "user_biases", "item_embeddings", "item_biases")


def load_lightfm(source: Any) -> Model:
    """Load a fitted LightFM.

    Parameters
    ----------
    source : LightFM, or path of an npz file
        With the arrays ``user_embeddings``, ``user_biases``, ``item_embeddings`` and
        ``item_biases``, under these names.

    Returns
    -------
    Model
        See `fieldfare.foreign.towers.towers_model`.

    Raises
    ------
    ModelFileError
        If an array is missing, or they do not fit each other.
    """
    users, user_biases, items, item_biases = arrays_of(source, NAMES)
    return towers_model(users, user_biases, items, item_biases, origin="lightfm")


FORMATS = (
    ForeignFormat(
        "lightfm", "arrays of LightFM (npz)", holds(NAMES), load_lightfm, fits=has(NAMES)
    ),
)
