"""Every hyperparameter has a default, a constraint and a sentence, and refuses what breaks it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fieldfare import config
from fieldfare._validation import AnyOf, Constraint, Flag, Instance, Named, Number, OneOf, Several
from fieldfare.exceptions import ConfigError

GROUPS = [
    group
    for group in vars(config).values()
    if isinstance(group, type) and issubclass(group, config.Config) and group is not config.Config
]
PARAMETERS = [
    pytest.param(group, item, id=f"{group.__name__}-{item.name}")
    for group in GROUPS
    for item in dataclasses.fields(group)
]
STRANGE: tuple[Any, ...] = (object(), [1], b"x", 1j, "no such word", -7, 2.5, float("nan"), None)


def just_outside(constraint: Constraint) -> list[Any]:
    """Values at the wrong side of each bound, and of neighbouring types."""
    match constraint:
        case Number(low, high, low_open, high_open, integer):
            step = 1 if integer else 1e-9
            bad: list[Any] = [float("nan"), float("inf"), "1", None, True]
            bad += [] if low is None else [low if low_open else low - step]
            bad += [] if high is None else [high if high_open else high + step]
            return bad + ([1.5] if integer else [])
        case Flag():
            return [0, 1, "true", None]
        case OneOf():
            return ["no such option", 12345, None]
        case Several(each):
            return [(), *((value,) for value in just_outside(each))]
        case Instance() | Named():
            return [object()]
        case AnyOf(constraints):
            return [value for one in constraints for value in just_outside(one)]
    raise AssertionError(f"this test does not know the constraint {constraint!r}")


@pytest.mark.parametrize(("group", "item"), PARAMETERS)
def test_each_is_declared_in_full(group: type, item: dataclasses.Field[Any]) -> None:
    assert item.default is not dataclasses.MISSING
    assert item.metadata["constraint"].allows(item.default)
    assert str(item.metadata["constraint"])
    for sentences in (item.metadata["doc"], config.description(item)):
        assert sentences[0].isupper() or sentences[0] in "'0123456789"
        assert sentences.endswith(".")


@pytest.mark.parametrize(("group", "item"), PARAMETERS)
def test_each_refuses_what_its_constraint_does(group: type, item: dataclasses.Field[Any]) -> None:
    constraint = item.metadata["constraint"]
    bad = [v for v in (*STRANGE, *just_outside(constraint)) if not constraint.allows(v)]
    anything = isinstance(constraint, Instance) and constraint.types == (object,)
    assert bad or anything
    for value in bad:
        with pytest.raises(ConfigError) as caught:
            group(**{item.name: value})
        message = str(caught.value)
        assert repr(item.name) in message
        assert str(constraint) in message
        assert repr(value) in message
        assert caught.value.code in message


@pytest.mark.parametrize("group", GROUPS)
def test_groups_are_frozen_and_documented(group: type) -> None:
    assert group.__doc__
    made = group()
    name = dataclasses.fields(made)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, name, getattr(made, name))


def test_no_name_is_used_by_two_groups() -> None:
    names = [item.name for group in GROUPS for item in dataclasses.fields(group)]
    assert len(names) == len(set(names))
