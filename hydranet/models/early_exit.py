"""An early-exit network: exits in a row, and an image leaves at the first that is sure enough.

Sources and choices: `hydranet.config.early_exit`. In the words of the protocol, an exit with the
blocks that lead to it is a branch, what chooses is a policy without parameters, and the combiner is
the last exit that ran.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hydranet.config import EarlyExitResConfig
from hydranet.errors import InputError
from hydranet.executions.reference import chosen_features
from hydranet.models.blocks import BasicBlock
from hydranet.models.dynamic import DynamicNetwork, DynamicOutput, Every, OfTensor
from hydranet.models.multihead import MeanOfLogits
from hydranet.models.parts import initialise
from hydranet.routing.routes import PADDING, Route, last_of

_EXECUTIONS = ("reference", "eager")


class FirstConvolution(nn.Module):
    """3×3 convolution, batch norm, ReLU: what every image runs."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, channels, H, W)."""
        return F.relu(self.bn(self.conv(x)))


class Exit(nn.Module):
    """Blocks that lead on, and a classifier of what they give.

    `passage`: (B, c, H, W) → (B, c', H', W'), which the next exit goes on from; `head`: the same
    maps → (B, C).
    """

    head: nn.Sequential

    def __init__(self, passage: nn.Module, head: nn.Sequential) -> None:
        super().__init__()
        self.passage = passage
        self.head = head


class ConfidencePolicy(nn.Module):
    """A gate without parameters: an image goes on where its answer so far leaves doubt."""

    def forward(self, logits: Tensor) -> Tensor:
        """(B, N, C) logits of all exits → (B, N): the doubt that the one before each left, 1 for
        the first. A doubt is 1 less the probability of the most probable class."""
        doubt = 1 - logits[:, :-1].softmax(dim=2).amax(dim=2)  # (B, N − 1)
        return F.pad(doubt, (1, 0), value=1.0)

    def route(self, gate_scores: Tensor, k: int, *, threshold: float = 0.0) -> Route:
        """The first exits, up to the first that leaves less doubt than `threshold`; at most k.

        `gate_scores`: (B, N). Raises InputError if k or the threshold is out of range.
        """
        _check(k, threshold, gate_scores.shape[1])
        wanted = gate_scores[:, :k].cummin(dim=1).values  # (B, k)
        runs = wanted >= threshold
        runs[:, 0] = True
        exits = torch.arange(k, device=gate_scores.device).expand_as(runs)
        fired = exits.masked_fill(~runs, PADDING)
        return Route(fired, last_of(fired).to(gate_scores.dtype), gate_scores.shape[1])


