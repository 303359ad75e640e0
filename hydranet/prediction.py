"""What a network makes of single images: answers, routes, cost and measured time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.checkpoints.card import Card
from hydranet.data.picture import Picture, rgb_picture
from hydranet.data.resize import fit_square
from hydranet.engines.engine import answer_of
from hydranet.engines.own import OwnForward, matrix_of
from hydranet.errors import InputError
from hydranet.models.dynamic import DynamicNetwork
from hydranet.models.network import Network
from hydranet.routing.answer import Answer
from hydranet.routing.arrays import check_choice
from hydranet.timing import Timing, timed


@dataclass(frozen=True, kw_only=True)
class Prediction(Answer):
    """An answer with the `pixels` that the network saw, (side, side, 3) uint8, and its `timing`."""

    pixels: NDArray[np.uint8]
    timing: Timing


def predict(
    model: Network,
    images: Sequence[Picture],
    *,
    k: int | None = None,
    threshold: float | None = None,
    branches: Sequence[int] | None = None,
    runs: int = 5,
) -> list[Prediction]:
    """Run each image through a network from `hydranet.load`, one at a time, as a user would wait.

    `k`: how many branches fire; `threshold`: dynamic k, of those only the branches that are wanted
    so much (both a network's own unless given); `branches`: fires exactly these instead, weighted
    by the gate. `runs`: timed runs an image, after one that is not timed.

    Examples:
        >>> import hydranet
        >>> model = hydranet.load("hydra_res_d1")
        >>> photo = hydranet.read_image("app/samples/cat.jpg")
        >>> answer = hydranet.predict(model, [photo], k=2, runs=1)[0]
        >>> len(answer.fired), answer.macs, answer.shares.shape
        (2, 19332608, (2, 100))

    Raises:
        InputError: k, the threshold or a branch is out of range or no such number, branches are
            given beside one of the others, any of them for a static network, or an image is no
            picture.
    """
    if runs < 1:
        raise InputError(f"runs must be at least 1, not {runs}.")
    card = model.card
    if card is None:
        raise InputError("The network has no card: load it from a checkpoint with hydranet.load.")
    if branches is not None:
        _check_branches(branches, card.costs.num_branches)
        branches = sorted(set(branches))
    check_choice(card, k, threshold, None if branches is None else np.array([branches]), images=1)
    with torch.no_grad():
        return [
            _predict_one(model, card, image, (k, threshold), branches, runs) for image in images
        ]


def network_input(card: Card, image: Picture) -> tuple[NDArray[np.uint8], Tensor]:
    """The pixels a network sees, (side, side, 3) uint8; the same normalised, (1, 3, side, side).

    Examples:
        >>> import hydranet
        >>> card = hydranet.load("resnet8").card
        >>> pixels, x = hydranet.network_input(card, hydranet.read_image("app/samples/cat.jpg"))
        >>> pixels.shape, tuple(x.shape)
        ((32, 32, 3), (1, 3, 32, 32))

    Raises:
        InputError: the image is no picture, see `Picture`.
    """
    pixels = fit_square(rgb_picture(image), card.architecture.image_size)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None]  # (1, 3, side, side)
    return pixels, card.normalisation.apply(tensor)


def _predict_one(
    model: Network,
    card: Card,
    image: Picture,
    dials: tuple[int | None, float | None],
    branches: Sequence[int] | None,
    count: int,
) -> Prediction:
    pixels, x = network_input(card, image)
    if not isinstance(model, DynamicNetwork):
        logits, timing = timed(lambda: model(x), count)
        return Prediction(
            logits=logits[0].numpy(),
            gate_scores=np.zeros(0, np.float32),
            fired=(),
            weights=(),
            shares=np.zeros((0, logits.shape[1]), np.float32),
            macs=card.costs.routed_macs,
            pixels=pixels,
            timing=timing,
        )
    k, threshold = dials
    runs = OwnForward(model, execution="eager")
    route = None if branches is None else runs.given(x, np.array([list(branches)]))
    outputs, timing = timed(lambda: runs.run(x, k=k, threshold=threshold, route=route), count)
    answer = answer_of(outputs, 0, card, matrix_of(model)[0])
    return Prediction(**vars(answer), pixels=pixels, timing=timing)


def _check_branches(branches: Sequence[int], num_branches: int) -> None:
    for branch in branches if num_branches else ():
        if not (isinstance(branch, Integral) and 0 <= branch < num_branches):
            raise InputError(f"A branch must be from 0 to {num_branches - 1}, not {branch}.")
    if not len(branches):
        raise InputError("At least one branch must be on for every image.")
