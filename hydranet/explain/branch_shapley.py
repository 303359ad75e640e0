"""What each fired branch is worth to the answer when branches cannot simply be added up.

A class's probability is no sum over branches, and some combiners give no sum of logits either. So
every fired branch runs once, the combiner alone runs over subsets of them, and the Shapley values
split the result fairly. A branch that is out has the weight 0; the others keep theirs.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.errors import InputError
from hydranet.explain.parts import check_one_image, fired_branches, own_route
from hydranet.explain.shapley import MAX_EXACT, all_subsets, exact_shapley, sampled_shapley
from hydranet.models import DynamicNetwork, Network
from hydranet.routing.routes import Route


class BranchValues(NamedTuple):
    """`fired`: k branches, best-scored first; `values`: (k, C), what each adds to every class.

    `standard_errors`: (k, C), of sampled values; None where they are exact. `nothing`: (C,), what
    the combiner gives with every branch out; with the values it sums to the network's own answer.
    """

    fired: tuple[int, ...]
    values: NDArray[np.float64]
    standard_errors: NDArray[np.float64] | None
    nothing: NDArray[np.float64]


def branch_values(
    model: Network,
    x: Tensor,
    *,
    route: Route | None = None,
    of: Literal["probability", "logit"] = "probability",
    orders: int = 256,
    seed: int = 0,
) -> BranchValues:
    """Shapley values of the fired branches, for every class at once.

    `x`: (1, 3, H, W), normalised; `route`: of this image, the network's own unless given; `orders`
    and `seed`: of the sampling, needed only where more than 12 branches fire.

    Raises:
        InputError: the network is static, or the image or the route does not fit.
    """
    check_one_image(x)
    if not isinstance(model, DynamicNetwork):
        raise InputError("A static network has no branches, so none has a value.")
    if model.rows > 1:
        raise InputError(
            "Shapley values are not reckoned where every token has a route of its own. What each "
            f"{model.config.policy.branch} adds to a logit is exact all the same."
        )
    with torch.no_grad():
        output = model(x, route=own_route(model, x) if route is None else route)
        fired = fired_branches(output.route)
        features = output.features[:, : len(fired)]  # (1, k, D)
        weights = output.route.weights[:, : len(fired)]  # (1, k)

        def value(subsets: NDArray[np.bool_]) -> NDArray[np.floating]:
            """(S, k) → (S, C)."""
            chosen = weights * torch.from_numpy(subsets).to(weights.dtype)  # (S, k)
            logits = model.combiner(features.expand(len(subsets), -1, -1), chosen)
            return (logits.softmax(dim=1) if of == "probability" else logits).double().numpy()

        nothing = np.asarray(value(np.zeros((1, len(fired)), bool))[0], np.float64)
        if len(fired) <= MAX_EXACT:
            exact = exact_shapley(value(all_subsets(len(fired))))
            return BranchValues(tuple(fired), exact, None, nothing)
        sampled = sampled_shapley(value, len(fired), orders=orders, seed=seed)
        return BranchValues(tuple(fired), sampled.values, sampled.standard_errors, nothing)
