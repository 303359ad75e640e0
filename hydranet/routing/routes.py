"""Routes: which branches run for which image, and with what weights.

Source: HydraNets, CVPR 2018, section 3 (the gate scores all branches, the top k run). The weights
are open in the paper; here they are a softmax over the scores of the chosen branches alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hydranet.errors import InputError
from hydranet.routing.arrays import PADDING
from hydranet.routing.policies import Policy

__all__ = ["PADDING", "Route", "dynamic_route", "masked_route", "top_k_route", "weighed"]


@dataclass(frozen=True)
class Route:
    """Which branches run for each of B images, and how much each counts.

    `indices`: (B, k) int64, branches in falling order of their score, `PADDING` behind the last;
    `weights`: (B, k) float, 0 where padded; `num_branches`: N.

    Examples:
        >>> fired, weights = [[2, 0], [1, PADDING]], [[0.7, 0.3], [1, 0]]
        >>> route = Route(torch.tensor(fired), torch.tensor(weights), num_branches=3)
        >>> route.counts.tolist(), route.mask.tolist()
        ([2, 1], [[True, False, True], [False, True, False]])
    """

    indices: Tensor
    weights: Tensor
    num_branches: int

    def __post_init__(self) -> None:
        if self.indices.dim() != 2 or self.indices.shape != self.weights.shape:
            raise InputError(
                "A route needs indices and weights of one shape (images, branches), not "
                f"{tuple(self.indices.shape)} and {tuple(self.weights.shape)}."
            )

    @property
    def mask(self) -> Tensor:
        """(B, N) bool: True where a branch fires."""
        return _scatter(self, self.indices != PADDING).bool()

    @property
    def dense_weights(self) -> Tensor:
        """(B, N): the weight of every branch, 0 where it does not fire."""
        return _scatter(self, self.weights)

    @property
    def counts(self) -> Tensor:
        """(B,) int64: how many branches fire for each image."""
        return (self.indices != PADDING).sum(dim=1)

    def check(self) -> None:
        """Raise InputError unless every index names a branch, none twice for an image.

        Not done on construction: on a GPU it would wait for the device at every step.
        """
        if self.indices.numel() == 0:
            raise InputError("A route needs at least one image and one branch, but it is empty.")
        low, high = int(self.indices.min()), int(self.indices.max())
        if low < PADDING or high >= self.num_branches:
            raise InputError(
                f"A route's branches must lie in 0 to {self.num_branches - 1} ({PADDING} pads), "
                f"but it names {low if low < PADDING else high}."
            )
        if not bool((self.indices != PADDING).any(dim=1).all()):
            raise InputError(
                "A route needs at least one branch for every image, not padding alone."
            )
        ones = (self.indices != PADDING).to(torch.int64)
        if int(_scatter(self, ones).max()) > 1:
            raise InputError("A route names one branch twice for the same image.")


def _scatter(route: Route, values: Tensor) -> Tensor:
    """(B, k) values put in their branches' places: (B, N). Padding adds nothing."""
    fired = route.indices != PADDING
    place = route.indices.clamp(min=0)
    values = torch.where(fired, values, torch.zeros_like(values))
    values = values.to(torch.int64) if values.dtype == torch.bool else values
    out = values.new_zeros(values.shape[0], route.num_branches)  # (B, N)
    return out.scatter_add(1, place, values)


def top_k_route(gate_scores: Tensor, k: int) -> Route:
    """The route of the k best-scored branches; weights are a softmax over their scores.

    `gate_scores`: (B, N). Differentiable in the scores through the weights.

    Raises:
        InputError: k is not from 1 to N.
    """
    num_branches = gate_scores.shape[1]
    if not 1 <= k <= num_branches:
        raise InputError(f"k must be from 1 to {num_branches}, the number of branches, not {k}.")
    scores, indices = gate_scores.topk(k, dim=1)  # (B, k) both
    return Route(indices, scores.softmax(dim=1), num_branches)


def dynamic_route(gate_scores: Tensor, k: int, threshold: float) -> Route:
    """The route of the k best-scored branches, less those that the gate is not confident of.

    A branch is dropped where its confidence, its part of the softmax over the scores of all N
    branches, is below `threshold`; the best-scored one always runs. So k differs by image.
    `gate_scores`: (B, N). Source: DynK-Hydra, Ileni et al., Complex & Intelligent Systems 2022.

    Raises:
        InputError: k is not from 1 to N, or the threshold not from 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise InputError(f"The threshold of dynamic k must be from 0 to 1, not {threshold}.")
    best = top_k_route(gate_scores, k).indices  # (B, k)
    confidence = gate_scores.softmax(dim=1).gather(1, best)  # (B, k)
    dropped = confidence < threshold
    dropped[:, 0] = False
    scores = gate_scores.gather(1, best).masked_fill(dropped, -torch.inf)
    return Route(best.masked_fill(dropped, PADDING), scores.softmax(dim=1), gate_scores.shape[1])


def masked_route(gate_scores: Tensor, mask: Tensor) -> Route:
    """The route of the branches that `mask` switches on, weighted as `top_k_route` would.

    `gate_scores`: (B, N); `mask`: (B, N) bool. Images with fewer branches are padded.

    Raises:
        InputError: an image has no branch on, or the shapes differ.
    """
    if mask.shape != gate_scores.shape:
        raise InputError(
            f"A mask must have the shape of the gate scores {tuple(gate_scores.shape)}, "
            f"not {tuple(mask.shape)}."
        )
    counts = mask.sum(dim=1)
    if int(counts.min()) == 0:
        raise InputError("At least one branch must be on for every image.")
    k = int(counts.max())
    scores, indices = gate_scores.masked_fill(~mask, -torch.inf).topk(k, dim=1)  # (B, k)
    padded = torch.isinf(scores)
    return Route(indices.masked_fill(padded, PADDING), scores.softmax(dim=1), mask.shape[1])


def weighed(policy: Policy, gate_scores: Tensor, fired: Tensor) -> Route:
    """The route of given branches, in the policy's order and weighted as it weighs them.

    `gate_scores`: (R, N); `fired`: (R, k) int64, `PADDING` where none.
    """
    padded = fired == PADDING
    scores = gate_scores.gather(1, fired.clamp(min=0)).masked_fill(padded, -torch.inf)
    before = fired.masked_fill(padded, gate_scores.shape[1]) if policy.in_a_row else -scores
    order = before.argsort(dim=1, stable=True)
    fired, scores = fired.gather(1, order), scores.gather(1, order)
    if not policy.in_a_row:
        return Route(fired, scores.softmax(dim=1), gate_scores.shape[1])
    return Route(fired, last_of(fired).to(scores.dtype), gate_scores.shape[1])


def last_of(fired: Tensor) -> Tensor:
    """(R, k) branches in a row, padded behind the last → (R, k) bool, True at the last."""
    last = (fired != PADDING).sum(dim=1, keepdim=True) - 1
    return torch.arange(fired.shape[1], device=fired.device) == last
