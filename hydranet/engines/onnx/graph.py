"""One ONNX graph under construction. Values are names; constants are stored with the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET, IR = 17, 8
"""Old enough for every ONNX Runtime that this package takes."""

Shape = Sequence[int | str]


class Graph:
    """Nodes are added in the order in which they run."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output, which is returned."""
        output = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def constant(self, values: NDArray[Any]) -> str:
        """A constant; floating-point ones in single precision."""
        name = f"constant_{len(self._constants)}"
        if np.issubdtype(values.dtype, np.floating):
            values = values.astype(np.float32)
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def conv(
        self, x: str, weight: NDArray[Any], bias: NDArray[Any] | None = None, *, stride: int = 1
    ) -> str:
        """A convolution, padded by half its kernel. `weight`: (out, in, side, side)."""
        constants = [self.constant(weight)]
        if bias is not None:
            constants.append(self.constant(bias))
        side = weight.shape[2]
        return self.add(
            "Conv", x, *constants,
            kernel_shape=[side, side], strides=[stride, stride], pads=[side // 2] * 4,
        )  # fmt: skip

    def relu(self, x: str) -> str:
        """Negative values become 0."""
        return self.add("Relu", x)

    def linear(self, x: str, weight: NDArray[Any], bias: NDArray[Any]) -> str:
        """(B, in) → (B, out). `weight`: (out, in)."""
        return self.add("Gemm", x, self.constant(weight.T), self.constant(bias))

    def pooled(self, x: str) -> str:
        """(B, D, H, W) → (B, D): the mean over each map."""
        return self.add("Flatten", self.add("GlobalAveragePool", x))

    def model(
        self, *, inputs: Mapping[str, tuple[type, Shape]], outputs: Mapping[str, str]
    ) -> ModelProto:
        """The finished graph. `inputs`: types and shapes; `outputs`: which value each one is."""
        rename = {value: name for name, value in outputs.items()}
        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [rename.get(value, value) for value in names]
        typed = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), at)
            for name, (kind, at) in inputs.items()
        ]
        untyped = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self._nodes, "hydranet", typed, untyped, self._constants)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR
        )
