"""The tasks, and the losses that each may be learned by."""

from __future__ import annotations

from fieldfare.exceptions import ConfigError

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
SAMPLED_LOSSES = {
    "pairwise": "pairwise",
    "hinge": "hinge",
    "warp": "hinge",
    "softmax": "pairwise",
    "logistic": "logistic",
}
"""The losses of drawn negatives, and the loss of the kernel that takes their steps."""


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
        allowed = tuple(SAMPLED_LOSSES)
    if loss not in allowed:
        raise ConfigError(
            f"The loss of the task {task!r} must be 'auto' or {' or '.join(map(repr, allowed))}. "
            f"Got {loss!r}."
        )
    return SAMPLED_LOSSES[loss] if task == "rank" else loss
