"""The tasks, and the losses that each may be learned by."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection
from typing import cast

from fieldfare.exceptions import ConfigError
from fieldfare.kinds.recall_losses import RECALL_LOSSES

TASKS = ("regression", "binary", "multiclass", "rank")
LOSSES = ("squared", "logistic", "softmax", "pairwise", "hinge")
"""The losses that the kernels know."""
LOSSES_OF_TASK = {
    "regression": ("squared",),
    "binary": ("logistic",),
    "multiclass": ("softmax",),
    "rank": ("pairwise", "hinge"),
}
"""The losses that a task may be learned by, the usual one first."""
_OF_TASKS: dict[str, object] = dict.fromkeys(("auto", *LOSSES))
LOSS_NAMES: Collection[str] = ChainMap(cast("dict[str, object]", RECALL_LOSSES), _OF_TASKS)
"""What may be asked for as ``loss``, by some task; what is registered later is in it too."""


def drawn_losses(word: str) -> str:
    """Return the names of the losses that need drawn negatives, such as 'a', 'b' or 'c'."""
    *first, last = (repr(name) for name in RECALL_LOSSES if name not in LOSSES_OF_TASK["rank"])
    return f"{', '.join(first)} {word} {last}"


def loss_of(task: str, loss: str = "auto") -> str:
    """Return the name of the loss that the kernels learn a task by.

    Raises
    ------
    ConfigError
        If the task is not learned by this loss.
    """
    allowed: tuple[str, ...] = LOSSES_OF_TASK[task]
    if loss == "auto":
        return allowed[0]
    if task == "rank":
        allowed = tuple(RECALL_LOSSES)
    if loss not in allowed:
        raise ConfigError(
            f"The loss of the task {task!r} must be 'auto' or {' or '.join(map(repr, allowed))}. "
            f"Got {loss!r}."
        )
    return RECALL_LOSSES[loss].kernel if task == "rank" else loss
