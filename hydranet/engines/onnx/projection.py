"""The end of a branch: pooled maps and their projection, without leaving the blocked layout.

As a matrix product the projection would want its layout changed and its maps flattened, two more
operators a branch, which at a few images take as long as the product. As a convolution of 1×1 it
takes the pooled maps as they come; and what it gives, one pixel of whole blocks, lies in memory as
ONNX's own layout has it.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from hydranet.engines.onnx.blocks import BLOCK, is_reorder
from hydranet.engines.onnx.hoist import rename
from hydranet.engines.onnx.names import FEATURES


def with_pointwise(branch: ModelProto) -> ModelProto:
    """The branch with features (B, D, 1, 1), of one whose features are (B, D): pooled maps are not
    flattened, and if they are projected, then by a convolution."""
    model = ModelProto()
    model.CopyFrom(branch)
    graph = model.graph
    last = graph.node[-1]
    if last.op_type == "Gemm":
        flattened, name, bias = last.input
        (stored,) = (constant for constant in graph.initializer if constant.name == name)
        kernel = numpy_helper.to_array(stored).T[:, :, None, None]  # (out, in, 1, 1)
        stored.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(kernel), name))
        inputs = [flattened, name, bias]
        graph.node.remove(last)
        graph.node.append(helper.make_node("Conv", inputs, [FEATURES], kernel_shape=[1, 1]))
    (flatten,) = (node for node in graph.node if node.op_type == "Flatten")
    pooled, flat = flatten.input[0], flatten.output[0]
    graph.node.remove(flatten)
    if flat == FEATURES:
        rename(graph, pooled, FEATURES)
    else:
        rename(graph, flat, pooled)
    graph.output[0].CopyFrom(helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, None))
    return model


def keep_blocks(branch: ModelProto) -> ModelProto:
    """Take out the change of layout at the end, where it changes nothing."""
    last = branch.graph.node[-1]
    if _changes_nothing(last):
        branch.graph.node.remove(last)
        rename(branch.graph, last.input[0], FEATURES)
    return branch


def _changes_nothing(node: NodeProto) -> bool:
    channels = next((a.i for a in node.attribute if a.name == "channels"), 1)
    return is_reorder(node, "ReorderOutput") and channels % BLOCK == 0
