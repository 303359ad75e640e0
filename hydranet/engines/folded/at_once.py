"""A folded network from bytes to logits in one go: nothing is decided on the host in between.

One recording for each number of images and of branches that fire, and for what decides which these
are: the gate, the gate and a threshold, or the caller.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hydranet.checkpoints.card import Card
from hydranet.engines.engine import Outputs, without_branches
from hydranet.engines.folded.buckets import larger_capacity, likely_capacity
from hydranet.engines.folded.exchange import Exchange, Request
from hydranet.engines.folded.graphs import Kept, Tensors
from hydranet.engines.folded.network import FoldedHydra, FoldedStatic
from hydranet.models.combiner import Combiner
from hydranet.models.multihead import MeanOfLogits
from hydranet.routing.device_routes import best_scored
from hydranet.routing.routes import Route, weighed


class _Asked(NamedTuple):
    """B `images`, `k` branches each; `given`: by the caller; `dynamic`: with a threshold."""

    images: int
    k: int = 0
    given: bool = False
    dynamic: bool = False


class StaticAtOnce:
    """A static network."""

    def __init__(self, pieces: FoldedStatic, card: Card, device: str) -> None:
        self._pieces = pieces
        self._images = _Images(card, device)
        self._kept: Kept[Exchange] = Kept()

    def run(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Of (B, side, side, 3) images."""
        exchange = self._kept.get(len(pixels), partial(self._exchange, len(pixels)))
        exchange.request.send(pixels, None, 0.0)
        return without_branches(exchange.answers()[0])

    def _exchange(self, images: int) -> Exchange:
        request = self._images.request(images, slots=0)

        def function() -> Tensors:
            return (self._pieces.logits_at_once(self._images.normalised(request)),)

        return Exchange(request, function)


class HydraAtOnce:
    """A HydraNet whose branches run in one of the ways `WITHOUT_HOST`, or the fastest of them."""

    def __init__(
        self, pieces: FoldedHydra, combiner: Combiner | MeanOfLogits, card: Card, device: str
    ) -> None:
        self._pieces, self._combiner, self._card = pieces, combiner, card
        self._images = _Images(card, device)
        self._kept: Kept[Exchange] = Kept()
        self._capacities: dict[_Asked, int] = {}

    def run(
        self,
        pixels: NDArray[np.uint8],
        *,
        k: int,
        threshold: float,
        fired: NDArray[np.integer] | None,
    ) -> Outputs:
        """See `hydranet.engines.engine.Engine.run`; what is asked has been checked."""
        images = len(pixels)
        asked = _Asked(images, k, dynamic=threshold > 0)
        if fired is not None:
            asked = _Asked(images, fired.shape[1], given=True)
        branches = self._card.costs.num_branches
        capacity = self._capacities.get(asked)
        if capacity is None:
            capacity = likely_capacity(images=images, k=asked.k, branches=branches)
        while True:
            exchange = self._kept.get(asked, partial(self._exchange, asked, capacity))
            exchange.request.send(pixels, fired, threshold)
            logits, gate_scores, chosen, weights, features, most = exchange.answers()
            if most <= capacity:
                break
            capacity = larger_capacity(capacity, most=int(most), images=images)
            self._capacities[asked] = capacity
            self._kept.forget(asked)
        return Outputs(logits, gate_scores, chosen.astype(np.int64), weights, features)

    def _exchange(self, asked: _Asked, capacity: int) -> Exchange:
        request = self._images.request(asked.images, slots=asked.k if asked.given else 0)

        def choose(gate_scores: Tensor) -> Route:
            if asked.given:
                return weighed(self._card.policy, gate_scores, request.fired.long())
            threshold = request.threshold if asked.dynamic else None
            return best_scored(gate_scores, asked.k, threshold=threshold)

        def function() -> Tensors:
            x = self._images.normalised(request)
            scores, route, features, most = self._pieces.at_once(x, choose, capacity=capacity)
            logits = self._combiner(features, route.weights)
            return logits, scores, route.indices, route.weights, features, most

        return Exchange(request, function)


class _Images:
    """Bytes to what the network takes, with what that needs on the device beforehand."""

    def __init__(self, card: Card, device: str) -> None:
        self._side, self._device = card.architecture.image_size, device
        self._mean, self._std = card.normalisation.tensors(device)

    def request(self, images: int, *, slots: int) -> Request:
        return Request(images=images, side=self._side, slots=slots, device=self._device)

    def normalised(self, request: Request) -> Tensor:
        """(B, 3, side, side)."""
        return (request.pixels.permute(0, 3, 1, 2) - self._mean) / self._std
