"""Data: anything that holds samples becomes Rows, and a Schema says what they mean."""

from fieldfare.data.loading import Dataset, load
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema

__all__ = ["Column", "Dataset", "Schema", "load"]
