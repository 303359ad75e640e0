"""Graphs with int8 convolutions, made of graphs in floating point and the ranges of their values.

A convolution's weights become int8 with a scale for each channel out, its bias int32, and what
flows between convolutions, additions and their ReLUs uint8 with a scale for each value. The graph
says so by pairs of QuantizeLinear and DequantizeLinear, of which ONNX Runtime makes integer
arithmetic. Pooling and linear layers stay in floating point: they are a thousandth of the work.
Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Range = Sequence[float]
"""The least and the most that a value takes."""

PACKED = ".uint8"
"""Ends the name of a value in uint8."""

_INTEGER = ("Conv", "Add")
_LEVELS = 255
_MOST_WEIGHT = 127
_LEAST_SPAN = 1e-8


def values_of(model: ModelProto) -> list[str]:
    """The values of a graph that need a range: what goes into its convolutions, and what comes out
    of these and of additions, behind the ReLU where one follows."""
    relus = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "Relu"}
    found: dict[str, None] = {}
    for node in model.graph.node:
        if node.op_type == "Conv":
            found[node.input[0]] = None
        if node.op_type in _INTEGER:
            out = node.output[0]
            found[relus.get(out, out)] = None
    return list(found)


def quantised(model: ModelProto, ranges: Mapping[str, Range]) -> ModelProto:
    """The graph in int8. `ranges`: of all `values_of` it; an input among them comes as uint8."""
    writer = _Writer(model, ranges)
    found = ModelProto()
    found.CopyFrom(model)
    for one in found.graph.input:
        if one.name in ranges:
            writer.dequantise(one.name, packed=one.name + PACKED)
            one.name += PACKED
            one.type.tensor_type.elem_type = TensorProto.UINT8
    for node in model.graph.node:
        writer.copy(node)
    for graph_part, written in (
        (found.graph.node, writer.nodes), (found.graph.initializer, writer.constants()),
    ):  # fmt: skip
        del graph_part[:]
        graph_part.extend(written)
    return found


def with_packed_output(model: ModelProto, name: str, span: Range) -> ModelProto:
    """The graph with one of its outputs as uint8, under its name and `PACKED`."""
    found = ModelProto()
    found.CopyFrom(model)
    packed = name + PACKED
    if not any(packed in node.output for node in found.graph.node):
        writer = _Writer(ModelProto(), {name: span})
        writer.quantise(name)
        found.graph.node.append(writer.nodes[0])
        found.graph.initializer.extend(writer.constants())
    for one in found.graph.output:
        if one.name == name:
            one.name = packed
            one.type.tensor_type.elem_type = TensorProto.UINT8
    return found


def scale_and_zero(span: Range) -> tuple[np.float32, np.uint8]:
    """Of uint8 numbers that reach over a range, which is widened to hold 0."""
    least, most = min(span[0], 0.0), max(span[1], 0.0)
    scale = np.float32(max(most - least, _LEAST_SPAN) / _LEVELS)
    return scale, np.uint8(np.clip(np.rint(-least / scale), 0, _LEVELS))


class _Writer:
    """Nodes in the order in which they run."""

    def __init__(self, model: ModelProto, ranges: Mapping[str, Range]) -> None:
        self.nodes: list[NodeProto] = []
        self._ranges = ranges
        self._stored = {one.name: one for one in model.graph.initializer}
        self._made: dict[str, TensorProto] = {}
        self._now: dict[str, str] = {}

    def constants(self) -> list[TensorProto]:
        """Those that nodes read."""
        read = {name for node in self.nodes for name in node.input}
        return [*(one for name, one in self._stored.items() if name in read), *self._made.values()]

    def copy(self, node: NodeProto) -> None:
        """A node of the graph in floating point, on what has become of its inputs."""
        own = NodeProto()
        own.CopyFrom(node)
        if node.op_type == "Conv":
            own.input[1:] = self._weights(node)
        own.input[:] = [self._now.get(name, name) for name in own.input]
        self.nodes.append(own)
        for name in node.output:
            if name in self._ranges:
                self.quantise(name)
                self.dequantise(name, packed=name + PACKED)

    def quantise(self, name: str) -> None:
        """A value as uint8."""
        self._add("QuantizeLinear", [name, *self._unit(name)], name + PACKED)

    def dequantise(self, name: str, *, packed: str) -> None:
        """From now on the value is what its uint8 stands for."""
        self._now[name] = f"{name}.float"
        self._add("DequantizeLinear", [packed, *self._unit(name)], self._now[name])

    def _unit(self, name: str) -> list[str]:
        scale, zero = scale_and_zero(self._ranges[name])
        return [self._constant(f"{name}.scale", scale), self._constant(f"{name}.zero", zero)]

    def _weights(self, node: NodeProto) -> list[str]:
        """Weights and bias of a convolution; (out, in, side, side) and (out,)."""
        weight = numpy_helper.to_array(self._stored[node.input[1]]).astype(np.float64)
        most = np.abs(weight).max(axis=(1, 2, 3))  # (out,)
        scales = (np.maximum(most, _LEAST_SPAN) / _MOST_WEIGHT).astype(np.float32)
        packed = np.rint(weight / scales[:, None, None, None]).astype(np.int8)
        found = [self._channels(f"{node.name}.weight", packed, scales)]
        if len(node.input) > 2:
            bias = numpy_helper.to_array(self._stored[node.input[2]]).astype(np.float64)
            unit = scales * scale_and_zero(self._ranges[node.input[0]])[0]
            limits = np.iinfo(np.int32)
            whole = np.clip(np.rint(bias / unit), limits.min, limits.max).astype(np.int32)
            found.append(self._channels(f"{node.name}.bias", whole, unit))
        return found

    def _channels(self, name: str, packed: NDArray[Any], scales: NDArray[np.float32]) -> str:
        """A constant with a scale for each channel out."""
        zeros = np.zeros(len(scales), packed.dtype)
        parts = {"packed": packed, "scale": scales, "zero": zeros}
        names = [self._constant(f"{name}.{part}", values) for part, values in parts.items()]
        self._add("DequantizeLinear", names, name, axis=0)
        return name

    def _add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))

    def _constant(self, name: str, values: NDArray[Any] | np.generic) -> str:
        self._made[name] = numpy_helper.from_array(np.asarray(values), name)
        return name
