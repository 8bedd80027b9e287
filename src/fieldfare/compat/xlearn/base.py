"""The error that xLearn's users catch."""

from __future__ import annotations

from fieldfare.exceptions import FieldfareError

XLearnError = FieldfareError

__all__ = ["XLearnError"]
