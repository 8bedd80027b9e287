"""Data: anything that holds samples becomes Rows, and a Schema says what they mean."""

from fieldfare.data.column import Column
from fieldfare.data.dispatch import Dataset, load
from fieldfare.data.schema import Schema

__all__ = ["Column", "Dataset", "Schema", "load"]
