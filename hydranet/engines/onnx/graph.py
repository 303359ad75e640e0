"""One ONNX graph under construction. Values are names; constants are stored with the graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    OperatorSetIdProto,
    TensorProto,
    helper,
    numpy_helper,
)

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

    def outside(self, name: str, values: NDArray[Any]) -> str:
        """A constant like `values` that is not stored with the graph but handed over under `name`
        when the graph is opened."""
        kind = helper.np_dtype_to_tensor_dtype(values.dtype)
        tensor = TensorProto(name=name, data_type=kind, dims=values.shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=name)
        self._constants.append(tensor)
        return name

    def several(self, operator: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """A node with so many outputs, which are returned."""
        names = [f"{operator.lower()}_{len(self._nodes)}_{part}" for part in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names, names[0], **attributes))
        return names

    def include(self, graph: GraphProto, **given: str) -> dict[str, str]:
        """All nodes and constants of another graph, whose inputs are `given`; what its outputs are
        called here."""
        prefix = f"included_{len(self._nodes)}_"
        for tensor in graph.initializer:
            copy = TensorProto()
            copy.CopyFrom(tensor)
            copy.name = prefix + tensor.name
            self._constants.append(copy)
        for node in graph.node:
            own = NodeProto()
            own.CopyFrom(node)
            own.name = prefix + node.name
            own.input[:] = [given.get(name, prefix + name) for name in node.input]
            own.output[:] = [prefix + name for name in node.output]
            self._nodes.append(own)
        return {output.name: prefix + output.name for output in graph.output}

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
        self,
        *,
        inputs: Mapping[str, tuple[type, Shape | None]],
        outputs: Mapping[str, str],
        whole: Collection[str] = (),
        operators: Sequence[OperatorSetIdProto] = (),
    ) -> ModelProto:
        """The finished graph. `inputs`: types and shapes; `outputs`: which value each one is;
        `whole`: those outputs that are int64, not float; `operators`: the sets of operators that
        its nodes are of, ONNX's own unless given."""
        rename = {value: name for name, value in outputs.items()}
        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [rename.get(value, value) for value in names]
        typed = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), at)
            for name, (kind, at) in inputs.items()
        ]
        given = [
            helper.make_tensor_value_info(
                name, TensorProto.INT64 if name in whole else TensorProto.FLOAT, None
            )
            for name in outputs
        ]
        graph = helper.make_graph(self._nodes, "hydranet", typed, given, self._constants)
        sets = operators or [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=sets, ir_version=IR)
