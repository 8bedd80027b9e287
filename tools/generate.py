"""Write the files that follow from `fieldfare.config`: estimator classes and the reference page.

make generate
"""

from __future__ import annotations

from pathlib import Path

from tools import reference
from tools.estimators import source

ROOT = Path(__file__).resolve().parents[1]


def outputs() -> dict[Path, str]:
    """Return the text of every generated file."""
    classes = {ROOT / "src" / "fieldfare" / path: text for path, text in source.modules().items()}
    return {**classes, ROOT / "docs" / "reference" / "parameters.md": reference.page()}


def main() -> None:
    """Write what has changed, and say what that is."""
    for path, text in outputs().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
