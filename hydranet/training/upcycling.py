"""A HydraNet that starts as a copy of a trained static network.

The stem is copied, every branch and the gate's body become copies of the last stage, projections
start as the identity, the output layer is copied. All branches are alike then and their weights sum
to 1, so the HydraNet answers exactly as the static network does; what training adds is
specialisation. Known from mixtures of experts: Komatsuzaki et al., "Sparse Upcycling", ICLR 2023.
"""

from __future__ import annotations

import torch

from hydranet.errors import InputError
from hydranet.models.hydra import Branch, HydraNet
from hydranet.models.network import Network
from hydranet.models.resnet import ResNet


def upcycle(hydra: HydraNet, static: Network) -> None:
    """Copy the weights of `static` into `hydra`, in place.

    Raises:
        InputError: the networks do not fit: another depth, width or number of classes.
    """
    if not isinstance(static, ResNet):
        raise InputError(
            f"A Hydra-Res can start from a ResNet, not from a {type(static).__name__}."
        )
    ours, theirs = hydra.config, static.config
    if (ours.d, ours.widths, ours.num_classes) != (theirs.n, theirs.widths, theirs.num_classes):
        raise InputError(
            f"A Hydra-Res-d{ours.d} with {ours.num_classes} classes starts from a "
            f"ResNet-{6 * ours.d + 2} with as many classes, not from a ResNet-{6 * theirs.n + 2} "
            f"with {theirs.num_classes}."
        )
    hydra.stem.load_state_dict(static.stem.state_dict())
    hydra.combiner.output.load_state_dict(static.head.state_dict())
    hydra.gate.body.load_state_dict(static.body.state_dict())
    with torch.no_grad():
        for branch in hydra.branches:
            assert isinstance(branch, Branch)
            branch.body.load_state_dict(static.body.state_dict())
            branch.projection.weight.copy_(torch.eye(len(branch.projection.weight)))
            branch.projection.bias.zero_()
