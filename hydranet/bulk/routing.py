"""Images in batches through one network: the route and the answer of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from hydranet.bulk.items import Item, pixels_of
from hydranet.bulk.rows import Found, Row, Settings
from hydranet.card import Card
from hydranet.errors import InputError
from hydranet.models.hydra import HydraNet
from hydranet.models.network import Network

BATCH = 64


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
