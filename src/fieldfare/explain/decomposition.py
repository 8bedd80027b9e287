"""One score taken apart: bias, terms of features, of pairs, and of higher orders together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fieldfare._typing import JSON, Float64Array, Int64Array
from fieldfare.exceptions import DataError
from fieldfare.explain.entries import (
    as_rows,
    count_fields,
    entries_of,
    explained_class,
    feature_name,
    field_name,
    outputs,
)
from fieldfare.explain.ranking import format_table
from fieldfare.models.base import Model

SHOWN = 20


@dataclass(frozen=True, eq=False)
class Explanation:
    """The exact decomposition of one score: it is the sum of its terms.

    Parameters
    ----------
    score : float
        Score of the sample (before the logistic or softmax function): ``bias + linear.sum() +
        pair_terms.sum() + higher.sum()``.
    prediction : float or None
        What the model predicts: the number, or the probability of the explained class.
    label : object or None
        The class explained: the second one of a binary model; None for a regression.
    bias : float
        Term of the intercept.
    features : int64 array of shape (m,)
        Features of the sample that the model knows.
    values : float64 array of shape (m,)
        Their values, after instance normalisation if the model has it.
    linear : float64 array of shape (m,)
        Term of each feature on its own.
    first, second : int64 array of shape (m * (m - 1) / 2,)
        Positions in ``features`` of the two sides of each pair.
    pair_terms : float64 array of shape (m * (m - 1) / 2,)
        Term of each pair.
    higher : float64 array of shape (order - 2,)
        Sum of the terms of all triples, of all quadruples, and so on; empty but for HOFM.
    feature_names : tuple of str
        Name of each of ``features``.
    fields : int64 array of shape (m,) or None
        Field of each of ``features``.
    field_names : tuple of str
        Names of all fields.
    n_unknown : int
        Entries of the sample that the model does not know and leaves out.
    """

    score: float
    prediction: float | None
    label: Any
    bias: float
    features: Int64Array
    values: Float64Array
    linear: Float64Array
    first: Int64Array
    second: Int64Array
    pair_terms: Float64Array
    feature_names: tuple[str, ...]
    fields: Int64Array | None = None
    field_names: tuple[str, ...] = field(default=())
    n_unknown: int = 0
    higher: Float64Array = field(default_factory=lambda: np.zeros(0))

    def terms(self) -> list[tuple[str, float]]:
        """Return (description, term) of everything, the largest in absolute value first."""
        names = self.feature_names
        found = [("bias", self.bias)]
        found += zip(names, self.linear.tolist(), strict=True)
        found += [
            (f"{names[i]} x {names[j]}", term)
            for i, j, term in zip(self.first, self.second, self.pair_terms.tolist(), strict=True)
        ]
        found += [(f"interactions of {t} features", term) for t, term in self._by_order()]
        return sorted((item for item in found if item[1] != 0), key=lambda item: -abs(item[1]))

    def _by_order(self) -> list[tuple[int, float]]:
        return list(enumerate(self.higher.tolist(), 3))

    def field_matrix(self) -> Float64Array:
        """Return what each pair of fields adds to the score.

        Returns
        -------
        float64 array of shape (n_fields, n_fields)
            Symmetric. Each entry off the diagonal is the sum of the terms of the pairs between two
            fields, the diagonal that of the pairs within a field; so the upper triangle with the
            diagonal sums to ``pair_terms.sum()``.

        Raises
        ------
        DataError
            If the data have no fields.
        """
        if self.fields is None:
            raise DataError(
                "A matrix of field pairs needs data with fields. This sample has none: use a "
                "table with columns, libffm text, or Rows with fields."
            )
        n = len(self.field_names)
        matrix = np.zeros((n, n))
        a, b = self.fields[self.first], self.fields[self.second]
        np.add.at(matrix, (np.minimum(a, b), np.maximum(a, b)), self.pair_terms)
        return np.asarray(matrix + np.triu(matrix, 1).T)

    def to_dict(self) -> JSON:
        """Return plain numbers, text and lists, ready for JSON."""
        names = self.feature_names
        return {
            "score": self.score,
            "prediction": self.prediction,
            "label": self.label,
            "bias": self.bias,
            "n_unknown": self.n_unknown,
            "linear": [
                {"feature": int(i), "name": name, "value": value, "term": term}
                for i, name, value, term in zip(
                    self.features, names, self.values.tolist(), self.linear.tolist(), strict=True
                )
            ],
            "pairs": [
                {
                    "features": [int(self.features[i]), int(self.features[j])],
                    "names": [names[i], names[j]],
                    "term": term,
                }
                for i, j, term in zip(
                    self.first, self.second, self.pair_terms.tolist(), strict=True
                )
            ],
            "higher": [{"order": t, "term": term} for t, term in self._by_order()],
        }

    def __str__(self) -> str:
        terms = self.terms()
        shown, rest = terms[:SHOWN], terms[SHOWN:]
        rows = [(f"{term:+.4f}", name) for name, term in shown]
        if rest:
            total = sum(term for _, term in rest)
            rows.append((f"{total:+.4f}", f"(the other {len(rest)} terms)"))
        rows.append((f"{self.score:+.4f}", "score"))
        if self.prediction is not None:
            what = "prediction" if self.label is None else f"probability of {self.label!r}"
            rows.append((f"{self.prediction:.4f}", what))
        lines = [format_table(("term", "of"), rows, left=(1,))]
        if self.n_unknown:
            lines.append(f"Left out: {self.n_unknown} entries that the model does not know.")
        return "\n".join(lines)


def explain(model: Model, data: Any, row: int = 0, *, label: Any = None) -> Explanation:
    """Take the score of one sample apart.

    The score of a factorization machine is a sum by definition (Rendle 2010, eq. 1; Juan et al.
    2016, eq. 4), so this is exact and no approximation: its terms add up to the score. Of an HOFM
    each pair has its term, while triples, quadruples and so on, of which there are too many to
    list, have one term an order.

    Parameters
    ----------
    model : Model
        Any trained model.
    data : Rows, path, table or array
        What holds the sample; other than Rows it is encoded with the schema of the model.
    row : int, default=0
        Which sample; negative numbers count from the end.
    label : object, default=None
        For models of several classes, the class whose score is explained; None means the class
        with the highest score.

    Returns
    -------
    Explanation

    Raises
    ------
    DataError
        If there is no such row.
    ConfigError
        If there is no such class.

    Examples
    --------
    >>> print(explain(model, "test.csv", row=3))  # doctest: +SKIP
    """
    rows = as_rows(model, data)
    if not -len(rows) <= row < len(rows):
        raise DataError(
            f"There is no row {row}: the data have {len(rows)} rows, which count from 0."
        )
    row %= len(rows)
    one = rows.slice(row, row + 1)
    scores = model.score(one, n_threads=1)[0]
    output = int(np.argmax(scores)) if label is None else outputs(model, label)[0]
    seen = entries_of(model, one)
    linear = seen.values * model.linear[seen.ids, output].astype(np.float64)
    first, second, terms = model.pair_terms(seen.ids, seen.fields, seen.values, output)
    higher = model.higher_terms(seen.ids, seen.values, output)
    bias = float(model.bias[output])
    predicted = np.atleast_1d(model.predict(one)[0])
    n_fields = count_fields(model, seen.fields)
    return Explanation(
        score=bias + float(linear.sum()) + float(terms.sum()) + float(higher.sum()),
        prediction=float(predicted[output if len(predicted) > 1 else 0]),
        label=explained_class(model, output),
        bias=bias,
        features=seen.ids,
        values=seen.values,
        linear=linear,
        first=first,
        second=second,
        pair_terms=terms,
        feature_names=tuple(feature_name(model, int(i)) for i in seen.ids),
        fields=seen.fields,
        field_names=tuple(field_name(model, f) for f in range(n_fields)),
        n_unknown=one.nnz - len(seen.ids),
        higher=higher,
    )
