"""Engines that run torch: a network in pieces, between which the host decides what runs."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.checkpoints.card import Card
from hydranet.costs import Costs
from hydranet.engines.engine import Outputs, check_dynamic, check_pixels, without_branches
from hydranet.engines.own import matrix_of
from hydranet.models.dynamic import DynamicNetwork
from hydranet.models.network import Network
from hydranet.routing.arrays import check_choice, choose
from hydranet.routing.switchboard import Examined


@runtime_checkable
class Static(Protocol):
    """A static network as engines run it."""

    def logits(self, x: Tensor) -> Tensor:
        """(B, 3, side, side), normalised → (B, C)."""
        ...


@runtime_checkable
class Dynamic(Protocol):
    """A HydraNet as engines run it, in pieces."""

    def stem_and_scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, side, side), normalised → stem features (B, c, h, w) and gate scores (B, N)."""
        ...

    def features(self, stem_features: Tensor, fired: NDArray[np.int64]) -> Tensor:
        """Of the branches in `fired` (B, k), -1 where none: (B, k, D), 0 where none."""
        ...

    def every(self, stem_features: Tensor) -> Tensor:
        """Of all branches: (B, N, D)."""
        ...


@runtime_checkable
class Whole(Protocol):
    """Any other dynamic network as engines run it: by its own forward."""

    def outputs(
        self,
        x: Tensor,
        *,
        k: int | None,
        threshold: float | None,
        fired: NDArray[np.integer] | None,
    ) -> Outputs:
        """Of (B, 3, side, side), normalised; see `Engine.run`."""
        ...

    def examined(self, x: Tensor, pixels: NDArray[np.uint8], costs: Costs) -> Examined:
        """Of one image, (1, 3, side, side); see `Engine.examine`."""
        ...


class TorchEngine:
    """See `hydranet.engines.engine.Engine`.

    `model`: a network with its card, on `device`; of it only the combiner is used, `pieces` do the
    rest. `threads`: in one operation on a CPU, set for the whole process where they are not.
    """

    def __init__(
        self, name: str, model: Network, pieces: Static | Dynamic | Whole, *, threads: int = 1,
        device: str = "cpu",
    ) -> None:  # fmt: skip
        assert model.card is not None, "a loaded network has its card"
        self.name = name
        self.card: Card = model.card
        self._static = pieces if isinstance(pieces, Static) else None
        self._dynamic = pieces if isinstance(pieces, Dynamic) else None
        self._whole = pieces if isinstance(pieces, Whole) else None
        self._threads = threads
        self._device = device
        self._combiner = None
        self.output_weight = np.zeros((self.card.architecture.num_classes, 0), np.float32)
        self._output_bias = np.zeros(0, np.float32)
        if isinstance(model, DynamicNetwork):
            self._combiner = model.combiner
            self.output_weight, self._output_bias = matrix_of(model)

    @torch.inference_mode()
    def run(
        self,
        pixels: NDArray[np.uint8],
        *,
        k: int | None = None,
        threshold: float | None = None,
        fired: NDArray[np.integer] | None = None,
    ) -> Outputs:
        """See `Engine.run`."""
        check_pixels(self.card, pixels)
        check_choice(self.card, k, threshold, fired, images=len(pixels))
        x, pieces = self._input(pixels), self._dynamic
        if self._static is not None:
            return without_branches(self._static.logits(x).cpu().numpy())
        if self._whole is not None:
            return self._whole.outputs(x, k=k, threshold=threshold, fired=fired)
        assert pieces is not None, "what is not static is dynamic"
        assert self._combiner is not None, "a HydraNet has one"
        stem_features, scored = pieces.stem_and_scores(x)
        gate_scores = scored.cpu().numpy()  # (B, N)
        chosen, weights = choose(
            gate_scores, k=k or self.card.costs.k, threshold=threshold or 0.0, fired=fired
        )
        features = pieces.features(stem_features, chosen)  # (B, k, D)
        logits = self._combiner(features, torch.from_numpy(weights).to(self._device))
        return Outputs(
            logits=logits.cpu().numpy(),
            gate_scores=gate_scores,
            fired=chosen,
            weights=weights,
            features=features.cpu().numpy(),
        )

    @torch.inference_mode()
    def examine(self, pixels: NDArray[np.uint8]) -> Examined:
        """See `Engine.examine`."""
        check_dynamic(self.card)
        check_pixels(self.card, pixels[None])
        x = self._input(pixels[None])
        if self._whole is not None:
            return self._whole.examined(x, pixels, self.card.costs)
        assert self._dynamic is not None, "its card says so"
        stem_features, gate_scores = self._dynamic.stem_and_scores(x)
        return Examined(
            pixels=pixels,
            gate_scores=gate_scores[0].cpu().numpy(),
            features=self._dynamic.every(stem_features)[0].cpu().numpy(),
            output_weight=self.output_weight,
            output_bias=self._output_bias,
            costs=self.card.costs,
            policy=self.card.policy,
        )

    def _input(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(B, side, side, 3) uint8 → (B, 3, side, side), normalised, on this engine's threads."""
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        images = torch.from_numpy(np.ascontiguousarray(pixels)).to(self._device)
        return self.card.normalisation.apply(images.permute(0, 3, 1, 2))
