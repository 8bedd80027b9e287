"""What a format can express."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from fieldfare.exceptions import ConfigError
from fieldfare.kinds.models import InteractionForm
from fieldfare.models.base import Model


def check_interactions(model: Model, owner: str, known: Collection[InteractionForm]) -> None:
    """Refuse a model whose features interact in a way that a format cannot express.

    Raises
    ------
    ConfigError
    """
    if model.traits.interactions not in known:
        raise ConfigError(
            f"{owner} has no place for the parameters of a {model.kind} model. Export it to "
            "another format."
        )


def check_one_score(model: Model, owner: str) -> None:
    """Refuse what is not a linear model, FM or FFM with one score.

    Raises
    ------
    ConfigError
    """
    if model.config.task == "multiclass":
        raise ConfigError(
            f"{owner} holds one score, and this multiclass model has {model.n_outputs}. Train one "
            "binary model per class, or export it to another format."
        )
    known = (InteractionForm.NONE, InteractionForm.PAIRS, InteractionForm.FIELD_AWARE)
    check_interactions(model, owner, known)


def check_libffm(model: Model, owner: str, *, drop_linear: bool) -> None:
    """Refuse what is not a binary FFM, or has linear weights that are not to be dropped.

    Raises
    ------
    ConfigError
    """
    check_one_score(model, owner)
    aware = model.traits.interactions is InteractionForm.FIELD_AWARE
    if not aware or model.config.task != "binary":
        raise ConfigError(
            "libffm knows only binary field-aware models. This is a "
            f"{model.config.task} model of kind {model.config.model!r}: export it to 'xlearn', or "
            "train with model='ffm' and task='binary'."
        )
    linear = model.linear is not None and bool(np.any(model.linear))
    if (linear or np.any(model.bias)) and not drop_linear:
        raise ConfigError(
            "libffm has neither a bias nor linear weights, and this model has them. Train with "
            "fit_intercept=False and fit_linear=False, or pass drop_linear=True (--drop-linear) to "
            "leave them out."
        )
