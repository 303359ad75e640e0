"""What a network makes of single images: answers, routes, cost and measured time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from hydranet.card import Card
from hydranet.data.resize import fit_square
from hydranet.errors import InputError
from hydranet.models.hydra import HydraNet
from hydranet.models.network import Network
from hydranet.routing import masked_route

Picture = Image.Image | NDArray[np.uint8]
"""An RGB image: PIL, or (H, W, 3) uint8."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds for one image alone, over `runs` runs; a cold run before them is left out."""

    median: float
    fastest: float
    slowest: float
    runs: int


@dataclass(frozen=True)
class Prediction:
    """What a network made of one image.

    `probabilities`: (C,), softmax of the logits. For a HydraNet, `gate_scores`: (N,), `fired`: the
    branches that ran, best-scored first, `weights`: how much each counts, and `shares`: (k, C),
    what each adds to every logit (exact; with the combiner's bias they sum to the logits); for a
    static network all four are empty. `macs`: multiply–accumulates spent on this image.
    """

    pixels: NDArray[np.uint8]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    gate_scores: NDArray[np.float32]
    fired: tuple[int, ...]
    weights: tuple[float, ...]
    shares: NDArray[np.float32]
    macs: int
    timing: Timing

    def top(self, count: int = 5) -> list[tuple[int, float]]:
        """The `count` most probable classes with their probabilities, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(int(c), float(self.probabilities[c])) for c in order]

    @property
    def gate_confidence(self) -> NDArray[np.float32]:
        """(N,) softmax over the scores of all branches."""
        if not len(self.gate_scores):
            return self.gate_scores
        exponentials = np.exp(self.gate_scores - self.gate_scores.max())
        return exponentials / exponentials.sum()


def predict(
    model: Network,
    images: Sequence[Picture],
    *,
    k: int | None = None,
    branches: Sequence[int] | None = None,
    runs: int = 5,
) -> list[Prediction]:
    """Run each image through a network from `hydranet.load`, one at a time, as a user would wait.

    `k`: how many branches fire (a HydraNet's own unless given); `branches`: fires exactly these
    instead, weighted by the gate. `runs`: timed runs an image, after one that is not timed.

    Raises:
        InputError: k or a branch is out of range, both are given, or either is given for a static
            network.
    """
    if k is not None and branches is not None:
        raise InputError("Give either k or branches, not both: the branches say how many fire.")
    if runs < 1:
        raise InputError(f"runs must be at least 1, not {runs}.")
    card = model.card
    if card is None:
        raise InputError("The network has no card: load it from a checkpoint with hydranet.load.")
    if not isinstance(model, HydraNet) and (k is not None or branches is not None):
        raise InputError(f"{card.name} is a static network: all of it runs, so k cannot be chosen.")
    with torch.no_grad():
        return [_predict_one(model, card, image, k, branches, runs) for image in images]


def network_input(card: Card, image: Picture) -> tuple[NDArray[np.uint8], Tensor]:
    """The pixels a network sees, (side, side, 3) uint8; the same normalised, (1, 3, side, side)."""
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    pixels = fit_square(image, card.architecture.image_size)
    tensor = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]  # (1, 3, side, side)
    return pixels, card.normalisation.apply(tensor)


def _predict_one(
    model: Network,
    card: Card,
    image: Picture,
    k: int | None,
    branches: Sequence[int] | None,
    runs: int,
) -> Prediction:
    pixels, x = network_input(card, image)
    empty = np.zeros(0, np.float32)
    if not isinstance(model, HydraNet):
        logits, timing = _timed(lambda: model(x), runs)
        macs = card.costs.routed_macs
        return Prediction(
            pixels,
            *_answer(logits),
            empty,
            (),
            (),
            np.zeros((0, logits.shape[1]), np.float32),
            macs,
            timing,
        )
    given = None
    if branches is not None:
        mask = _mask(branches, model.config.num_branches)
        given = masked_route(model.gate(model.stem(x)), mask)
    output, timing = _timed(lambda: model(x, k=k, route=given), runs)
    route = output.route
    count = int(route.counts[0])
    fired = tuple(route.indices[0, :count].tolist())
    return Prediction(
        pixels,
        *_answer(output.logits),
        gate_scores=output.gate_scores[0].numpy(),
        fired=fired,
        weights=tuple(route.weights[0, :count].tolist()),
        shares=model.combiner.shares(output.features, route.weights)[0, :count].numpy(),
        macs=card.costs.macs(count),
        timing=timing,
    )


def _mask(branches: Sequence[int], num_branches: int) -> Tensor:
    """(1, N) bool, True for the named branches."""
    if wrong := [b for b in branches if not 0 <= b < num_branches]:
        raise InputError(f"A branch must be from 0 to {num_branches - 1}, not {wrong[0]}.")
    mask = torch.zeros(1, num_branches, dtype=torch.bool)
    mask[0, list(branches)] = True
    return mask


def _answer(logits: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits and probabilities of one image: (C,) each."""
    return logits[0].numpy(), logits[0].softmax(dim=0).numpy()


T = TypeVar("T")


def _timed(run: Callable[[], T], runs: int) -> tuple[T, Timing]:
    """The result of `run`, and how long it took over `runs` runs after a cold one."""
    result = run()
    milliseconds = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        milliseconds.append(1000 * (time.perf_counter() - start))
    return result, Timing(
        statistics.median(milliseconds), min(milliseconds), max(milliseconds), runs
    )
