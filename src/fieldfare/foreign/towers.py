"""Models of two towers: embeddings of users and items, as a field-aware factorization machine.

The score of a user and an item is the inner product of the sums of their features' embeddings, plus
the sums of their biases. As an FFM of two fields, users (0) and items (1), each feature has its
embedding against the other field and zeros against its own. Features of users come first.
"""

from __future__ import annotations

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.exceptions import ModelFileError
from fieldfare.foreign.form import make_model
from fieldfare.kinds.models import FFM
from fieldfare.models.base import Model
from fieldfare.schema.schema import Schema


def towers_model(
    users: AnyArray, user_biases: AnyArray, items: AnyArray, item_biases: AnyArray, *, origin: str
) -> Model:
    """Return the Model of two towers.

    Parameters
    ----------
    users, items : array of shape (n_user_features, k) and (n_item_features, k)
        Embeddings.
    user_biases, item_biases : array of shape (n_user_features,) and (n_item_features,)
    origin : str
        The program, for the provenance.

    Returns
    -------
    Model
        Of task "rank", whose prediction is the score. The feature of user feature u is u, and that
        of item feature i the number of user features plus i.

    Raises
    ------
    ModelFileError
        If the arrays do not fit each other.
    """
    wrong = users.ndim != 2 or items.ndim != 2 or users.shape[1:] != items.shape[1:]
    if wrong or user_biases.shape != users.shape[:1] or item_biases.shape != items.shape[:1]:
        shapes = [array.shape for array in (users, user_biases, items, item_biases)]
        raise ModelFileError(
            f"The embeddings and biases of users and items do not fit each other: {shapes}."
        )
    n_users, n_items = len(users), len(items)
    factors = np.zeros((n_users + n_items, 2, users.shape[1]), np.float32)
    factors[:n_users, 1], factors[n_users:, 0] = users, items
    field_of = np.repeat(np.array([0, 1], np.uint16), [n_users, n_items])
    return make_model(
        FFM,
        "rank",
        0.0,
        np.concatenate([user_biases, item_biases]),
        factors,
        origin=origin,
        schema=Schema.indexed(n_users + n_items, 2, ["user", "item"], field_of=field_of),
    )
