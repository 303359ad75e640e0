"""Routes of gate scores on any device, to the rules of `arrays.choose`, without a look by the host.

`routes` has what training needs; of branches that score alike it lets the device choose.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hydranet.routing.routes import PADDING, Route


def best_scored(gate_scores: Tensor, k: int, *, threshold: Tensor | None = None) -> Route:
    """The route of the k best-scored branches, of equals the first ones.

    `gate_scores`: (B, N); `threshold`: (1,), what confidence a branch needs, the best one aside.
    """
    ordered, order = gate_scores.sort(dim=1, descending=True, stable=True)
    scores, fired = ordered[:, :k], order[:, :k]
    if threshold is not None:
        dropped = ordered.softmax(dim=1)[:, :k] < threshold
        dropped[:, 0].zero_()
        scores, fired = scores.masked_fill(dropped, -torch.inf), fired.masked_fill(dropped, PADDING)
    return Route(fired, scores.softmax(dim=1), gate_scores.shape[1])