class EarlyExitNet(DynamicNetwork):
    """Exits in a row: see `DynamicNetwork`. The policy asks each exit in turn: of a forward, the
    score of an exit is 0 where the one before it did not run."""

    config: EarlyExitResConfig

    def __init__(self, config: EarlyExitResConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = FirstConvolution(config.widths[0])
        self.gate = ConfidencePolicy()
        self.branches = nn.ModuleList()
        entering, last = config.widths[0], config.widths[-1]
        stage = 0
        for place, segment in enumerate(config.segments, 1):
            blocks = []
            for next_stage in segment:
                width, stride = config.widths[next_stage], 1 + (next_stage > stage)
                blocks.append(BasicBlock(entering, width, stride))
                entering, stage = width, next_stage
            on_the_way = place < config.num_branches
            self.branches.append(
                Exit(
                    nn.Sequential(*blocks),
                    _head(entering, last if on_the_way else None, config.num_classes),
                )
            )
        self.combiner = MeanOfLogits(config.num_classes)
        initialise(self)

    def forward(
        self,
        x: Tensor,
        *,
        k: int | None = None,
        threshold: float | None = None,
        route: Route | None = None,
        execution: str = "eager",
    ) -> DynamicOutput:
        """See `DynamicNetwork.forward`; `execution`: reference or eager."""
        if execution not in _EXECUTIONS:
            raise InputError(
                f"Exits in a row run as {' or '.join(_EXECUTIONS)}, not as {execution!r}: each "
                "needs the one before it."
            )
        if route is not None:
            self.check_given(route, k, threshold, len(x))
        stem_features = self.stem(x)
        if execution == "reference":
            logits = self.all_features(stem_features)  # (B, N, C)
            scores = self.gate(logits)
            if route is None:
                route = self.own_route(scores, k, threshold)
            scores = F.pad(scores[:, 1:] * route.mask[:, :-1], (1, 0), value=1.0)
        elif route is None:
            k = self.config.k if k is None else k
            threshold = self.config.threshold if threshold is None else threshold
            _check(k, threshold, self.config.num_branches)
            logits, scores = self._in_turn(stem_features, k, threshold, None)
            route = self.gate.route(scores, k, threshold=threshold)
        else:
            logits, scores = self._in_turn(stem_features, len(self.branches), 0.0, route.mask)
        features = chosen_features(logits, route.indices)  # (B, k, C)
        return DynamicOutput(self.combiner(features, route.weights), scores, route, features)

    def _in_turn(
        self, state: Tensor, k: int, threshold: float, asked: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, N, C) and scores (B, N) of the exits that images come to, else 0.

        Each exit runs only on the images that are still in doubt; where `asked` (B, N) says which
        exits of each image are asked, on those, and images go on to the last of them.
        """
        images, exits = len(state), len(self.branches)
        rows = torch.arange(images, device=state.device)
        every = [state.new_zeros(images, self.config.num_classes) for _ in range(exits)]
        scores = [state.new_zeros(images) for _ in range(exits)]
        scores[0] = state.new_ones(images)
        for place, branch in enumerate(self.branches[:k]):
            assert isinstance(branch, Exit)
            state = branch.passage(state)
            runs = slice(None) if asked is None else asked[rows, place]
            who = rows[runs]
            if len(who):
                logits = branch.head(state[runs])
                every[place] = every[place].to(logits.dtype).index_copy(0, who, logits)
            if place + 1 == exits:
                break
            doubt = 1 - every[place][rows].float().softmax(dim=1).amax(dim=1)  # (rows,)
            on = doubt >= threshold
            if asked is not None:
                doubt = doubt * asked[rows, place]
                on = asked[rows, place + 1 :].any(dim=1)
            doubt = doubt.to(scores[place + 1].dtype)
            scores[place + 1] = scores[place + 1].index_copy(0, rows, doubt)
            state, rows = state[on], rows[on]
            if not len(rows):
                break
        dtype = every[0].dtype
        return torch.stack([part.to(dtype) for part in every], dim=1), torch.stack(scores, dim=1)

    def all_features(self, stem_features: Tensor) -> Tensor:
        """Logits of every exit: (B, N, C)."""
        state, found = stem_features, []
        for branch in self.branches:
            assert isinstance(branch, Exit)
            state = branch.passage(state)
            found.append(branch.head(state))
        return torch.stack(found, dim=1)

    def scores(self, stem_features: Tensor) -> Tensor:
        """The doubt before each exit if all run: (B, N)."""
        return self.gate(self.all_features(stem_features))

    def every(self, x: Tensor) -> Every:
        """See `DynamicNetwork.every`."""
        stem_features = self.stem(x)
        logits = self.all_features(stem_features)
        return Every(stem_features, self.gate(logits), logits)

    def branch_features(self, stem_features: Tensor, branch: int) -> Tensor:
        """Logits of one exit: (B, C)."""
        return self._at(branch).head(self._passed(stem_features, branch))

    def cut(self, branch: int) -> tuple[OfTensor, OfTensor]:
        """See `DynamicNetwork.cut`."""
        *layers, _, _, output = self._at(branch).head  # pooling and flattening stand between

        def maps(stem_features: Tensor) -> Tensor:
            found = self._passed(stem_features, branch)
            for layer in layers:
                found = layer(found)
            return found

        return maps, output

    def _passed(self, stem_features: Tensor, branch: int) -> Tensor:
        """What an exit classifies: (B, channels, h, w)."""
        for place in range(branch + 1):
            stem_features = self._at(place).passage(stem_features)
        return stem_features

    def _at(self, place: int) -> Exit:
        branch = self.branches[place]
        assert isinstance(branch, Exit)
        return branch


def _head(channels: int, widened: int | None, classes: int) -> nn.Sequential:
    """Of an exit on the way, a convolution first; pooling and a linear layer of every one."""
    layers: list[nn.Module] = []
    if widened is not None:
        conv = nn.Conv2d(channels, widened, 3, 2, padding=1, bias=False)
        layers = [conv, nn.BatchNorm2d(widened), nn.ReLU()]
        channels = widened
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)
    )


def _check(k: int, threshold: float, exits: int) -> None:
    if not 1 <= k <= exits:
        raise InputError(f"k must be from 1 to {exits}, the number of exits, not {k}.")
    if not 0 <= threshold <= 1:
        raise InputError(f"The threshold must be a doubt from 0 to 1, not {threshold}.")
