"""The score of a model as an ONNX graph over the entries of samples.

As in training, no pair of entries is visited: the interactions of an FM follow from lemma 3.1 of
Rendle 2010, those of FFM and FwFM from sums by field. The ANOVA kernels of an HOFM are computed
from power sums by Newton's identities, because a graph has no fast loop over entries; in float64,
because the terms partly cancel each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from fieldfare.export.onnx_entries import GraphEntries
from fieldfare.export.onnx_graph import DOUBLE, FLOAT, Graph
from fieldfare.export.packing import Packed
from fieldfare.export.support import check_interactions
from fieldfare.kinds.models import InteractionForm
from fieldfare.models.base import Model

PackedArrays = Mapping[str, Packed]


def add_outputs(model: Model, packed: PackedArrays, entries: GraphEntries) -> None:
    """Add the outputs ``score`` and ``prediction`` to the graph of the entries.

    They have the shape (batch,), and (batch, n_outputs) if the model is multiclass.
    """
    graph, task = entries.graph, model.config.task
    score = _score(model, packed, entries)
    shape: list[str | int] = ["batch"]
    if task == "multiclass":
        shape.append(model.n_outputs)
    else:
        score = graph("Squeeze", score, graph.ints(1))
    graph.output("score", score, shape)
    if task == "binary":
        score = graph("Sigmoid", score)
    elif task == "multiclass":
        score = graph("Softmax", score, axis=1)
    graph.output("prediction", score, shape)


def _score(model: Model, packed: PackedArrays, entries: GraphEntries) -> str:
    """Return the raw scores, (batch, n_outputs)."""
    graph = entries.graph
    if model.config.instance_norm:
        entries.normalise(unknown=model.config.norm_unknown)
    weighted = graph("Mul", entries.gather(packed["linear"]), entries.values)
    score = graph("Add", entries.total(weighted, model.n_outputs), graph.constant(model.bias))
    if model.factors is None:
        return score
    check_interactions(model, "The ONNX export", _INTERACTIONS)
    interactions = _INTERACTIONS[model.traits.interactions]
    products = graph("Mul", entries.gather(packed["factors"]), entries.values)
    return graph("Add", score, interactions(model, entries, products))


def _fm(model: Model, entries: GraphEntries, products: str) -> str:
    """Return half of (sum of x v)^2 - sum of (x v)^2, summed over the factors."""
    graph, k = entries.graph, model.config.total_factors
    size = model.n_outputs * k
    sums = entries.total(products, size)
    squares = entries.total(graph("Mul", products, products), size)
    difference = graph("Sub", graph("Mul", sums, sums), squares)
    return graph("MatMul", difference, graph.constant(_blocks(model.n_outputs, k) / 2))


def _ffm(model: Model, entries: GraphEntries, products: str) -> str:
    """Return half of sum_ab <A[a, b], A[b, a]>, less each entry with itself.

    A[a, b] is the sum over the entries of field a of x times their vectors towards field b.
    """
    graph, k = entries.graph, model.config.total_factors
    n_outputs, n_fields = model.n_outputs, model.n_fields
    sums = entries.by_field(products, n_outputs * n_fields * k)
    sums = graph("Reshape", sums, graph.ints(0, n_fields, n_outputs, n_fields, k))
    crossed = graph("Mul", sums, graph("Transpose", sums, perm=[0, 3, 2, 1, 4]))
    everything = _wide_sum(graph, crossed, 1, 3, 4)
    squares = graph("Mul", products, products)
    lengths = graph("MatMul", squares, graph.constant(_blocks(n_outputs * n_fields, k)))
    lengths = entries.by_field(lengths, n_outputs * n_fields)
    # An entry of field a meets itself with its vector towards field a: the diagonal.
    own = np.tile(np.eye(n_fields, dtype=np.float32), (1, n_outputs))
    lengths = graph("Mul", lengths, graph.constant(own))
    lengths = graph("Reshape", lengths, graph.ints(0, n_fields, n_outputs, n_fields))
    return _half_difference(graph, everything, _wide_sum(graph, lengths, 1, 3))


def _fwfm(model: Model, entries: GraphEntries, products: str) -> str:
    """Return half of sum_ab r[a, b] <A[a], A[b]>, less each entry with itself.

    A[a] is the sum over the entries of field a of x times their vectors.
    """
    assert model.pair_weights is not None
    graph, k = entries.graph, model.config.total_factors
    n_outputs, n_fields = model.n_outputs, model.n_fields
    sums = entries.by_field(products, n_outputs * k)
    sums = graph("Reshape", sums, graph.ints(0, n_fields, n_outputs, k))
    sums = graph("Transpose", sums, perm=[0, 2, 1, 3])
    weighted = graph("MatMul", graph.constant(model.pair_weights), sums)
    everything = _wide_sum(graph, graph("Mul", weighted, sums), 2, 3)
    squares = graph("Mul", products, products)
    lengths = graph("MatMul", squares, graph.constant(_blocks(n_outputs, k)))
    lengths = entries.by_field(lengths, n_outputs)
    own = np.ascontiguousarray(np.diagonal(model.pair_weights, axis1=1, axis2=2).T)
    itself = _wide_sum(graph, graph("Mul", lengths, graph.constant(own)), 1)
    return _half_difference(graph, everything, itself)


def _wide_sum(graph: Graph, value: str, *axes: int) -> str:
    """Sum in float64, because the many pairs of fields partly cancel each other."""
    return graph("ReduceSum", graph.cast(value, DOUBLE), graph.ints(*axes), keepdims=0)


def _half_difference(graph: Graph, left: str, right: str) -> str:
    half = graph.constant(np.array(0.5))
    return graph.cast(graph("Mul", graph("Sub", left, right), half), FLOAT)


def _hofm(model: Model, entries: GraphEntries, products: str) -> str:
    """Return the sum of the kernels A^t = (1/t) sum_{s=1..t} (-1)^(s-1) A^(t-s) (sum of p^s)."""
    graph, parts = entries.graph, model.config.factor_blocks
    order, n_outputs = parts[-1].highest, model.n_outputs
    size = n_outputs * model.config.total_factors
    power = products = graph.cast(products, DOUBLE)
    sums = [entries.total(power, size)]
    for _ in range(1, order):
        power = graph("Mul", power, products)
        sums.append(entries.total(power, size))
    kernels: list[str] = [graph.constant(np.ones(1))]
    score = ""
    for t in range(1, order + 1):
        kernel = ""
        for s in range(1, t + 1):
            term = graph("Mul", kernels[t - s], sums[s - 1])
            kernel = graph("Sub" if s % 2 == 0 else "Add", kernel, term) if kernel else term
        kernels.append(graph("Div", kernel, graph.constant(np.array(float(t)))))
        if t > 1:
            serves = np.repeat([part.lowest <= t <= part.highest for part in parts],
                               [part.n_factors for part in parts])  # fmt: skip
            chosen = np.kron(np.eye(n_outputs), serves[:, np.newaxis])
            term = graph("MatMul", kernels[t], graph.constant(chosen))
            score = graph("Add", score, term) if score else term
    return graph.cast(score, FLOAT)


def _blocks(n: int, length: int) -> np.ndarray:
    """Return the float32 matrix that sums each of ``n`` runs of ``length`` numbers."""
    return np.repeat(np.eye(n, dtype=np.float32), length, axis=0)


_INTERACTIONS: dict[InteractionForm, Callable[[Model, GraphEntries, str], str]] = {
    InteractionForm.PAIRS: _fm,
    InteractionForm.FIELD_AWARE: _ffm,
    InteractionForm.FIELD_WEIGHTED: _fwfm,
    InteractionForm.ALL_ORDERS: _hofm,
}
