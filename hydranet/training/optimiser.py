"""The optimiser of a recipe."""

from __future__ import annotations

import torch

from hydranet.models.network import Network
from hydranet.training.recipe import Recipe


def make_optimiser(model: Network, recipe: Recipe) -> torch.optim.SGD:
    """Nesterov SGD; weight decay on matrices and kernels, not on biases and batch norm."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    return torch.optim.SGD(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
    )
