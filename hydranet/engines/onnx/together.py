"""All that comes after the stem as one graph, for batches: which branches fire, each branch on rows
of its own, the head.

Called one by one, a branch costs as much as a small one takes for an image; and what Python and
NumPy do between calls takes many times as long as alone, since weights of all branches have passed
through the cache meanwhile. A branch that no image fires gets no rows, and is done with at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from hydranet.engines.onnx.graph import Graph
from hydranet.engines.onnx.names import FEATURES, SCORES, of_branch
from hydranet.routing.arrays import PADDING


def together(
    branch: ModelProto,
    head: ModelProto,
    constants: Mapping[str, NDArray[np.generic]],
    *,
    width: int,
) -> ModelProto:
    """The graph of N branches and the head, of the graph of one branch and of the head.

    `constants`: of all branches by name, (N, …), handed over as `names.of_branch` calls them when
    the graph is opened; `width`: D. It takes what a branch takes, of all images; scores (B, N);
    `among` (B, M), branches of which the best-scored fire, -1 pads; `k` (1,), how many fire. It
    gives what fires (B, k), weights (B, k), features (B, k, D), logits (B, C).
    """
    graph, count = Graph(), len(next(iter(constants.values())))
    shared = [given.name for given in branch.graph.input if given.name not in constants]
    fired, weights = _choose(graph)
    order, sizes = _by_branch(graph, fired, count)
    images = graph.add("Div", order, "k")
    padded, *chosen = graph.several("Split", images, sizes, outputs=count + 1, axis=0)
    parts = [_zeros(graph, padded, width)]
    for number, rows in enumerate(chosen):
        given = {name: graph.add("Gather", name, rows, axis=0) for name in shared}
        own = {
            name: graph.outside(of_branch(name, number), values[number])
            for name, values in constants.items()
        }
        parts.append(graph.include(branch.graph, **given, **own)[FEATURES])
    inverse = _ascending(graph, order)  # where each place comes in that order
    places = graph.add("Reshape", inverse, graph.add("Shape", fired))
    shape = graph.constant(np.array([-1, width]))
    rows = graph.add("Reshape", graph.add("Concat", *parts, axis=0), shape)
    found = graph.include(head.graph, rows=rows, places=places, weights=weights)
    return graph.model(
        inputs={
            **{name: (np.float32, None) for name in shared},
            SCORES: (np.float32, ("B", count)),
            "among": (np.int64, ("B", "M")),
            "k": (np.int64, (1,)),
        },
        outputs={"fired": fired, "weights": weights, **found},
        whole=("fired",),
        operators=branch.opset_import,
    )


def _choose(graph: Graph) -> tuple[str, str]:
    """What fires, best-scored first, and its weights, both (B, k); see `routing.arrays.choose`."""
    zero, never = graph.constant(np.array(0)), graph.constant(np.array(-np.inf))
    is_padding = graph.add("Less", "among", zero)
    scores = graph.add("GatherElements", SCORES, graph.add("Max", "among", zero), axis=1)
    scores = graph.add("Where", is_padding, never, scores)  # (B, M)
    best, order = graph.several("TopK", scores, "k", outputs=2, axis=1)
    fired = graph.add("GatherElements", "among", order, axis=1)
    return fired, graph.add("Softmax", best, axis=1)


def _by_branch(graph: Graph, fired: str, count: int) -> tuple[str, str]:
    """Places of what fires, (B·k,), padding first and then branch by branch; and how many of each
    there are, (N + 1,)."""
    flat = graph.add("Reshape", fired, graph.constant(np.array([-1])))
    order = _ascending(graph, flat)
    names = graph.constant(np.arange(PADDING, count)[:, None])
    is_it = graph.add("Cast", graph.add("Equal", flat, names), to=7)  # (N + 1, B·k) int64
    sizes = graph.add("ReduceSum", is_it, graph.constant(np.array([1])), keepdims=0)
    return order, sizes


def _ascending(graph: Graph, flat: str) -> str:
    """The places of the least number, of the next one, …; of equals the first one first."""
    count = graph.add("Shape", flat)
    return graph.several("TopK", flat, count, outputs=2, axis=0, largest=0, sorted=1)[1]


def _zeros(graph: Graph, rows: str, width: int) -> str:
    """As many rows of zeros, as features of a branch lie."""
    rest = graph.constant(np.array([width, 1, 1]))
    shape = graph.add("Concat", graph.add("Shape", rows), rest, axis=0)
    return graph.add("ConstantOfShape", shape)
