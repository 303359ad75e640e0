"""The graphs of a network, ready to run, and the same as named arrays. Light: no onnx."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydranet.engines.onnx.cache import Arrays

_CONSTANT = "constants."


@dataclass(frozen=True)
class Whole:
    """A static network: pixels (B, side, side, 3) uint8 → logits (B, C)."""

    graph: bytes


@dataclass(frozen=True)
class Linked:
    """A HydraNet.

    `stem`: pixels (B, side, side, 3) uint8 → maps and whatever else all branches take and, where a
    gate chooses, scores (B, N); `branch`: those → features (B, D), with `constants` of all branches
    by name, (N, …); `head` and `head_of_one`: features and weights → logits, see `pieces`;
    `together`: all that comes after the stem, see that module. What lies in maps is between stem
    and branch; the first dimension is B. `output_weight` (C, D) and `output_bias` (C,) are in the
    head too.
    """

    stem: bytes
    branch: bytes
    head: bytes
    head_of_one: bytes
    together: bytes
    constants: dict[str, NDArray[np.float32]]
    output_weight: NDArray[np.float32]
    output_bias: NDArray[np.float32]


def to_arrays(graphs: Whole | Linked) -> Arrays:
    """The same for the cache."""
    if isinstance(graphs, Whole):
        return {"graph": _bytes(graphs.graph)}
    return {
        "stem": _bytes(graphs.stem),
        "branch": _bytes(graphs.branch),
        "head": _bytes(graphs.head),
        "head_of_one": _bytes(graphs.head_of_one),
        "together": _bytes(graphs.together),
        "output_weight": graphs.output_weight,
        "output_bias": graphs.output_bias,
        **{_CONSTANT + name: values for name, values in graphs.constants.items()},
    }


def from_arrays(arrays: Arrays) -> Whole | Linked:
    """What `to_arrays` made arrays of; KeyError where it did not."""
    if "graph" in arrays:
        return Whole(arrays["graph"].tobytes())
    constants = {
        name.removeprefix(_CONSTANT): values
        for name, values in arrays.items()
        if name.startswith(_CONSTANT)
    }
    return Linked(
        stem=arrays["stem"].tobytes(),
        branch=arrays["branch"].tobytes(),
        head=arrays["head"].tobytes(),
        head_of_one=arrays["head_of_one"].tobytes(),
        together=arrays["together"].tobytes(),
        constants=constants,
        output_weight=arrays["output_weight"],
        output_bias=arrays["output_bias"],
    )


def _bytes(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)
