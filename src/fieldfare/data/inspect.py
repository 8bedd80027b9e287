"""Inspection: what a data file holds, and what looks wrong with it."""

from __future__ import annotations

import html
import math
import warnings
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._tables import aligned_lines
from fieldfare._typing import AnyArray
from fieldfare.data.dataset import Dataset
from fieldfare.data.findings import constant_columns, identifiers
from fieldfare.data.leaks import BLOCK_ROWS, classes_of, leaks
from fieldfare.data.loading import load, open_samples
from fieldfare.data.repeats import duplicates, share_known
from fieldfare.data.road import Options
from fieldfare.data.sizes import Sizes
from fieldfare.data.stretches import stretches
from fieldfare.data.unseen import ALL, Unseen
from fieldfare.exceptions import DataWarning
from fieldfare.rows import Rows
from fieldfare.schema.guesses import guesses
from fieldfare.schema.infer import NOTHING_INFERRED, Inferred, infer_columns
from fieldfare.schema.schema import Schema
from fieldfare.sources.files import are_files
from fieldfare.sources.frames import to_pandas
from fieldfare.sources.reading import only_reading, without_reading
from fieldfare.sources.source import Source, Table

# What is looked at closely, some 60 bytes an entry; of more entries, stretches from all over.
_SAMPLE_ENTRIES = 4_000_000


