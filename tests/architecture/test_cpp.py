"""The C++ core: one definition per name, and one folder per subject."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from fieldfare import _core

CPP = Path(__file__).resolve().parents[2] / "cpp"
# Programs of their own, which share nothing with the core at run time.
PROGRAMS = {"fuzz", "tests"}
TOKEN = re.compile(
    r"\bnamespace\b(?P<namespace>[\w\s:]*)\{"
    r"|(?:template\s*<(?P<specialised>)>\s*)?"
    r"\b(?:struct|class|enum class|enum)\s+(?:\w+\(\w+\)\s+)?(?P<type>\w+)(?P<rest>[^;{()]*)\{"
    r"|(?P<open>\{)|(?P<close>\})"
)


def without_comments(text: str) -> str:
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
    text = re.sub(r"'(?:\\.|[^'\\\n])'", "' '", text)
    return re.sub(r"//[^\n]*", "", text)


def shared_types(text: str) -> list[str]:
    """Return the qualified names of the types that other translation units would share.

    Those in unnamed namespaces, in functions and in other types are left out.
    """
    scopes: list[str | None] = []  # a name, "" for an unnamed namespace, None for any other brace
    found = []
    for token in TOKEN.finditer(without_comments(text)):
        if token["close"]:
            scopes.pop()
        elif token["open"]:
            scopes.append(None)
        elif token["type"] is not None:
            outer = [scope for scope in scopes if scope]
            if len(outer) == len(scopes) and token["specialised"] is None:
                found.append("::".join([*outer, token["type"]]))
            scopes.append(None)
        else:
            scopes.append(token["namespace"].strip())
    assert not scopes
    return found


def core_sources() -> list[Path]:
    sources = [path for path in sorted(CPP.rglob("*.[ch]pp")) if path.parent.name not in PROGRAMS]
    assert len(sources) > 50
    return sources


def test_no_two_types_have_one_name():
    # The linker keeps one of two inline functions of one name, whatever the other does.
    homes = defaultdict(list)
    for path in core_sources():
        for name in shared_types(path.read_text(encoding="utf-8")):
            homes[name.replace("fieldfare::FIELDFARE_ISA::", "fieldfare::")].append(path.name)
    assert len(homes) > 50
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_a_second_type_of_one_name_is_found():
    twice = "namespace fieldfare { struct A { int x; }; class B final { void f() { if (1) {} } }; }"
    hidden = "namespace fieldfare { namespace { struct A {}; } void f() { struct B {}; } }"
    assert shared_types(twice) == ["fieldfare::A", "fieldfare::B"]
    assert shared_types(hidden) == []


def test_only_its_own_header_names_a_kind_or_a_rule():
    # What others need to know of a kind or rule, its header answers.
    names = "|".join([*_core.kinds(), *_core.rules()])
    named = re.compile(rf'(?<!nb::arg\()"({names})"')
    homes = {path for path in core_sources() if named.search(path.read_text(encoding="utf-8"))}
    own = [CPP / "models" / f"{name}.hpp" for name in _core.kinds()]
    assert homes == {*own, CPP / "gradient" / "rules.hpp"}


def test_every_source_is_compiled():
    build = (CPP.parent / "CMakeLists.txt").read_text(encoding="utf-8")
    listed = set(re.findall(r"cpp/[\w/]+\.cpp", build))
    assert listed == {f"cpp/{p.relative_to(CPP)}" for p in core_sources() if p.suffix == ".cpp"}
