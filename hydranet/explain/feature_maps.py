"""Feature maps of one image as arrays: the stem's last, and a body's before pooling.

No hook is needed: each part gives its maps when asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.explain.parts import (
    check_branch,
    check_gate,
    check_one_image,
    private_clone,
)
from hydranet.models import Network
from hydranet.models.parts import maps_of

Maps = NDArray[np.float32]
"""(channels, h, w)."""


def stem_maps(model: Network, x: Tensor) -> Maps:
    """What the stem hands on to all that follows: (channels, h, w).

    `x`: (1, 3, H, W), normalised. Raises InputError if it is not one image.
    """
    check_one_image(x)
    clone: Any = private_clone(model)
    with torch.no_grad():
        return _array(clone.stem_maps(x))


def branch_maps(model: Network, x: Tensor, branch: int) -> Maps:
    """A branch's maps before pooling: (channels, h, w), whether or not it fires for the image.

    Raises:
        InputError: the network is static or has no such branch, the branch has no maps, or `x` is
            not one image.
    """
    check_one_image(x)
    clone = private_clone(check_branch(model, branch))
    with torch.no_grad():
        return _array(clone.cut(branch)[0](clone.stem(x)))


def gate_maps(model: Network, x: Tensor) -> Maps:
    """The gate's maps before pooling: (channels, h, w).

    Raises:
        InputError: the network is static or its gate has no maps, or `x` is not one image.
    """
    check_one_image(x)
    clone = private_clone(check_gate(model, 0))
    with torch.no_grad():
        return _array(maps_of(clone.gate, "The gate")(clone.stem(x)))


def body_maps(model: Network, x: Tensor) -> Maps:
    """A static network's maps before pooling: (channels, h, w).

    Raises:
        InputError: the network has no single body, or `x` is not one image.
    """
    check_one_image(x)
    clone: Any = private_clone(model)
    with torch.no_grad():
        return _array(maps_of(clone, "The whole")(clone.stem(x)))


def _array(maps: Tensor) -> Maps:
    """Of (1, channels, h, w)."""
    return maps[0].detach().cpu().float().numpy()
