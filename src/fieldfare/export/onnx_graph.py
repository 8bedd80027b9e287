"""An ONNX graph, built node by node with `onnx.helper`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray
from fieldfare._version import __version__
from fieldfare.exceptions import ConfigError

# The lowest versions with StringSplit and LabelEncoder; onnxruntime knows them from 1.18 on.
OPSET, ML_OPSET, IR_VERSION = 20, 3, 9
ML = "ai.onnx.ml"
FLOAT, INT64, STRING, DOUBLE = 1, 7, 8, 11

# Protobuf counts the bytes of a message in a signed 32-bit integer. Some are left for nodes and
# names.
_LARGEST = 2**31 - 2**20


class Graph:
    """A graph under construction; nodes and constants are referred to by the name of their result.

    The names of results contain a slash and a prefix, so that they differ from the inputs, which
    are named after columns.
    """

    def __init__(self) -> None:
        self._onnx = require("onnx", "onnx")
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._known: dict[Any, str] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._n_bytes = 0

    def input(self, name: str, kind: int, shape: Sequence[int | str]) -> str:
        """Declare an input and return its name; dimensions given by name are free."""
        self._inputs.append(self._onnx.helper.make_tensor_value_info(name, kind, list(shape)))
        return name

    def output(self, name: str, value: str, shape: Sequence[int | str]) -> None:
        """Declare that a value is the float output ``name``."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name]))
        self._outputs.append(self._onnx.helper.make_tensor_value_info(name, FLOAT, list(shape)))

    def constant(self, value: AnyArray) -> str:
        """Add a constant and return its name; equal small arrays are stored only once."""
        array = np.ascontiguousarray(value)
        # Large arrays get a key of their own, since comparing their bytes would take long.
        key = (array.dtype.str, array.shape, array.tobytes()) if array.size < 64 else len(self)
        if key not in self._known:
            name = self._known[key] = f"fieldfare/constant{len(self._constants)}"
            self._constants.append(self._onnx.numpy_helper.from_array(array, name))
            self._n_bytes += array.nbytes
        return self._known[key]

    def floats(self, *values: float) -> str:
        """Return the name of a constant float32 vector."""
        return self.constant(np.array(values, np.float32))

    def ints(self, *values: int) -> str:
        """Return the name of a constant int64 vector."""
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: int) -> str:
        """Return the name of a constant int64 scalar."""
        return self.constant(np.array(value, np.int64))

    def __len__(self) -> int:
        return len(self._nodes) + len(self._constants)

    def __call__(self, operator: str, *inputs: str, n: int = 1, **attributes: Any) -> str:
        """Add a node with n results and return the name of the first."""
        names = [f"fieldfare/node{len(self._nodes)}.{i}" for i in range(n)]
        node = self._onnx.helper.make_node(operator, list(inputs), names, **attributes)
        self._nodes.append(node)
        return names[0]

    def cast(self, value: str, kind: int) -> str:
        """Convert a tensor to another type."""
        return self("Cast", value, to=kind)

    def size(self, value: str, axis: int) -> str:
        """Return the size of one dimension, as an int64 vector of length one."""
        return self("Shape", value, start=axis, end=axis + 1)

    def serialise(self, facts: Mapping[str, str]) -> bytes:
        """Return the finished model with metadata, as bytes.

        Raises
        ------
        ConfigError
            If it is larger than the 2 GB that the format allows.
        """
        if self._n_bytes > _LARGEST:
            raise ConfigError(
                f"An ONNX file holds at most 2 GB, and the parameters of this model take "
                f"{self._n_bytes / 1e9:.1f} GB. Use quantize='fp16' or 'int8', or the npz format."
            )
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes, "fieldfare", self._inputs, self._outputs, self._constants
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)],
            ir_version=IR_VERSION,
            producer_name="fieldfare",
            producer_version=__version__,
        )
        helper.set_model_props(model, dict(facts))
        content: bytes = model.SerializeToString()
        return content
