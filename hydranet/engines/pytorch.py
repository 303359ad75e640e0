"""Engines that run the torch modules as they are, with one of the executions of `HydraNet`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.array_routing import check_choice, choose
from hydranet.checkpoints import Checkpoint, load_model
from hydranet.engines.engine import Outputs, check_dynamic, check_pixels
from hydranet.executions import get_execution
from hydranet.executions.reference import all_branch_features
from hydranet.models.hydra import HydraNet
from hydranet.routing import Route
from hydranet.switchboard import Examined


class TorchEngine:
    """See `hydranet.engines.engine.Engine`. `name` is that of an execution as well."""

    def __init__(self, checkpoint: Checkpoint, name: str, *, threads: int = 1) -> None:
        self.name = name
        self.card = checkpoint.card
        self._model = load_model(checkpoint)
        self._execution = get_execution(name)
        self._threads = threads
        self.output_weight = np.zeros((self.card.architecture.num_classes, 0), np.float32)
        if isinstance(self._model, HydraNet):
            self.output_weight = self._model.combiner.matrix()[0].numpy()

    @torch.inference_mode()
    def run(
        self,
        pixels: NDArray[np.uint8],
        *,
        k: int | None = None,
        threshold: float = 0.0,
        fired: NDArray[np.integer] | None = None,
    ) -> Outputs:
        """See `Engine.run`."""
        check_pixels(self.card, pixels)
        check_choice(self.card, k, threshold, fired, images=len(pixels))
        x, model = self._input(pixels), self._model
        if not isinstance(model, HydraNet):
            return Outputs(
                logits=model(x).numpy(),
                gate_scores=np.zeros((len(x), 0), np.float32),
                fired=np.zeros((len(x), 0), np.int64),
                weights=np.zeros((len(x), 0), np.float32),
                features=np.zeros((len(x), 0, 0), np.float32),
            )
        stem_features = model.stem(x)
        gate_scores = model.gate(stem_features).numpy()  # (B, N)
        chosen, weights = choose(
            gate_scores, k=k or model.config.k, threshold=threshold, fired=fired
        )
        route = Route(torch.from_numpy(chosen), torch.from_numpy(weights), gate_scores.shape[1])
        features = self._execution(model.branches, stem_features, route)  # (B, k, D)
        return Outputs(
            logits=model.combiner(features, route.weights).numpy(),
            gate_scores=gate_scores,
            fired=chosen,
            weights=weights,
            features=features.numpy(),
        )

    @torch.inference_mode()
    def examine(self, pixels: NDArray[np.uint8]) -> Examined:
        """See `Engine.examine`."""
        check_dynamic(self.card)
        check_pixels(self.card, pixels[None])
        model = self._model
        assert isinstance(model, HydraNet), "its card says so"
        stem_features = model.stem(self._input(pixels[None]))
        weight, bias = model.combiner.matrix()
        return Examined(
            pixels=pixels,
            gate_scores=model.gate(stem_features)[0].numpy(),
            features=all_branch_features(model.branches, stem_features)[0].numpy(),
            output_weight=weight.numpy(),
            output_bias=bias.numpy(),
            costs=self.card.costs,
        )

    def _input(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(B, side, side, 3) uint8 → (B, 3, side, side), normalised, on this engine's threads."""
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        images = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)
        return self.card.normalisation.apply(images)
