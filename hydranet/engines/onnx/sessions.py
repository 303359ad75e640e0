"""How ONNX Runtime is asked to run a graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

_ERRORS_ONLY = 3


def open_session(
    model: bytes,
    *,
    threads: int = 1,
    optimised_to: Path | None = None,
    constants: Mapping[str, onnxruntime.OrtValue] | None = None,
) -> onnxruntime.InferenceSession:
    """A session that runs `model` as it is, on `threads` threads that sleep while they wait.

    `optimised_to`: rewrites the graph for this machine first, and keeps it in that file;
    `constants`: those that lie outside the graph, by name; their memory is shared.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _ERRORS_ONLY
    if constants:
        options.add_external_initializers(list(constants), list(constants.values()))
        for name, constant in constants.items():  # the line above alone copies them
            options.add_initializer(name, constant)
    levels = onnxruntime.GraphOptimizationLevel
    if optimised_to is None:
        options.graph_optimization_level = levels.ORT_DISABLE_ALL
    else:
        options.graph_optimization_level = levels.ORT_ENABLE_ALL
        options.optimized_model_filepath = str(optimised_to)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
