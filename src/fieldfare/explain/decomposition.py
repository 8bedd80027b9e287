"""The decomposition of one score: bias, terms of features and of pairs, sums of higher orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._tables import Printed
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
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.sources.frames import to_pandas

# Terms that an explanation prints one by one.
SHOWN = 20


@dataclass(frozen=True, eq=False)
class Explanation:
    """The exact decomposition of one score, which is the sum of its terms; prints as a table.

    Parameters
    ----------
    score : float
        Score of the sample, before the logistic or softmax function: ``bias + linear.sum() +
        pair_terms.sum() + higher.sum()``.
    prediction : float or None
        The prediction of the model: a number, or the probability of the explained class.
    label : object or None
        The explained class, which is the second class of a binary model; None for a regression.
    bias : float
        Term of the intercept.
    features : int64 array of shape (m,)
        The features of the sample that the model knows.
    values : float64 array of shape (m,)
        Their values, after instance normalisation if the model has it.
    linear : float64 array of shape (m,)
        Linear term of each feature.
    first, second : int64 arrays of shape (m * (m - 1) / 2,)
        Positions in ``features`` of the two features of each pair.
    pair_terms : float64 array of shape (m * (m - 1) / 2,)
        Interaction term of each pair.
    feature_names : tuple of str
        Name of each of ``features``.
    fields : int64 array of shape (m,) or None
        Field of each of ``features``; None if the data have no fields.
    field_names : tuple of str
        Names of all fields.
    n_unknown : int
        Number of entries of the sample that the model does not know and leaves out.
    higher : float64 array of shape (order - 2,)
        The sum of the terms of all triples, that of all quadruples, and so on. Empty for all models
        but HOFM.
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
        """Return (description, term) for every term that is not zero, the largest |term| first."""
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
        """Return (order, sum of the terms) for the orders from 3 on."""
        return list(enumerate(self.higher.tolist(), 3))

    def field_matrix(self) -> Float64Array:
        """Return what each pair of fields contributes to the score.

        Returns
        -------
        float64 array of shape (n_fields, n_fields)
            Symmetric. Entry (a, b) is the sum of the terms of all pairs of a feature in field a and
            one in field b; entry (a, a) that of the pairs within field a. The upper triangle with
            the diagonal therefore sums to ``pair_terms.sum()``.

        Raises
        ------
        DataError
            If the data have no fields.
        """
        if self.fields is None:
            raise DataError(
                "A matrix of field pairs needs data with fields, and this sample has none. Use a "
                "table with columns, libffm text, or Rows with fields."
            )
        n = len(self.field_names)
        matrix = np.zeros((n, n))
        a, b = self.fields[self.first], self.fields[self.second]
        np.add.at(matrix, (np.minimum(a, b), np.maximum(a, b)), self.pair_terms)
        return np.asarray(matrix + np.triu(matrix, 1).T)

    def to_dict(self) -> JSON:
        """Return numbers, strings and lists, ready for JSON."""
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

    def to_frame(self) -> Any:
        """Return all terms that are not zero as a pandas DataFrame, the largest first.

        Its columns are ``of`` and ``term``; the terms sum to the score.
        """
        return to_pandas(
            [{"of": name, "term": term} for name, term in self.terms()], ("of", "term")
        )

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self._printed(SHOWN).html()

    @checked
    def to_text(self, n_terms: int = SHOWN) -> str:
        """Return a table of the largest terms, the sum of the others, score and prediction.

        Parameters
        ----------
        n_terms : int, default=20
            How many terms to list one by one.
        """
        return str(self._printed(n_terms))

    def _printed(self, n_terms: int) -> Printed:
        terms = self.terms()
        shown, rest = terms[:n_terms], terms[n_terms:]
        rows = [(f"{term:+.4f}", name) for name, term in shown]
        if rest:
            total = sum(term for _, term in rest)
            rows.append((f"{total:+.4f}", f"(the other {len(rest)} terms)"))
        rows.append((f"{self.score:+.4f}", "score"))
        if self.prediction is not None:
            what = "prediction" if self.label is None else f"probability of {self.label!r}"
            rows.append((f"{self.prediction:.4f}", what))
        below = []
        if self.n_unknown:
            below.append(f"Left out: {self.n_unknown} entries that the model does not know.")
        return Printed(("term", "of"), rows, left=(1,), below=below)


@checked
def explain(
    model: Model | FittedEstimator, data: Any, row: int = 0, *, label: Any = None
) -> Explanation:
    """Decompose the score of one sample into its terms.

    The score of a factorization machine is a sum by definition (Rendle 2010, eq. 1; Juan et al.
    2016, eq. 4), so the decomposition is exact rather than an approximation. For an HOFM every pair
    has its own term. Triples, quadruples and so on are too many to list, so each order has one
    term.

    Parameters
    ----------
    model : Model or fitted estimator
        Any trained model.
    data : Rows, path, table or array
        Samples. Anything but Rows is encoded with the model's Schema.
    row : int, default=0
        Number of the sample, from 0; negative numbers count from the end.
    label : object, default=None
        For multiclass models, the class whose score is explained; None means the class with the
        highest score.

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
    model = model_of(model, "explain")
    rows = as_rows(model, data)
    if not -len(rows) <= row < len(rows):
        raise DataError(f"There is no row {row}: the data have {len(rows)} rows, counted from 0.")
    row %= len(rows)
    one = rows.slice(row, row + 1)
    scores = model.score(one, n_threads=1)[0]
    output = int(np.argmax(scores)) if label is None else outputs(model, label)[0]
    entries = entries_of(model, one)
    linear = entries.values * model.linear[entries.ids, output].astype(np.float64)
    first, second, terms = model.pair_terms(entries.ids, entries.fields, entries.values, output)
    higher = model.higher_terms(entries.ids, entries.values, output)
    bias = float(model.bias[output])
    predicted = np.atleast_1d(model.predict(one)[0])
    n_fields = count_fields(model, entries.fields)
    return Explanation(
        score=bias + float(linear.sum()) + float(terms.sum()) + float(higher.sum()),
        prediction=float(predicted[output if len(predicted) > 1 else 0]),
        label=explained_class(model, output),
        bias=bias,
        features=entries.ids,
        values=entries.values,
        linear=linear,
        first=first,
        second=second,
        pair_terms=terms,
        feature_names=tuple(feature_name(model, int(i)) for i in entries.ids),
        fields=entries.fields,
        field_names=tuple(field_name(model, f) for f in range(n_fields)),
        n_unknown=one.nnz - len(entries.ids),
        higher=higher,
    )
