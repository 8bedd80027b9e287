"""What a format can express."""

from __future__ import annotations

from collections.abc import Collection

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
