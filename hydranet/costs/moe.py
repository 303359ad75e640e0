"""What a vision transformer with experts costs, from its configuration alone. Light: no torch."""

from __future__ import annotations

from hydranet.config.moe import MoeViTConfig
from hydranet.costs import Costs
from hydranet.costs.parts import NOTHING, Cost, linear


def moe_costs(config: MoeViTConfig) -> Costs:
    """The stem is all before the experts; a branch is an expert on every token of an image."""
    dim, tokens = config.dim, config.tokens
    norm = Cost(2 * dim)
    patches = 3 * config.patch**2 * dim
    stem = Cost(patches + dim, patches * tokens) + Cost(tokens * dim)  # and where a patch lies
    products = Cost(0, 2 * tokens**2 * dim)  # queries with keys, then with values
    each = _on(tokens, linear(dim, 3 * dim) + linear(dim, dim))
    mlp = _on(tokens, linear(dim, config.mlp * dim) + linear(config.mlp * dim, dim))
    for _ in range(config.depth):
        stem += norm + each + products
    for _ in range(config.depth - 1):
        stem += norm + mlp
    return Costs(
        stem=stem + norm,
        gate=_on(tokens, linear(dim, config.num_branches)),
        branch=mlp,
        combiner=NOTHING + linear(dim, config.num_classes),
        num_branches=config.num_branches,
        k=config.k,
        rows=tokens,
    )


def _on(tokens: int, layer: Cost) -> Cost:
    """Of a layer that runs on every token."""
    return Cost(layer.parameters, layer.macs * tokens)
