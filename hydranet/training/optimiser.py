"""The optimiser of a recipe, and the tensors that it changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from hydranet.executions.stacked import Stack, kept_stack
from hydranet.models.dynamic import DynamicNetwork
from hydranet.models.network import Network
from hydranet.training.recipe import Recipe


class Trained(NamedTuple):
    """A tensor that the optimiser changes: a parameter of the network, or, where branches are
    stacked, one of all branches, of which `names` says whose each part is."""

    tensor: Tensor
    names: tuple[str, ...]
    is_stacked: bool

    @property
    def is_matrix(self) -> bool:
        """Whether it is a matrix or a kernel, or one for each branch."""
        return self.tensor.dim() - self.is_stacked > 1

    def split(self, values: Tensor) -> dict[str, Tensor]:
        """Values of this shape by the names of the parameters."""
        parts = values if self.is_stacked else [values]
        return dict(zip(self.names, parts, strict=True))


def trained_tensors(model: Network) -> Iterator[Trained]:
    """What there is to train: the parameters, those of stacked branches as their stack."""
    stack = kept_stack(model.branches) if isinstance(model, DynamicNetwork) else None
    for name, parameter in model.named_parameters():
        if stack is None or not name.startswith("branches."):
            yield Trained(parameter, (name,), is_stacked=False)
    if stack is not None:
        yield from _of_stack(stack)


def _of_stack(stack: Stack) -> Iterator[Trained]:
    for name, tensor in stack.parameters.items():
        names = tuple(f"branches.{branch}.{name}" for branch in range(len(tensor)))
        yield Trained(tensor, names, is_stacked=True)


def make_optimiser(model: Network, recipe: Recipe) -> torch.optim.SGD:
    """Nesterov SGD; weight decay on matrices and kernels, not on biases and batch norm."""
    trained = list(trained_tensors(model))
    return torch.optim.SGD(
        [
            {
                "params": [t.tensor for t in trained if t.is_matrix],
                "weight_decay": recipe.weight_decay,
            },
            {"params": [t.tensor for t in trained if not t.is_matrix], "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
    )