@dataclass(frozen=True)
class Inspection:
    """What a source holds; printing it gives a report.

    Parameters
    ----------
    format : str
        Such as "CSV, separator ',', header" or "libffm, gzip".
    n_rows, n_entries, n_features, n_fields : int
    target : dict
        ``classes`` (counts by value, up to 20 values), or ``mean``, ``std``, ``min``, ``max``;
        empty without a target.
    missing : dict of str to float
        Share of missing values of each column that has some.
    n_sampled : int
        Rows that duplicates, findings and unseen values are about: all of them, or, of a source of
        more than four million entries, stretches of rows from all over it.
    duplicates : int
        Rows whose features all occurred in an earlier row.
    findings : tuple of str
        What looks wrong, one sentence each.
    unseen : dict of str to float
        Share of the entries of a second source (per column, or "all") that the first does not
        contain.
    schema : Schema
        What was inferred.
    reasons : dict of str to str
        Why each column is taken for what it is, in a few words.
    """

    format: str
    n_rows: int
    n_entries: int
    n_features: int
    n_fields: int
    n_sampled: int
    target: dict[str, Any]
    missing: dict[str, float]
    duplicates: int
    findings: tuple[str, ...]
    unseen: dict[str, float]
    schema: Schema = field(repr=False)
    reasons: dict[str, str] = field(repr=False, default_factory=dict)

    def to_frame(self) -> Any:
        """Return the columns as a pandas DataFrame: what each is taken for, why, and its gaps.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        rows = [
            {
                "column": column.name,
                "taken for": column.kind,
                "because": self.reasons.get(column.name, ""),
                "missing": self.missing.get(column.name, 0.0),
                "unseen": self.unseen.get(column.name, 0.0 if self.unseen else math.nan),
            }
            for column in self.schema.columns
        ]
        return to_pandas(rows, columns=("column", "taken for", "because", "missing", "unseen"))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def __str__(self) -> str:
        per_row = self.n_entries / max(self.n_rows, 1)
        lines = [
            f"format       {self.format}",
            f"rows         {self.n_rows}, {per_row:.1f} features each",
            f"features     {self.n_features} in {self.n_fields} fields",
            f"target       {_target_text(self.target)}",
            f"duplicates   {self.duplicates} rows repeat the features of an earlier row",
        ]
        if self.n_sampled < self.n_rows:
            lines += [f"sample       duplicates and findings are of {self.n_sampled} rows only"]
        if self.missing:
            lines += ["missing      " + _shares(self.missing)]
        if self.unseen:
            lines += _unseen_text(self.unseen)
        if not self.schema.is_indexed:
            lines += ["", str(self.schema)]
        if self.reasons:
            lines += ["", *self._reasons_text()]
        n = len(self.findings)
        found = f"{n} finding{'s' if n > 1 else ''}" if n else "Nothing looks wrong."
        lines += ["", found]
        return "\n".join([*lines, *(f"- {finding}" for finding in self.findings)])

    def _reasons_text(self) -> list[str]:
        cells = [
            [name, self.schema.column(name).kind, reason] for name, reason in self.reasons.items()
        ]
        lines = aligned_lines(["column", "taken for", "because"], cells, left={0, 1, 2})
        return [
            *lines,
            "categorical=, numeric=, ignore= and bins= overrule this (--categorical ...).",
        ]


@checked
def inspect(
    source: Any, target: str | int | None = None, against: Any = None, **how: Any
) -> Inspection:
    """Say what a source holds and what looks wrong with it.

    Parameters
    ----------
    source : anything that `load` takes
    target : str, int or None
        Column to be predicted, by name or position.
    against : anything that `load` takes, or None
        A second source, such as the test file: how much of it the first does not contain.
    **how
        What is said about columns (``schema``, ``weight``, ``group``, ``categorical``, ``numeric``,
        ``ignore``, ``bins`` and ``na_values``), and how files are to be read (``format``,
        ``header``, ``names`` and ``sep``, which hold for both sources), as for
        `fieldfare.load_data`.

    Returns
    -------
    Inspection

    Raises
    ------
    DataError
        If a source cannot be read.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        data, opened, form = _load(source, {"target": target} | how)
    inferred = _inferred(opened, data.schema, how)
    guessed = guesses(opened) if isinstance(opened, Table) and target is None else []
    rows, schema = data.rows, data.schema
    # Without the code that warnings end with.
    findings = [str(w.message.args[0]) for w in caught if isinstance(w.message, Warning)]
    findings += guessed
    sample = _sample(data)
    n_duplicates, contradictions = duplicates(sample.rows)
    if contradictions:
        findings.append(
            f"{contradictions} rows have the features of an earlier row and another target."
        )
    findings += _target_findings(rows) + constant_columns(sample) + _field_findings(sample)
    findings += _size_findings(sample) + identifiers(schema, inferred.identifiers) + leaks(sample)
    unseen = {}
    if against is not None:
        form_of_both = only_reading(how) if are_files(against) else {}
        other = load(against, schema=schema, labelled=False, **form_of_both)
        unseen = _unseen(data, _sample(other))
        if share := share_known(rows, other.rows):
            findings.append(f"{share:.0%} of the rows of the second source stand in the first.")
    return Inspection(
        format=form,
        n_rows=rows.n_rows,
        n_entries=rows.nnz,
        n_features=schema.n_features,
        n_fields=schema.n_fields,
        n_sampled=sample.rows.n_rows,
        target=_target_summary(rows, schema),
        missing=_missing(schema),
        duplicates=n_duplicates,
        findings=tuple(findings),
        unseen=unseen,
        schema=schema,
        reasons=inferred.reasons,
    )


def _load(source: Any, how: dict[str, Any]) -> tuple[Dataset, Any, str]:
    """Return the samples of a source, the open source, and what kind it is in a few words."""
    opened = open_samples(source, Options.of(**how))
    data = load(opened, labelled=None, **without_reading(how))
    if isinstance(opened, Source):
        return data, opened, opened.description
    return data, opened, "RowStore" if data.store is not None else type(source).__name__


def _inferred(opened: Any, schema: Schema, how: dict[str, Any]) -> Inferred:
    """Return why columns are what they are: once more, because a cache does not hold it."""
    if not isinstance(opened, Table) or how.get("schema") is not None:
        return NOTHING_INFERRED
    hints = Options.of(**how).hints
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return infer_columns(opened, schema.target, schema.weight, schema.group, hints)


def _target_summary(rows: Rows, schema: Schema) -> dict[str, Any]:
    if rows.target is None or not len(rows):
        return {}
    if (classes := classes_of(rows.target)) is not None:
        names, (values, counts) = schema.target_classes, classes
        labels = [f"{v:g}" if names is None else names[int(v)] for v in values]
        return {"classes": dict(zip(labels, counts.tolist(), strict=True))}
    y = rows.target
    mean = float(y.mean(dtype=np.float64))
    blocks = (y[start : start + BLOCK_ROWS] for start in range(0, len(y), BLOCK_ROWS))
    squares = sum(float(((block - mean) ** 2).sum()) for block in blocks)
    return {
        "mean": mean, "std": float(np.sqrt(squares / len(y))), "min": y.min(), "max": y.max(),
    }  # fmt: skip


