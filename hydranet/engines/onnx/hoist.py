"""What every branch computes alike of the stem's maps is computed once, by the stem.

In a residual network that is the shortcut around the branch's first block, which has no weights of
its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

MAPS = "maps"

Constants = dict[str, NDArray[np.float32]]


def hoist(stem: GraphProto, branch: GraphProto, constants: Constants) -> None:
    """Move nodes from the branches to the stem, where they are outputs, and inputs of the branch.

    `constants`: the branch's, of all branches (N, …); what only moved nodes used is taken out.
    """
    for number, node in enumerate(_alike(branch, constants)):
        name = f"shared_{number}"
        own = {n: values[0] for n, values in constants.items() if n in node.input}
        twin = _twin(stem, node, own)
        if twin is not None:
            rename(stem, twin.output[0], name)
        else:
            stem.node.append(_moved(node, name))
            stem.initializer.extend(numpy_helper.from_array(v, _own(n)) for n, v in own.items())
        branch.node.remove(node)
        rename(branch, node.output[0], name)
        value = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        stem.output.append(value)
        branch.input.append(value)
    used = {name for node in branch.node for name in node.input}
    for name in constants.keys() - used:
        del constants[name]


def _alike(branch: GraphProto, constants: Constants) -> list[NodeProto]:
    """The nodes that see nothing but maps, and constants that are the same in all branches."""
    same = {name for name, values in constants.items() if np.all(values == values[0])}
    return [n for n in branch.node if MAPS in n.input and set(n.input) <= same | {MAPS}]


def _twin(stem: GraphProto, node: NodeProto, own: Constants) -> NodeProto | None:
    """The node with which the gate computes the same, for its body is like the branches'."""
    stored = {constant.name: constant for constant in stem.initializer}
    expected = [own.get(name, MAPS) for name in node.input]
    for other in stem.node:
        if (other.op_type, list(other.attribute)) != (node.op_type, list(node.attribute)):
            continue
        given = [
            numpy_helper.to_array(stored[name]) if name in stored else name for name in other.input
        ]
        if len(given) == len(expected) and all(map(np.array_equal, given, expected)):
            return other
    return None


def rename(graph: GraphProto, value: str, name: str) -> None:
    """Call a value otherwise, wherever it is given or taken."""
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [name if found == value else found for found in names]


def _moved(node: NodeProto, output: str) -> NodeProto:
    moved = NodeProto()
    moved.CopyFrom(node)
    moved.output[:] = [output]
    moved.input[:] = [name if name == MAPS else _own(name) for name in node.input]
    return moved


def _own(name: str) -> str:
    """A name that the stem does not have."""
    return f"branch_{name}"
