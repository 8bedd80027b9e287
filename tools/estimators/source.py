"""The source of the estimator classes, in the house style, from their declarations."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from tools.estimators.attributes import Attribute
from tools.estimators.declarations import ESTIMATORS, MODULES, Estimator
from tools.estimators.parameters import Parameter, resolve
from tools.estimators.signatures import ORDER

WIDTH = 100
HEAD = "# Written by `make generate` from fieldfare.config and tools/estimators: do not edit.\n"
# Where the names that annotations use come from.
HOMES = {
    "Mapping": "collections.abc",
    "Sequence": "collections.abc",
    "Any": "typing",
    "Literal": "typing",
    "final": "typing",
    "AnyArray": "fieldfare._typing",
    "Schema": "fieldfare.schema.schema",
    "Callback": "fieldfare.training.loop.callbacks",
}


def modules() -> dict[str, str]:
    """Return the source of each module, by its path under ``fieldfare``."""
    return {
        path: _module(doc, [item for item in ESTIMATORS if item.file == path])
        for path, doc in MODULES.items()
    }


def _module(doc: str, classes: list[Estimator]) -> str:
    bodies = [_class(item) for item in classes]
    text = "\n\n\n".join(bodies)
    head = f'{HEAD}"""{doc}"""\n\nfrom __future__ import annotations\n\n{_imports(text, classes)}'
    source = f"{head}\n\n\n{text}\n"
    long = [line for line in source.splitlines() if len(line) > WIDTH]
    if long:
        raise ValueError(f"longer than {WIDTH} characters: {long[0]!r}")
    return source


def _imports(text: str, classes: Iterable[Estimator]) -> str:
    """Return the imports that the source of classes needs, sorted as ruff sorts them."""
    code = re.sub(r'""".*?"""', "", text, flags=re.DOTALL)
    homes = {name: home for name, home in HOMES.items() if re.search(rf"\b{name}\b", code)}
    for item in classes:
        homes |= {name: home for home, name in map(_base, item.bases)}
    lines = {
        home: _import(home, sorted(name for name, of in homes.items() if of == home))
        for home in sorted(set(homes.values()))
    }
    blocks = (
        [line for home, line in lines.items() if not home.startswith("fieldfare")],
        ["import numpy as np"] if "np." in code else [],
        [line for home, line in lines.items() if home.startswith("fieldfare")],
    )
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _import(home: str, names: list[str]) -> str:
    line = f"from {home} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return f"from {home} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _base(path: str) -> tuple[str, str]:
    module, name = path.split(":")
    return f"fieldfare.{module}", name


def _class(item: Estimator) -> str:
    missing = item.parameters - set(ORDER)
    if missing:
        raise ValueError(f"{sorted(missing)} have no place in tools.estimators.signatures.ORDER")
    parameters = [
        resolve(name, item.parameters, item.changes) for name in ORDER if name in item.parameters
    ]
    bases = ", ".join(_base(path)[1] for path in item.bases)
    constants = "".join(f'    {name} = "{value}"\n' for name, value in item.constants.items())
    return (
        f"@final\nclass {item.name}({bases}):\n"
        f"{_docstring(item, parameters)}\n\n"
        f"{constants and constants + chr(10)}{_constructor(parameters)}"
    )


def _docstring(item: Estimator, parameters: Iterable[Parameter]) -> str:
    described = [
        Attribute(one.name, f"{one.words}, default={one.default!r}", one.doc) for one in parameters
    ]
    sections = [
        f'    """{item.summary}',
        *("\n".join(_wrapped(paragraph, 4)) for paragraph in item.notes),
        _section("Parameters", _entries(described)),
        _section("Attributes", _entries(item.attributes)),
        _section("Examples", textwrap.indent(item.example, "    ").splitlines()),
    ]
    return "\n\n".join(sections) + '\n    """'


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"    {title}", f"    {'-' * len(title)}", *lines])


def _entries(items: Iterable[Attribute]) -> Iterator[str]:
    for name, kind, doc in items:
        # The type has to stay one line for numpydoc: a backslash joins what is wrapped.
        head = textwrap.wrap(
            f"{name} : {kind}",
            WIDTH - 2,
            initial_indent=" " * 4,
            subsequent_indent=" " * 12,
            break_on_hyphens=False,
        )
        yield " \\\n".join(head)
        yield from _wrapped(doc, 8)


def _wrapped(text: str, indent: int) -> list[str]:
    space = " " * indent
    return textwrap.wrap(
        text, WIDTH, initial_indent=space, subsequent_indent=space, break_on_hyphens=False
    )


def _constructor(parameters: list[Parameter]) -> str:
    lines = [
        "    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here",
        "        self,",
        "        *,",
        *(line for one in parameters for line in _argument(one)),
        "    ) -> None:",
        *(f"        self.{one.name} = {one.name}" for one in parameters),
    ]
    return "\n".join(lines)


def _argument(parameter: Parameter) -> list[str]:
    """Return a parameter of the signature, wrapped as ruff wraps it."""
    end = f" = {_literal(parameter)},"
    line = f"        {parameter.name}: {parameter.annotation}{end}"
    if len(line) <= WIDTH:
        return [line]
    first, *others = re.split(r" \| (?![^\[]*\])", parameter.annotation)
    if others:
        return [
            f"        {parameter.name}: {first}",
            *(f"        | {kind}" for kind in others[:-1]),
            f"        | {others[-1]}{end}",
        ]
    options = first.removeprefix("Literal[").removesuffix("]")
    inside = [f"            {options}"]
    if len(inside[0]) > WIDTH:
        inside = [f"            {option}," for option in options.split(", ")]
    return [f"        {parameter.name}: Literal[", *inside, f"        ]{end}"]


def _literal(parameter: Parameter) -> str:
    default = parameter.default
    return f'"{default}"' if isinstance(default, str) else repr(default)
