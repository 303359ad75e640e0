"""A checkpoint's network. Light until one is loaded.

Weights are stored in half precision and run in single precision. Nothing is allocated before the
card, the file's size and every tensor's shape are known to fit.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hydranet.checkpoints.folders import CHECKPOINTS, Checkpoint, find_checkpoint

if TYPE_CHECKING:
    from hydranet.models import Network


def load(name_or_folder: str | Path, root: Path = CHECKPOINTS) -> Network:
    """The network of the checkpoint of that name or in that folder; see `load_model`.

    Examples:
        >>> model = load("resnet8")
        >>> model.card.name, model.training
        ('resnet8', False)

    Raises:
        InputError: there is none, or it is damaged.
    """
    return load_model(find_checkpoint(name_or_folder, root))


def load_model(checkpoint: Checkpoint) -> Network:
    """The network of a checkpoint, in eval mode, single precision, with its card as `.card`.

    Raises:
        InputError: the weights do not have the hash on the card, or do not fit the architecture.
    """
    import torch
    from safetensors.torch import load as load_tensors

    from hydranet.checkpoints.weights import fitting, read_checked
    from hydranet.models import build

    content = read_checked(checkpoint)
    with torch.device("meta"):
        model = build(checkpoint.card.architecture)
    with fitting(checkpoint):
        tensors = load_tensors(content)
    state = {
        name: value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
    }
    model.load_state_dict(state, assign=True)
    model.card = checkpoint.card
    model.requires_grad_(False)
    model.eval()
    return model
