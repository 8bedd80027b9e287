"""Rows: the one data structure that every part shares, a batch of samples in CSR form."""

from fieldfare.rows.arrays import MAX_FIELD, MAX_FIELDS, MAX_INDEX, per_row
from fieldfare.rows.batch import Rows
from fieldfare.rows.related import RelatedRows, Relation, as_rows, squared_lengths

__all__ = [
    "MAX_FIELD",
    "MAX_FIELDS",
    "MAX_INDEX",
    "RelatedRows",
    "Relation",
    "Rows",
    "as_rows",
    "per_row",
    "squared_lengths",
]
