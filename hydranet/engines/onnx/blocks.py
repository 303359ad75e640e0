"""ONNX Runtime's blocked memory layout, in which its convolutions run: channels in blocks, each
block's pixels one after the other."""

from __future__ import annotations

from onnx import NodeProto

BLOCKED = "com.microsoft.nchwc"
"""Domain of its operators."""

BLOCK = 16
"""Channels a block at most; on processors with shorter vectors 8."""


def is_reorder(node: NodeProto, operator: str) -> bool:
    """Whether the node does nothing but change the layout between blocks and ONNX's own."""
    channels_last = any(a.name == "channels_last" and a.i for a in node.attribute)
    return node.domain == BLOCKED and node.op_type == operator and not channels_last
