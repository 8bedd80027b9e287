"""Write the files that follow from the sources: estimator classes and the reference pages.

make generate
"""

from __future__ import annotations

from pathlib import Path

from tools import messages, reference
from tools.estimators import source
from tools.estimators.declarations import MODULES as CLASSES

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference" / "parameters.md"
MESSAGES = ROOT / "docs" / "reference" / "messages.md"
MODULES = {ROOT / "src" / "fieldfare" / path: path for path in CLASSES}
PATHS = (*MODULES, REFERENCE, MESSAGES)
"""The generated files."""


def outputs() -> dict[Path, str]:
    """Return the text of every generated file."""
    texts = source.modules()
    return {
        **{path: texts[module] for path, module in MODULES.items()},
        REFERENCE: reference.page(),
        MESSAGES: messages.page(),
    }


def main() -> None:
    """Write what has changed, and say what that is."""
    for path, text in outputs().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
