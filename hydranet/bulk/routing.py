"""Images in batches through one network: the route and the answer of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from hydranet.bulk.items import IT, Item
from hydranet.card import Card
from hydranet.data.resize import fit_square
from hydranet.errors import InputError
from hydranet.images import decode_image
from hydranet.models.hydra import HydraNet
from hydranet.models.network import Network

BATCH = 64


@dataclass(frozen=True)
class Settings:
    """How branches are chosen: the `k` best-scored (None: the network's own k), less those that the
    gate is less confident of than `threshold`, 0 to 1."""

    k: int | None = None
    threshold: float = 0.0

    def check(self, card: Card) -> None:
        """Raise InputError unless they fit the network."""
        count = card.costs.num_branches
        if not count and (self.k is not None or self.threshold):
            raise InputError(
                f"{card.name} is a static network: all of it runs, so neither k nor a threshold "
                "can be chosen."
            )
        if count and self.k is not None and not 1 <= self.k <= count:
            raise InputError(f"k must be from 1 to {count}, the number of branches, not {self.k}.")
        if not 0 <= self.threshold <= 1:
            raise InputError(f"The threshold must be from 0 to 1, not {self.threshold}.")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a network made of one image.

    `prediction` and `runner_up`: the two most probable classes, with their probabilities
    (`confidence`, `runner_up_confidence`); `gate_scores`: (N,); `fired`: the branches that ran,
    best-scored first, with their `weights`; `macs`: spent on it.
    """

    prediction: int
    confidence: float
    runner_up: int
    runner_up_confidence: float
    gate_scores: NDArray[np.float32]
    fired: tuple[int, ...]
    weights: tuple[float, ...]
    macs: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of item number `index`: `found`, or None and the `reason`."""

    index: int
    file: str
    found: Found | None = None
    reason: str = ""


def pixels_of(item: Item, side: int) -> NDArray[np.uint8]:
    """(side, side, 3): what a network sees of the item; InputError where it cannot be read."""
    return fit_square(decode_image(item.load(), name=IT), side)


def route(
    model: Network, items: Iterable[Item], settings: Settings, *, first: int = 0
) -> Iterator[Row]:
    """A row for each item, in their order, as soon as its batch is done; numbered from `first`.

    The network must come from `hydranet.load`. Raises InputError if the settings do not fit it.
    """
    card = card_of(model)
    settings.check(card)
    side = card.architecture.image_size
    waiting: list[tuple[int, str, NDArray[np.uint8] | str]] = []
    readable = 0
    for index, item in enumerate(items, first):
        try:
            seen: NDArray[np.uint8] | str = pixels_of(item, side)
            readable += 1
        except InputError as error:
            seen = str(error)
        waiting.append((index, item.name, seen))
        if readable == BATCH or len(waiting) == 4 * BATCH:
            yield from _rows(model, waiting, settings)
            waiting, readable = [], 0
    yield from _rows(model, waiting, settings)


def card_of(model: Network) -> Card:
    """The network's card; InputError where it has none."""
    if model.card is None:
        raise InputError("The network has no card: load it from a checkpoint with hydranet.load.")
    return model.card


def _rows(
    model: Network, waiting: list[tuple[int, str, NDArray[np.uint8] | str]], settings: Settings
) -> Iterator[Row]:
    seen = [pixels for _, _, pixels in waiting if not isinstance(pixels, str)]
    found = iter(route_pixels(model, np.stack(seen), settings) if seen else ())
    for index, file, pixels in waiting:
        if isinstance(pixels, str):
            yield Row(index=index, file=file, reason=pixels)
        else:
            yield Row(index=index, file=file, found=next(found))


@torch.no_grad()
def route_pixels(model: Network, pixels: NDArray[np.uint8], settings: Settings) -> list[Found]:
    """One batch, (B, side, side, 3) uint8, through a network from `hydranet.load`."""
    card = card_of(model)
    device = next(model.parameters()).device
    x = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2)  # (B, 3, side, side)
    x = card.normalisation.apply(x)
    if isinstance(model, HydraNet):
        output = model(x, k=settings.k, threshold=settings.threshold)
        logits, gate_scores = output.logits, output.gate_scores.cpu().numpy()
        counts = output.route.counts.tolist()
        fired, weights = output.route.indices.tolist(), output.route.weights.tolist()
    else:
        logits, gate_scores = model(x), np.zeros((len(x), 0), np.float32)
        counts, fired, weights = [0] * len(x), [[]] * len(x), [[]] * len(x)
    top = logits.softmax(dim=1).topk(2, dim=1)  # (B, 2)
    confidence, classes = top.values.tolist(), top.indices.tolist()
    return [
        Found(
            prediction=classes[i][0],
            confidence=confidence[i][0],
            runner_up=classes[i][1],
            runner_up_confidence=confidence[i][1],
            gate_scores=gate_scores[i],
            fired=tuple(fired[i][: counts[i]]),
            weights=tuple(weights[i][: counts[i]]),
            macs=card.costs.macs(counts[i]),
        )
        for i in range(len(x))
    ]
