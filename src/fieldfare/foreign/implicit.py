"""implicit's matrix factorizations: vectors of users and items, as its ``save`` writes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare.foreign.arrays import arrays_of, has, holds
from fieldfare.foreign.form import ForeignFormat
from fieldfare.foreign.towers import towers_model
from fieldfare.models.base import Model

NAMES = ("user_factors", "item_factors")


def load_implicit(source: Any) -> Model:
    """Load a model of implicit by ALS, BPR or logistic matrix factorization.

    Parameters
    ----------
    source : fitted model, or path of the npz file that its ``save`` wrote
        With the arrays ``user_factors`` and ``item_factors``. Biases of BPR and of the logistic
        models are columns of these.

    Returns
    -------
    Model
        See `fieldfare.foreign.towers.towers_model`.

    Raises
    ------
    ModelFileError
        If an array is missing, or they do not fit each other.
    """
    users, items = arrays_of(source, NAMES)
    biases = [np.zeros(array.shape[:1]) for array in (users, items)]
    return towers_model(users, biases[0], items, biases[1], origin="implicit")


FORMATS = (
    ForeignFormat(
        "implicit", "a model of implicit (npz)", holds(NAMES), load_implicit, fits=has(NAMES)
    ),
)
