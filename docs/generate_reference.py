"""Write docs/reference/parameters.md from the declarations in fieldfare.config.

Run it after changing config.py: python docs/generate_reference.py
"""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

from fieldfare import config

PAGE = Path(__file__).parent / "reference" / "parameters.md"
GROUPS = (
    config.ModelConfig,
    config.SolverConfig,
    config.GibbsConfig,
    config.KerasConfig,
    config.TrainingConfig,
)
HEAD = """\
# Parameters

<!-- Written by docs/generate_reference.py from src/fieldfare/config.py: change that instead. -->

Every hyperparameter, with its default, what it may be and what it does. The names are the same
everywhere: as arguments of `fieldfare.train`, as parameters of the estimators, as flags on the
command line (with dashes, `--learning-rate`), and in the header of model files. A value that is not
allowed raises [FF100](../diagnostics.md#ff100-configerror).
"""


def cell(text: str) -> str:
    """Make text safe inside a table."""
    return text.replace("|", "\\|")


def section(group: type[config.Config]) -> str:
    """Return the section of one group of parameters."""
    lines = [
        f"## {group.__name__}",
        "",
        inspect.getdoc(group) or "",
        "",
        "| Parameter | Default | May be | Meaning |",
        "|---|---|---|---|",
    ]
    for item in dataclasses.fields(group):
        allowed, doc = str(item.metadata["constraint"]), config.description(item)
        row = f"| `{item.name}` | `{item.default!r}` | {cell(allowed)} | {cell(doc)} |"
        lines.append(row)
    return "\n".join(lines) + "\n"


def render() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(section(group) for group in GROUPS)])


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")
    print(f"wrote {PAGE}")
