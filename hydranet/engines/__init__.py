"""How a route is executed: an engine maps stem features and a route to the branches' features.

Every engine gives what `reference` gives; they differ in what they compute to get there.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from hydranet.engines.eager import eager
from hydranet.engines.grouped import grouped
from hydranet.engines.reference import reference
from hydranet.errors import InputError
from hydranet.routing import Route

Engine = Callable[[nn.ModuleList, Tensor, Route], Tensor]
"""(branches, stem features (B, c, H, W), route) → features (B, k, D), zero where padded."""

ENGINES: dict[str, Engine] = {"reference": reference, "eager": eager, "grouped": grouped}


def get_engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        InputError: there is none.
    """
    try:
        return ENGINES[name]
    except KeyError:
        raise InputError(
            f"There is no engine named {name!r}. The names are: {', '.join(ENGINES)}."
        ) from None
