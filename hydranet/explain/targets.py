"""What an attribution explains: one number of the network, with the image's route held still.

Why held: where the route changes along a path of inputs the network jumps, and no attribution adds
up to a jump. So every target is a smooth function x ↦ f(x, route of the image).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from hydranet.errors import InputError
from hydranet.explain.parts import check_branch, check_gate, fired_branches, repeated
from hydranet.models import DynamicNetwork, Network
from hydranet.routing.routes import PADDING, Route


@dataclass(frozen=True)
class ClassLogit:
    """A class's logit of the whole network; which branches run, and their weights, are held."""

    class_index: int


@dataclass(frozen=True)
class BranchShare:
    """What one fired branch adds to a class's logit: weight × output weights · features.

    Exact where the combiner adds up (`Combiner.shares`). The weight is held.
    """

    branch: int
    class_index: int


@dataclass(frozen=True)
class GateScore:
    """The gate's score of one branch, before any softmax."""

    branch: int


@dataclass(frozen=True)
class GateMargin:
    """By how much the gate's score of the last branch chosen exceeds that of the first refused."""

    last_chosen: int
    first_refused: int


Target = ClassLogit | BranchShare | GateScore | GateMargin


def gate_margin(gate_scores: Tensor, route: Route) -> GateMargin:
    """The margin that decides the route of one image. `gate_scores`: (1, N).

    Raises:
        InputError: every branch fires, so none is refused.
    """
    fired = fired_branches(route)
    refused = [b for b in range(route.num_branches) if b not in fired]
    if not refused:
        raise InputError("Every branch fires, so none is refused: lower k to see a margin.")
    scores = gate_scores[0].tolist()
    return GateMargin(min(fired, key=scores.__getitem__), max(refused, key=scores.__getitem__))


def check_target(model: Network, target: Target, route: Route | None) -> None:
    """Raise InputError unless the network has what is to be explained, and the route fires it."""
    if isinstance(target, ClassLogit | BranchShare):
        last = model.config.num_classes - 1
        if not 0 <= target.class_index <= last:
            raise InputError(f"A class must be from 0 to {last}, not {target.class_index}.")
    match target:
        case ClassLogit():
            _check_route(model, route)
        case BranchShare(branch=branch):
            hydra = check_branch(model, branch)
            if hydra.rows > 1:
                raise InputError(
                    "Every token of this network has a route of its own, so what one branch adds "
                    "depends on all of them. Explain the class's logit."
                )
            if not hasattr(hydra.combiner, "shares"):
                raise InputError(
                    "This network's combiner does not add its branches up, so none has a share of "
                    "a logit. Explain the class's logit, or use Shapley values."
                )
            if branch not in (fired := _check_route(model, route)):
                raise InputError(f"Branch {branch} has no share: only {fired} fire for this image.")
        case GateScore(branch=branch):
            check_gate(model, branch)
        case GateMargin(last_chosen=chosen, first_refused=refused):
            check_gate(model, chosen)
            check_gate(model, refused)
            if chosen == refused:
                raise InputError(f"A margin needs two different branches, not {chosen} twice.")


def _check_route(model: Network, route: Route | None) -> list[int]:
    """The branches that the route fires, none for a static network; raises where it cannot hold."""
    if not isinstance(model, DynamicNetwork):
        if route is not None:
            raise InputError("A static network takes no route: all of it runs.")
        return []
    if route is None or len(route.indices) != model.rows:
        images = 0 if route is None else len(route.indices) // model.rows
        raise InputError(f"The route of one image must be held, not of {images}.")
    return fired_branches(route)


class TargetFunction(nn.Module):
    """The target as a function of images alone.

    `model`: a private clone in eval mode; `route`: of one image, used for every image that comes.

    Raises:
        InputError: on construction, where `check_target` does.
    """

    def __init__(self, model: Network, target: Target, route: Route | None) -> None:
        super().__init__()
        check_target(model, target, route)
        self.model: Any = model
        self.target = target
        self.route = route

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images → (B,)."""
        match self.target:
            case ClassLogit(class_index=c):
                return self._logits(x)[:, c]
            case BranchShare(branch=b, class_index=c):
                features = self.model.branch_features(self.model.stem(x), b)[:, None]  # (B, 1, D)
                weight = self.weight_of(b).expand(len(x), 1)  # (B, 1)
                return self.model.combiner.shares(features, weight)[:, 0, c]
            case GateScore(branch=b):
                return self._scores(x)[:, b]
            case GateMargin(last_chosen=a, first_refused=b):
                scores = self._scores(x)
                return scores[:, a] - scores[:, b]

    def weight_of(self, branch: int) -> Tensor:
        """(1, 1): how much the held route counts a branch."""
        assert self.route is not None
        place = (self.route.indices == branch) & (self.route.indices != PADDING)
        return self.route.weights.detach()[place][None]  # (1, 1)

    def _logits(self, x: Tensor) -> Tensor:
        if self.route is None:
            return self.model(x)
        return self.model(x, route=repeated(self.route, len(x))).logits

    def _scores(self, x: Tensor) -> Tensor:
        """(B, N)."""
        return self.model.scores(self.model.stem(x))
