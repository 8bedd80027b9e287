"""The entries of samples in an ONNX graph: flat lists with offsets, or a rectangle.

Quantities of the entries have the shape ``(*entries, D)``, those of the samples ``(batch, D)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import numpy as np

from fieldfare.export.onnx_graph import FLOAT, INT64, Graph
from fieldfare.export.packing import Packed


class GraphEntries(ABC):
    """The features of samples, with their values.

    Parameters
    ----------
    graph : Graph
    ids, values : str
        Names of int64 and float tensors of shape ``entries``.
    """

    def __init__(self, graph: Graph, ids: str, values: str) -> None:
        self.graph = graph
        self.ids = ids
        self.values = self._given = graph("Unsqueeze", values, graph.ints(-1))

    def forget_unknown(self, n_features: int, known: str | None = None) -> None:
        """Set the value of entries to zero if the model does not have their feature.

        Parameters
        ----------
        n_features : int
            Number of features of the model.
        known : str, optional
            Name of a bool tensor; entries for which it is false are zeroed too.
        """
        graph = self.graph
        inside = _inside(graph, self.ids, n_features)
        inside = inside if known is None else graph("And", inside, known)
        self.ids = graph("Where", inside, self.ids, graph.scalar(0))
        keep = graph("Unsqueeze", graph.cast(inside, FLOAT), graph.ints(-1))
        self.values = graph("Mul", self.values, keep)

    def normalise(self, *, unknown: bool) -> None:
        """Scale every sample to unit Euclidean length.

        Parameters
        ----------
        unknown : bool
            Whether the length counts the entries that `forget_unknown` has zeroed.
        """
        graph = self.graph
        counted = self._given if unknown else self.values
        squared = self.total(graph("Mul", counted, counted), 1)
        positive = graph("Greater", squared, graph.floats(0))
        length = graph("Sqrt", graph("Where", positive, squared, graph.floats(1)))
        self.values = graph("Div", self.values, self.spread(length))

    def gather(self, packed: Packed) -> str:
        """Return the parameters of each entry's feature as float, flattened to D numbers."""
        graph, data = self.graph, packed.data
        n = len(data)
        found = graph("Gather", graph.constant(data.reshape(n, -1)), self.ids)
        if data.dtype != np.float32:
            found = graph.cast(found, FLOAT)
        if packed.scale is not None:
            # One scale per feature and output, repeated over the numbers that it belongs to.
            n_outputs = packed.scale.shape[1]
            scale = graph("Gather", graph.constant(packed.scale), self.ids)
            if n_outputs > 1:
                repeated = np.repeat(np.eye(n_outputs), data[0].size // n_outputs, axis=1)
                scale = graph("MatMul", scale, graph.constant(repeated.astype(np.float32)))
            found = graph("Mul", found, scale)
        return found

    @abstractmethod
    def total(self, quantity: str, size: int) -> str:
        """Sum a quantity of D = ``size`` over the entries of each sample: (batch, D)."""

    @abstractmethod
    def by_field(self, quantity: str, size: int) -> str:
        """Sum a quantity over the entries of each sample and field: (batch, n_fields, D)."""

    @abstractmethod
    def spread(self, quantity: str) -> str:
        """Return the quantity of its sample for every entry."""


@final
class FlatEntries(GraphEntries):
    """The entries of all samples one after another; ``offsets`` says where each sample starts.

    Parameters
    ----------
    graph : Graph
    n_features : int
    n_fields : int
        0 for models without fields.
    """

    def __init__(self, graph: Graph, n_features: int, n_fields: int) -> None:
        ids = graph.input("indices", INT64, ["entries"])
        super().__init__(graph, ids, graph.input("values", FLOAT, ["entries"]))
        offsets = graph.input("offsets", INT64, ["batch_plus_1"])
        self._n_fields = n_fields
        self._batch = graph("Sub", graph.size(offsets, 0), graph.ints(1))
        self._row = self._rows(offsets)
        known = None
        if n_fields:
            fields = graph.input("fields", INT64, ["entries"])
            known = _inside(graph, fields, n_fields)
            self._field = graph("Where", known, fields, graph.scalar(0))
        self.forget_unknown(n_features, known)

    def _rows(self, offsets: str) -> str:
        """Return the sample of each entry: how many samples but the first start at or before it."""
        graph = self.graph
        starts = graph("Slice", offsets, graph.ints(1), graph.ints(-1), graph.ints(0))
        n = graph.size(self.ids, 0)
        # One more than the entries, because empty samples at the end start after the last entry.
        length = graph("Add", n, graph.ints(1))
        zeros = graph("Expand", graph.ints(0), length)
        ones = graph("Expand", graph.ints(1), graph("Shape", starts))
        marks = graph("ScatterElements", zeros, starts, ones, reduction="add")
        rows = graph("CumSum", marks, graph.scalar(0))
        return graph("Slice", rows, graph.ints(0), n, graph.ints(0))

    def total(self, quantity: str, size: int) -> str:
        graph = self.graph
        shape = graph("Concat", self._batch, graph.ints(size), axis=0)
        where = graph("Unsqueeze", self._row, graph.ints(1))
        return self._sum(quantity, shape, where)

    def by_field(self, quantity: str, size: int) -> str:
        graph = self.graph
        shape = graph("Concat", self._batch, graph.ints(self._n_fields, size), axis=0)
        places = [graph("Unsqueeze", place, graph.ints(1)) for place in (self._row, self._field)]
        return self._sum(quantity, shape, graph("Concat", *places, axis=1))

    def _sum(self, quantity: str, shape: str, where: str) -> str:
        zeros = self.graph("CastLike", self.graph("Expand", self.graph.ints(0), shape), quantity)
        return self.graph("ScatterND", zeros, where, quantity, reduction="add")

    def spread(self, quantity: str) -> str:
        return self.graph("Gather", quantity, self._row)


@final
class RectangularEntries(GraphEntries):
    """The same number of entries in every sample, some of value zero; each place has one field.

    Parameters
    ----------
    graph : Graph
    ids, values : str
        Names of tensors of shape (batch, places).
    n_fields : int
    fields : str or None
        Name of an int64 tensor of shape (places,); None if place i is the only place of field i.
    """

    def __init__(
        self, graph: Graph, ids: str, values: str, n_fields: int, fields: str | None
    ) -> None:
        super().__init__(graph, ids, values)
        self._membership = None
        if fields is not None:
            zero_one = graph.floats(0, 1)
            self._membership = graph("OneHot", fields, graph.scalar(n_fields), zero_one, axis=0)

    def total(self, quantity: str, size: int) -> str:
        return self.graph("ReduceSum", quantity, self.graph.ints(1), keepdims=0)

    def by_field(self, quantity: str, size: int) -> str:
        if self._membership is None:
            return quantity
        return self.graph("MatMul", self._membership, quantity)

    def spread(self, quantity: str) -> str:
        return self.graph("Unsqueeze", quantity, self.graph.ints(1))


def _inside(graph: Graph, numbers: str, n: int) -> str:
    """Return which of the int64 numbers are in [0, n)."""
    below = graph("Less", numbers, graph.scalar(n))
    return graph("And", below, graph("GreaterOrEqual", numbers, graph.scalar(0)))
