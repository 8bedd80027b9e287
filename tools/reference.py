"""The page of all parameters, from `fieldfare.config`."""

from __future__ import annotations

import dataclasses
import inspect

from tools.estimators.parameters import GROUPS

from fieldfare.config import Config, description

HEAD = """\
# Parameters

<!-- Written by `make generate` from fieldfare.config: change that instead. -->

Every hyperparameter, with its default, what it may be and what it does. The names are the same
everywhere: as arguments of `fieldfare.train`, as parameters of the estimators, as flags on the
command line (with dashes, `--learning-rate`), and in the header of model files. A value that is not
allowed raises [FF100](../diagnostics.md#ff100-configerror).
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(_section(group) for group in GROUPS)])


def _section(group: type[Config]) -> str:
    lines = [
        f"## {group.__name__}",
        "",
        inspect.getdoc(group) or "",
        "",
        "| Parameter | Default | May be | Meaning |",
        "|---|---|---|---|",
    ]
    for item in dataclasses.fields(group):
        allowed, meaning = str(item.metadata["constraint"]), description(item)
        lines.append(
            f"| `{item.name}` | `{item.default!r}` | {_cell(allowed)} | {_cell(meaning)} |"
        )
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Make text safe inside a table."""
    return text.replace("|", "\\|")
