"""How a route is executed: an execution maps stem features and a route to the branches' features.

Every execution gives what `reference` gives; they differ in what they compute to get there.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from hydranet.errors import InputError
from hydranet.executions.buckets import buckets
from hydranet.executions.eager import eager
from hydranet.executions.grouped import grouped
from hydranet.executions.reference import reference
from hydranet.routing.routes import Route

Execution = Callable[[nn.ModuleList, Tensor, Route], Tensor]
"""(branches, stem features (B, c, H, W), route) → features (B, k, D), zero where padded."""

EXECUTIONS: dict[str, Execution] = {
    "reference": reference,
    "eager": eager,
    "grouped": grouped,
    "buckets": buckets,
}


def get_execution(name: str) -> Execution:
    """The execution of that name.

    Raises:
        InputError: there is none.
    """
    try:
        return EXECUTIONS[name]
    except KeyError:
        raise InputError(
            f"There is no execution named {name!r}. The names are: {', '.join(EXECUTIONS)}."
        ) from None
