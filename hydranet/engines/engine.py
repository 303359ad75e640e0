"""What an engine is: it runs a stored network for inference, arrays in, arrays out. Light.

Engines differ in what they compute with and in what they leave out; their answers agree with those
of `reference`, which computes everything. One engine may be used from many threads at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hydranet.checkpoints.card import Card
from hydranet.errors import InputError
from hydranet.routing.answer import Answer
from hydranet.routing.arrays import PADDING
from hydranet.routing.switchboard import Examined

_BYTES = np.dtype(np.uint8)


class Outputs(NamedTuple):
    """What a network makes of B images.

    A tuple: where weights have filled the cache, a frozen class takes three times as long to make.
    `logits`: (B, C); `gate_scores`: (B, N), of all branches; `fired`: (B, k) branches that ran,
    best-scored first, `PADDING` behind the last; `weights`: (B, k), 0 where padded; `features`:
    (B, k, D) of the fired branches, in a multi-head network the heads' logits, 0 where padded. For
    a static network the last four have no columns. `rows`: (B, k), on how many of an image's tokens
    each branch ran; None where it ran on all of the image.
    """

    logits: NDArray[np.float32]
    gate_scores: NDArray[np.float32]
    fired: NDArray[np.int64]
    weights: NDArray[np.float32]
    features: NDArray[np.float32]
    rows: NDArray[np.int64] | None = None

    def branch_macs(self, card: Card, index: int) -> tuple[int, ...]:
        """MACs of image number `index` on each branch that ran."""
        ran = self.fired[index] != PADDING
        rows = None if self.rows is None else self.rows[index][ran].tolist()
        return card.costs.branch_macs(self.fired[index][ran].tolist(), rows)

    def macs(self, card: Card) -> NDArray[np.int64]:
        """(B,): MACs of each image, all parts together."""
        costs = card.costs
        if self.rows is not None:
            runs = self.rows.sum(axis=1)
            return np.asarray(costs.always + runs * costs.branch.macs // costs.rows, np.int64)
        masks = np.zeros((len(self.fired), costs.num_branches + 1), bool)
        np.put_along_axis(masks, np.where(self.fired == PADDING, costs.num_branches, self.fired),
                          True, axis=1)  # fmt: skip
        return costs.macs_of(masks[:, :-1])

    @property
    def counts(self) -> NDArray[np.int64]:
        """(B,): how many branches ran for each image."""
        return np.count_nonzero(self.fired != PADDING, axis=1)


def joined(parts: Sequence[Outputs]) -> Outputs:
    """Of several batches, one."""
    if len(parts) == 1:
        return parts[0]
    rows = [part.rows for part in parts if part.rows is not None]
    return Outputs(
        logits=np.concatenate([part.logits for part in parts]),
        gate_scores=np.concatenate([part.gate_scores for part in parts]),
        fired=np.concatenate([part.fired for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
        features=np.concatenate([part.features for part in parts]),
        rows=np.concatenate(rows) if rows else None,
    )


def without_branches(logits: NDArray[np.float32]) -> Outputs:
    """What a static network makes of B images, of its logits (B, C)."""
    images = len(logits)
    return Outputs(
        logits=logits,
        gate_scores=np.zeros((images, 0), np.float32),
        fired=np.zeros((images, 0), np.int64),
        weights=np.zeros((images, 0), np.float32),
        features=np.zeros((images, 0, 0), np.float32),
    )


class Engine(Protocol):
    """Runs the network of one checkpoint.

    `name`: one of `hydranet.engines.ENGINES`; `output_weight`: (C, D), which makes the weighted sum
    of features the logits, bias aside; (C, 0) for a static network.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 # see the class

    @property
    def card(self) -> Card: ...  # noqa: D102 # see the class

    @property
    def output_weight(self) -> NDArray[np.float32]: ...  # noqa: D102 # see the class

    def run(
        self,
        pixels: NDArray[np.uint8],
        *,
        k: int | None = None,
        threshold: float | None = None,
        fired: NDArray[np.integer] | None = None,
    ) -> Outputs:
        """Run (B, side, side, 3) images, B at least 1.

        `k`: how many branches fire; `threshold`: dynamic k, of those k only the branches that the
        gate is at least so confident of, the best one in any case (both the network's own unless
        given); `fired`: (B, k') runs exactly these instead, -1 pads, weighted by the gate.

        Raises:
            InputError: the images are not of the network's size, or the choice of branches does
                not fit it; a static network takes none.
        """
        ...

    def examine(self, pixels: NDArray[np.uint8]) -> Examined:
        """Run stem, gate and every branch on one image, (side, side, 3).

        Raises:
            InputError: the image is not of the network's size, or the network is static.
        """
        ...


def answers(engine: Engine, outputs: Outputs) -> list[Answer]:
    """What `engine.run` gave, as one answer an image."""
    images = range(len(outputs.logits))
    return [answer_of(outputs, index, engine.card, engine.output_weight) for index in images]


def answer_of(
    outputs: Outputs, index: int, card: Card, output_weight: NDArray[np.float32]
) -> Answer:
    """What a network made of image number `index`; `output_weight`: see `Engine`."""
    count = int(outputs.counts[index])
    weights = outputs.weights[index, :count]  # (k,)
    shares = np.zeros((0, outputs.logits.shape[1]), np.float32)
    if output_weight.shape[1]:
        weighted = outputs.features[index, :count] * weights[:, None]  # (k, D)
        shares = np.asarray(weighted @ output_weight.T, np.float32)  # (k, C)
    branch_macs = outputs.branch_macs(card, index)
    return Answer(
        logits=outputs.logits[index],
        gate_scores=outputs.gate_scores[index],
        fired=tuple(outputs.fired[index, :count].tolist()),
        weights=tuple(weights.tolist()),
        shares=shares,
        macs=card.costs.always + sum(branch_macs),
        branch_macs=branch_macs,
        policy=card.policy,
    )


def check_pixels(card: Card, pixels: NDArray[np.uint8]) -> None:
    """Raise InputError unless these are images, (B, side, side, 3), of the card's network."""
    side = card.architecture.image_size
    if pixels.dtype != _BYTES or pixels.shape[1:] != (side, side, 3) or not len(pixels):
        raise InputError(
            f"{card.name} takes images of {side}×{side}×3 bytes, at least one, not "
            f"{pixels.dtype} of the shape {pixels.shape}."
        )


def check_dynamic(card: Card) -> None:
    """Raise InputError unless the card's network has branches."""
    if not card.costs.num_branches:
        raise InputError(f"{card.name} is a static network: it has no branches to choose.")
