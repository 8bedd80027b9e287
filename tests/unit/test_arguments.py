"""Public functions hold callers to the annotations of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import fieldfare
from fieldfare._arguments import checked
from fieldfare._typing import PathLike
from fieldfare.exceptions import ConfigError, ResourceError

if TYPE_CHECKING:
    from fieldfare.schema.schema import Schema


@checked
def everything(
    n: int,
    share: float = 0.5,
    *,
    path: PathLike | None = None,
    names: str | Sequence[str] = (),
    several: Iterable[str] = (),
    schema: Schema | None = None,
    roles: Mapping[str, Any] | None = None,
    task: Callable[[], int] | None = None,
    anything: Any = None,
) -> int:
    """Return n."""
    return n


@pytest.mark.parametrize(
    "given",
    [
        {"n": np.int64(3)},
        {"n": 3, "share": 1},
        {"n": 3, "path": Path("x"), "names": "a", "roles": {}},
        {"n": 3, "path": "x", "names": ["a", "b"], "task": int, "anything": object()},
    ],
)
def test_what_the_annotations_allow_goes_through(given) -> None:
    assert everything(**given) == 3


def test_a_class_is_known_by_its_name() -> None:
    from fieldfare.schema.schema import Schema

    assert everything(3, schema=Schema()) == 3


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("n", 2.0, "an integer"),
        ("n", True, "an integer"),
        ("n", 2**63, "below 2\\*\\*63"),
        ("share", float("nan"), "a number"),
        ("share", "0.5", "a number"),
        ("path", b"x", "a path"),
        ("path", "\ud800", "a path"),
        ("path", "a\0b", "a path"),
        ("names", [1], "text"),
        ("names", {"a": 1}, "a list"),
        ("names", BytesIO(b"a"), "a list"),
        ("several", BytesIO(b"a"), "a list"),
        ("schema", {"a": 1}, "a Schema or None"),
        ("roles", [("a", 1)], "a mapping"),
        ("task", 3, "a function"),
    ],
)
def test_anything_else_names_the_parameter(name, value, words) -> None:
    with pytest.raises(ConfigError, match=f"'{name}' parameter of everything must be .*{words}"):
        everything(**{"n": 3, name: value})


def test_values_that_cannot_be_shown_are_refused_too() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ConfigError, match="of type list"):
        everything(deep)  # type: ignore[arg-type]


@checked
def two(first: Any, second: int = 0, *, third: int = 0, **others: Any) -> int:
    return len(first) + second


@checked
def only(first: Any, second: int = 0, *, n_factors: int = 0) -> int:
    return len(first, second)  # type: ignore[call-arg]


def test_a_call_with_arguments_that_there_are_not_says_which_there_are() -> None:
    with pytest.raises(ConfigError, match="two takes first, second without a name; the rest is"):
        two([], 1, 2)  # type: ignore[misc]
    with pytest.raises(ConfigError, match="no parameter 'k' of only. Did you mean 'n_factors'"):
        only([], k=3)  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match="Dataset must be Rows, such as load_data"):
        fieldfare.Dataset({"a": [1]}, label=[1])  # type: ignore[call-arg, arg-type]


def test_other_type_errors_stay_what_they_are() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'first'"):
        two()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"len\(\) takes exactly one"):
        only([])


def test_a_table_where_something_else_is_wanted_is_named_and_not_printed() -> None:
    with pytest.raises(ConfigError, match=r"Got a value of type ndarray of shape \(9, 9\)"):
        everything(np.zeros((9, 9)))  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [np.array(["a", "b"]), {"a": 1, "b": 2}.keys()])
def test_a_sequence_arrives_as_one(given) -> None:
    @checked
    def first(names: Sequence[str] | None = None) -> Any:
        return names or ()

    assert first(given) == ["a", "b"]
    assert first(names=given) == ["a", "b"]
    assert first(("a", "b")) == ("a", "b")


def test_too_little_memory_has_a_code() -> None:
    @checked
    def ask(n: int) -> Any:
        raise MemoryError(f"Unable to allocate {n} bytes")

    with pytest.raises(ResourceError, match=r"ask needs more memory .*allocate 3 bytes"):
        ask(3)
