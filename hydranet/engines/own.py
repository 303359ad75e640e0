"""A dynamic network that keeps to the protocol, run by its own forward.

What no engine has laid out runs here: networks whose branches stand in a row, or are chosen by
token, and networks of one's own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.costs import Costs
from hydranet.engines.engine import Outputs
from hydranet.models.dynamic import DynamicNetwork, Every
from hydranet.routing.policies import softmax
from hydranet.routing.routes import Route
from hydranet.routing.switchboard import Examined
from hydranet.routing.token_switchboard import ExaminedTokens

_ROUTES_AT_ONCE = 256


class OwnForward:
    """See `hydranet.engines.pytorch.Whole`. `execution`: see `hydranet.executions`."""

    def __init__(self, model: DynamicNetwork, *, execution: str) -> None:
        self._model, self._execution = model, execution

    def outputs(
        self,
        x: Tensor,
        *,
        k: int | None,
        threshold: float | None,
        fired: NDArray[np.integer] | None,
    ) -> Outputs:
        """What the network makes of (B, 3, side, side) normalised images."""
        if fired is not None:
            return self.run(x, route=self.given(x, fired))
        return self.run(x, k=k, threshold=threshold)

    def run(
        self,
        x: Tensor,
        *,
        k: int | None = None,
        threshold: float | None = None,
        route: Route | None = None,
    ) -> Outputs:
        """The same with a route that was made before."""
        execution = self._execution
        output = self._model(x, k=k, threshold=threshold, route=route, execution=execution)
        view = self._model.image_view(output)
        return Outputs(
            logits=output.logits.cpu().numpy(),
            gate_scores=view.gate_scores.cpu().numpy(),
            fired=view.fired.cpu().numpy(),
            weights=view.weights.cpu().numpy(),
            features=view.features.cpu().numpy(),
            rows=None if view.rows is None else view.rows.cpu().numpy(),
        )

    def examined(self, x: Tensor, pixels: NDArray[np.uint8], costs: Costs) -> Examined:
        """All that the network computes of one image, (1, 3, side, side)."""
        model, every = self._model, self._model.every(x)
        weight, bias = matrix_of(model)
        if model.config.policy.by_token:
            return _examined_tokens(model, every, pixels, costs)
        return Examined(
            pixels=pixels,
            gate_scores=every.gate_scores[0].cpu().numpy(),
            features=every.features[0].cpu().numpy(),
            output_weight=weight,
            output_bias=bias,
            costs=costs,
            policy=model.config.policy,
            join=None if adds_up(model) else _joined(model, every),
        )

    def given(self, x: Tensor, fired: NDArray[np.integer]) -> Route:
        """The route of exactly these branches, (B, k), for the images `x`."""
        model = self._model
        indices = torch.from_numpy(np.array(fired, np.int64)).to(x.device)
        if model.config.policy.in_a_row:  # what an exit counts does not depend on scores
            scores = torch.zeros(len(indices), model.config.num_branches, device=x.device)
        else:
            scores = model.scores(model.stem(x))
        return model.given_route(scores, indices)


def _examined_tokens(
    model: DynamicNetwork, every: Every, pixels: NDArray[np.uint8], costs: Costs
) -> ExaminedTokens:
    weight, bias = matrix_of(model)
    scores = every.gate_scores.cpu().numpy()  # (T, N)
    resting = every.stem_features.mean(dim=0).cpu().numpy()  # (D,): what passes by the experts
    return ExaminedTokens(
        pixels=pixels,
        gate_scores=np.log(np.maximum(softmax(scores).mean(axis=0), 1e-12)),
        features=every.features.mean(dim=0).cpu().numpy(),
        output_weight=weight,
        output_bias=np.asarray(weight @ resting + bias, np.float32),
        costs=costs,
        policy=model.config.policy,
        token_scores=scores,
        token_features=every.features.cpu().numpy(),
        k=model.config.k,
    )


def adds_up(model: DynamicNetwork) -> bool:
    """Whether the combiner is a sum over branches, so that each has a share of a logit."""
    return hasattr(model.combiner, "shares")


def matrix_of(model: DynamicNetwork) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(C, D) and (C,): what makes logits of the weighted sum of features; (C, 0) and zeros where
    the combiner is no sum."""
    if not adds_up(model):
        classes = model.config.num_classes
        return np.zeros((classes, 0), np.float32), np.zeros(classes, np.float32)
    weight, bias = model.combiner.matrix()
    return weight.detach().cpu().numpy(), bias.detach().cpu().numpy()


def _joined(
    model: DynamicNetwork, every: Every
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The combiner over many routes of one image, (S, N) weights → (S, C), a few at a time."""

    @torch.inference_mode()
    def join(weights: NDArray[np.float32]) -> NDArray[np.float32]:
        found = []
        for some in torch.from_numpy(weights).split(_ROUTES_AT_ONCE):
            features = every.features.expand(len(some), -1, -1)
            stem = every.stem_features.expand(len(some), *every.stem_features.shape[1:])
            found.append(model.join(features, some.to(features.device), stem).cpu())
        return torch.cat(found).numpy()

    return join
