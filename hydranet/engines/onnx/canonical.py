"""One order and one set of names for graphs that do the same.

ONNX Runtime writes an optimised graph in whatever order its tables have: of the branches of one
network, which differ in nothing but weights, each may come out otherwise.
"""

from __future__ import annotations

from collections.abc import Callable

from onnx import GraphProto, ModelProto, NodeProto


def canonical(model: ModelProto) -> ModelProto:
    """The model, its nodes in an order and its values by names that depend on what it does alone.

    Inputs and outputs of the graph keep their names.
    """
    graph = model.graph
    nodes = _in_order(graph)
    names = _names(graph, nodes)
    for number, node in enumerate(nodes):
        node.name, node.doc_string = f"{node.op_type}_{number}", ""
        attributes = sorted(node.attribute, key=lambda attribute: attribute.name)
        del node.attribute[:]
        node.attribute.extend(attributes)
        node.input[:] = [names.get(value, value) for value in node.input]
        node.output[:] = [names.get(value, value) for value in node.output]
    del graph.node[:]
    graph.node.extend(nodes)
    constants = list(graph.initializer)
    for constant in constants:
        constant.name = names.get(constant.name, constant.name)
    del graph.initializer[:]
    graph.initializer.extend(sorted(constants, key=lambda constant: constant.name))
    del graph.value_info[:]
    return model


def _in_order(graph: GraphProto) -> list[NodeProto]:
    """The nodes, each as soon as what it takes is there; of several that are ready the one whose
    inputs came first, and of these the first by kind."""
    shapes = {constant.name: tuple(constant.dims) for constant in graph.initializer}
    came = {given.name: place for place, given in enumerate(graph.input)}
    waiting, nodes = list(graph.node), list[NodeProto]()
    while waiting:
        ready = [node for node in waiting if all(v in came or v in shapes for v in node.input if v)]
        first = min(ready, key=_key(came, shapes))
        waiting.remove(first)
        copy = NodeProto()
        copy.CopyFrom(first)
        nodes.append(copy)
        came |= {value: len(came) + place for place, value in enumerate(first.output)}
    return nodes


def _key(
    came: dict[str, int], shapes: dict[str, tuple[int, ...]]
) -> Callable[[NodeProto], tuple[object, ...]]:
    def key(node: NodeProto) -> tuple[object, ...]:
        given = [(came.get(value, -1), shapes.get(value, ())) for value in node.input]
        attributes = sorted(attribute.SerializeToString() for attribute in node.attribute)
        return given, node.domain, node.op_type, attributes

    return key


def _names(graph: GraphProto, nodes: list[NodeProto]) -> dict[str, str]:
    """New names: constants by where they are used first, values by where they come from."""
    kept = {value.name for value in (*graph.input, *graph.output)}
    constants = {constant.name for constant in graph.initializer}
    names: dict[str, str] = {}
    for number, node in enumerate(nodes):
        for place, value in enumerate(node.input):
            if value in constants:
                names.setdefault(value, f"constant_{number}_{place}")
        for place, value in enumerate(node.output):
            if value and value not in kept:
                names[value] = f"value_{number}_{place}"
    return names