def _target_findings(rows: Rows) -> list[str]:
    if rows.target is None:
        return ["There is no target."]
    if (classes := classes_of(rows.target)) is None:
        return []
    values, counts = classes
    if len(values) == 1:
        return [f"All targets are {values[0]:g}: there is nothing to learn."]
    if len(values) == 2 and counts.min() < 0.001 * counts.sum():
        return [f"Only {counts.min()} of {counts.sum()} targets are {values[counts.argmin()]:g}."]
    return []


def _missing(schema: Schema) -> dict[str, float]:
    if schema.fitted is None or not schema.n_rows:
        return {}
    return {
        column.name: fitted.n_missing / schema.n_rows
        for column, fitted in zip(schema.columns, schema.fitted, strict=True)
        if fitted is not None and fitted.n_missing
    }


def _field_findings(data: Dataset) -> list[str]:
    """Report features that occur under several fields (libffm)."""
    rows, schema = data.rows, data.schema
    if not schema.is_indexed or rows.fields is None:
        return []
    ids = rows.indices[rows.span]
    mixed = np.unique(ids[schema.field_of[ids] != rows.fields[rows.span]])
    if not len(mixed):
        return []
    shown = ", ".join(map(str, mixed[:5].tolist()))
    return [f"{len(mixed)} features occur under more than one field, such as {shown}."]


def _size_findings(data: Dataset) -> list[str]:
    """Report numbers that others are lost beside; the columns of tables are standardised."""
    if not data.schema.is_indexed or data.rows.values is None:
        return []
    sizes = Sizes(data.schema.n_features)
    sizes.add(data.rows)
    if not sizes.unequal:
        return []
    large, small = sizes.extremes()
    return [
        f"Numbers differ much in size, or vary little: feature {data.schema.feature_name(large)!r} "
        f"is about {sizes.sizes[large]:.3g}, and feature {data.schema.feature_name(small)!r} about "
        f"{sizes.sizes[small]:.3g}. Training scales them (scale_features='auto')."
    ]


def _sample(data: Dataset) -> Dataset:
    """Return what may be looked at closely: everything, or stretches of rows from all over."""
    if data.rows.nnz <= _SAMPLE_ENTRIES:
        return data
    return replace(data, rows=stretches(data.rows, _SAMPLE_ENTRIES))


def _unseen(data: Dataset, other: Dataset) -> dict[str, float]:
    """Return the shares of entries of the second source that the first does not contain."""
    ids = other.rows.indices[other.rows.span]
    if not len(ids):
        return {}
    schema = data.schema
    if schema.fitted is not None:
        return Unseen(schema).add(other.rows).shares()
    seen: AnyArray = np.zeros(max(schema.n_features, other.rows.n_features), bool)
    for start in range(0, data.rows.n_rows, BLOCK_ROWS):
        block = data.rows.slice(start, start + BLOCK_ROWS)
        seen[block.indices[block.span]] = True
        if data.store is not None:
            data.store.evict(np.arange(start, start + len(block)))
    return {ALL: float(1 - seen[ids].mean())}


def _target_text(target: dict[str, Any]) -> str:
    if not target:
        return "none"
    if "classes" in target:
        total = sum(target["classes"].values())
        return ", ".join(f"{k}: {n} ({n / total:.1%})" for k, n in target["classes"].items())
    return ", ".join(f"{name} {value:.6g}" for name, value in target.items())


def _shares(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in shares.items())


def _unseen_text(shares: dict[str, float]) -> list[str]:
    """Return one line per column that has unseen values, the largest share first."""
    some = sorted(((share, name) for name, share in shares.items() if share), reverse=True)
    if not some:
        return ["unseen       nothing: the second source has no value that the first lacks"]
    lines = [f"{name}: {share:.1%} of its values" for share, name in some]
    return [f"{'' if i else 'unseen':13}{line}" for i, line in enumerate(lines)]
