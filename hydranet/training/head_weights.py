"""What each training image counts for each head of a multi-head network.

Source: raghav1810/HydraNet on GitHub: a Dirichlet draw over the images for each head, made once, so
that heads see different data and come to differ.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def draw_head_weights(
    heads: int, images: int, *, concentration: float, seed: int, device: torch.device | str = "cpu"
) -> Tensor:
    """(heads, images) float32: a symmetric Dirichlet draw a head, times the number of images.

    The mean weight is 1; the lower the concentration, the fewer images carry most of it.
    """
    gamma = np.random.default_rng(seed).standard_gamma(concentration, (heads, images))
    weights = images * gamma / gamma.sum(axis=1, keepdims=True)
    return torch.from_numpy(weights.astype(np.float32)).to(device)
