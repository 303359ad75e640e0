"""Single precision where it is asked for."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def exact() -> AbstractContextManager[object]:
    """The context in which a GPU convolves in single precision, not in TF32, which keeps ten bits
    of each factor and which torch allows convolutions otherwise."""
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
