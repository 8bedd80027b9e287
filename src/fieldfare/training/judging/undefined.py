"""Metrics that are not defined on the rows at hand."""

from __future__ import annotations

from collections.abc import Sequence


def undefined(names: Sequence[str], where: str) -> str:
    """Say that metrics are not defined.

    Parameters
    ----------
    names : sequence of str
        Of the metrics.
    where : str
        The rows in a few words, such as "these rows".
    """
    subject = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"
    return (
        f"{subject} not defined on {where}, and NaN: perhaps they hold only one class, or only one "
        "target. Measure on rows that hold several."
    )
