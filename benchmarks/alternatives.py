"""What one would run a HydraNet with instead: each takes bytes and gives logits, on one thread.

All but `torch eager` compute every branch and drop what the gate did not choose: tracing bakes one
route into a graph, so a whole model cannot be compiled or exported otherwise.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hydranet.checkpoints import Checkpoint, load_model
from hydranet.checkpoints.card import Card
from hydranet.engines.engine import Outputs, without_branches
from hydranet.models import HydraNet, Network
from hydranet.routing.routes import Route
from hydranet.routing.switchboard import Examined


class Whole(nn.Module):
    """(B, side, side, 3) uint8 → (B, C) logits; every branch runs for every image."""

    def __init__(self, model: Network) -> None:
        super().__init__()
        assert model.card is not None, "a loaded network has its card"
        self.model = model
        self.normalisation = model.card.normalisation

    def forward(self, pixels: Tensor) -> Tensor:
        """See the class."""
        x = self.normalisation.apply(pixels.permute(0, 3, 1, 2))
        if isinstance(self.model, HydraNet):
            return self.model(x, execution="reference").logits
        return self.model(x)


class Alternative:
    """Has the manner of an engine, so that it can be timed as one; `logits`: of bytes."""

    def __init__(
        self, name: str, card: Card, logits: Callable[[NDArray[np.uint8], Any], NDArray[np.float32]]
    ) -> None:
        self.name = name
        self.card = card
        self.output_weight = np.zeros((0, 0), np.float32)
        self._logits = logits

    def run(
        self,
        pixels: NDArray[np.uint8],
        *,
        k: int | None = None,
        threshold: float | None = None,
        fired: NDArray[np.integer] | None = None,
    ) -> Outputs:
        """Logits alone; of what may be chosen, only `torch eager` follows `fired`."""
        return without_branches(self._logits(pixels, fired))

    def examine(self, pixels: NDArray[np.uint8]) -> Examined:
        """Not timed."""
        raise NotImplementedError("An alternative gives logits alone.")


def torch_masked(checkpoint: Checkpoint) -> Alternative:
    """The modules as they are, in eval mode."""
    whole = Whole(load_model(checkpoint))
    return Alternative("torch masked", checkpoint.card, _by_torch(whole))


def torch_compiled(checkpoint: Checkpoint) -> Alternative:
    """The same, compiled by torch.compile for each batch size."""
    whole = torch.compile(Whole(load_model(checkpoint)), dynamic=False)
    return Alternative("torch compiled", checkpoint.card, _by_torch(whole))


def torch_eager(checkpoint: Checkpoint) -> Alternative:
    """The modules as they are; a loop over branches, each on the images that fire it."""
    model = load_model(checkpoint)
    normalise = checkpoint.card.normalisation.apply

    @torch.inference_mode()
    def logits(pixels: NDArray[np.uint8], fired: NDArray[np.int64] | None) -> NDArray[np.float32]:
        x = normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2))
        if not isinstance(model, HydraNet) or fired is None:
            return model(x).numpy()
        weights = torch.full(fired.shape, 1 / fired.shape[1])
        route = Route(torch.from_numpy(fired), weights, model.config.num_branches)
        return model(x, route=route, execution="eager").logits.numpy()

    return Alternative("torch eager", checkpoint.card, logits)


def onnx_runtime(checkpoint: Checkpoint) -> Alternative:
    """torch.onnx's export of the whole model, in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        exported(checkpoint), options, providers=["CPUExecutionProvider"]
    )
    return Alternative(
        "onnxruntime", checkpoint.card, lambda pixels, _: session.run(None, {"pixels": pixels})[0]
    )


def openvino(checkpoint: Checkpoint) -> Alternative:
    """The same export, in OpenVINO."""
    from openvino import Core

    core = Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(
        core.read_model(exported(checkpoint)), "CPU", settings
    ).create_infer_request()
    return Alternative(
        "openvino", checkpoint.card, lambda pixels, _: request.infer({"pixels": pixels})[0]
    )


ALTERNATIVES: dict[str, Callable[[Checkpoint], Alternative]] = {
    "torch masked": torch_masked,
    "torch eager": torch_eager,
    "torch compiled": torch_compiled,
    "onnxruntime": onnx_runtime,
    "openvino": openvino,
}


def exported(checkpoint: Checkpoint) -> bytes:
    """The whole model as ONNX, for any number of images."""
    whole = Whole(load_model(checkpoint)).eval()
    side = checkpoint.card.architecture.image_size
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks of arguments are baked in, as they should be
        path = Path(folder) / "whole.onnx"
        torch.onnx.export(
            whole, (torch.zeros(2, side, side, 3, dtype=torch.uint8),), str(path), dynamo=False,
            input_names=["pixels"], output_names=["logits"],
            dynamic_axes={"pixels": {0: "images"}, "logits": {0: "images"}},
        )  # fmt: skip
        return path.read_bytes()


def _by_torch(
    whole: Callable[[Tensor], Tensor],
) -> Callable[[NDArray[np.uint8], Any], NDArray[np.float32]]:
    @torch.inference_mode()
    def logits(pixels: NDArray[np.uint8], _: Any) -> NDArray[np.float32]:
        return whole(torch.from_numpy(pixels)).numpy()

    return logits
