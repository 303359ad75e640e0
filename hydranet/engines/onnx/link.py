"""The pieces of a network, optimised and fitted to each other.

Alone, each piece would take maps in ONNX's layout (B, c, h, w), change them to the blocked layout
that its convolutions run in, and back. Here the stem hands on its maps as they lie, and branches
take them so. And since branches differ in nothing but weights, one graph serves all: its constants
become inputs, so that one session keeps its scratch memory warm for every branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from hydranet.engines.onnx.blocks import is_reorder
from hydranet.engines.onnx.canonical import canonical
from hydranet.engines.onnx.graphs import Linked, Whole
from hydranet.engines.onnx.hoist import MAPS, hoist, rename
from hydranet.engines.onnx.optimise import optimised
from hydranet.engines.onnx.pieces import Pieces
from hydranet.engines.onnx.projection import keep_blocks, with_pointwise
from hydranet.engines.onnx.together import together


def link(network: ModelProto | Pieces, *, optimise: bool) -> Whole | Linked:
    """The graphs of a network, from `pieces.build`, ready to run.

    Raises:
        ValueError: branches came out with different graphs, so that one cannot serve all.
    """
    rewrite = optimised if optimise else _as_it_is
    if isinstance(network, Pieces):
        return _linked(network, rewrite)
    return Whole(rewrite(network).SerializeToString())


def _linked(pieces: Pieces, rewrite: Callable[[ModelProto], ModelProto]) -> Linked:
    stem, head = rewrite(pieces.stem), rewrite(pieces.head)
    branches = [
        canonical(keep_blocks(rewrite(with_pointwise(branch)))) for branch in pieces.branches
    ]
    if _hands_over_blocks(stem, branches[0]):
        _give_blocks(stem)
        for branch in branches:
            _take_blocks(branch)
    first = branches[0]
    if any(list(branch.graph.node) != list(first.graph.node) for branch in branches):
        raise ValueError("The branches' graphs differ in more than their constants.")
    constants = _constants(branches)
    hoist(stem.graph, first.graph, constants)
    for name, values in constants.items():
        shape = values.shape[1:]
        first.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    del first.graph.initializer[:]
    width = pieces.output_weight.shape[1]
    return Linked(
        stem=stem.SerializeToString(),
        branch=first.SerializeToString(),
        head=head.SerializeToString(),
        head_of_one=rewrite(pieces.head_of_one).SerializeToString(),
        together=together(first, head, constants, width=width).SerializeToString(),
        constants=constants,
        output_weight=pieces.output_weight.astype(np.float32),
        output_bias=pieces.output_bias.astype(np.float32),
    )


def _as_it_is(model: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy


def _constants(branches: Sequence[ModelProto]) -> dict[str, NDArray[np.float32]]:
    """Of every branch, stacked (N, …)."""
    found = [
        {constant.name: numpy_helper.to_array(constant) for constant in branch.graph.initializer}
        for branch in branches
    ]
    return {name: np.stack([own[name] for own in found]) for name in found[0]}


def _hands_over_blocks(stem: ModelProto, branch: ModelProto) -> bool:
    """Whether the stem's maps leave the blocked layout for nothing but to return to it."""
    leaving = [node for node in stem.graph.node if MAPS in node.output]
    entering = [node for node in branch.graph.node if MAPS in node.input]
    return all(is_reorder(node, "ReorderOutput") for node in leaving) and all(
        is_reorder(node, "ReorderInput") for node in entering
    )


def _give_blocks(stem: ModelProto) -> None:
    """Let the stem's maps leave it as its last convolution gave them."""
    (reorder,) = (node for node in stem.graph.node if MAPS in node.output)
    _join(stem, reorder.input[0], MAPS, without=reorder)


def _take_blocks(branch: ModelProto) -> None:
    """Let the branch's first convolutions take the maps as they come."""
    for reorder in list(_consumers(branch, MAPS)):
        _join(branch, reorder.output[0], MAPS, without=reorder)


def _consumers(model: ModelProto, value: str) -> Iterator[NodeProto]:
    return (node for node in model.graph.node if value in node.input)


def _join(model: ModelProto, value: str, name: str, *, without: NodeProto) -> None:
    """Give a value another name everywhere, and take the node out that stood between the two."""
    model.graph.node.remove(without)
    rename(model.graph, value, name)
