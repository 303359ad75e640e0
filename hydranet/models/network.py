"""What every network here has beside its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from hydranet.config import ArchitectureConfig

if TYPE_CHECKING:
    from hydranet.card import Card


class Network(nn.Module):
    """A network that knows its configuration and, where it comes from a checkpoint, its card."""

    config: ArchitectureConfig
    card: Card | None = None
