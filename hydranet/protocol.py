"""What a dynamic network of one's own is made of: all that `docs/other_networks.md` imports.

The four parts are those of a HydraNet. A configuration says what the network is, and `build` makes
it; a network keeps to `DynamicNetwork`; `register_network` makes both known by name.
"""

from __future__ import annotations

from hydranet.config.base import DynamicConfig
from hydranet.models.combiner import Combiner
from hydranet.models.dynamic import DynamicNetwork, DynamicOutput, Every, ImageView
from hydranet.models.hydra import Branch
from hydranet.models.multihead import MeanOfLogits
from hydranet.models.parts import Body
from hydranet.registry import register_network
from hydranet.routing.policies import ALL_HEADS, EARLY_EXIT, EXPERTS, GATED, Policy
from hydranet.routing.routes import PADDING, Route, dynamic_route, top_k_route

__all__ = [
    "ALL_HEADS",
    "EARLY_EXIT",
    "EXPERTS",
    "GATED",
    "PADDING",
    "Body",
    "Branch",
    "Combiner",
    "DynamicConfig",
    "DynamicNetwork",
    "DynamicOutput",
    "Every",
    "ImageView",
    "MeanOfLogits",
    "Policy",
    "Route",
    "dynamic_route",
    "register_network",
    "top_k_route",
]
