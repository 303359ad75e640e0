"""What every image runs, from folded layers: all of a static network, or stem and gate."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hydranet.engines.folded.families import FoldedFamily
from hydranet.engines.folded.graphs import Graphed
from hydranet.engines.folded.layers import packed
from hydranet.models.parts import Body

IMAGES_AT_ONCE = 16
"""On a CPU a batch runs so many images at a time, so that their maps stay in cache."""


class Trunk:
    """A stem, one body behind it (or none, for heads that no gate chooses), and what scores."""

    def __init__(
        self, stem: nn.Module, body: Body | None, score: nn.Module, family: FoldedFamily
    ) -> None:
        self._family = family
        self._stem = packed(family.stem_layers(stem))
        self._body = None if body is None else packed(family.body_layers(body))
        self._score = score
        self._graphed = Graphed(self._run)

    def scores(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, ·): logits or gate scores."""
        return torch.cat([self._graphed(piece)[1] for piece in _pieces(x)])

    def stem_and_scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) → stem features (B, c, h, w) and scores (B, ·)."""
        found = [self._graphed(piece) for piece in _pieces(x)]
        if len(found) == 1:
            return found[0][0], found[0][1]
        return torch.cat([one[0] for one in found]), torch.cat([one[1] for one in found])

    def _run(self, x: Tensor) -> tuple[Tensor, ...]:
        stem_features = self._family.run_stem(self._stem, x)
        if self._body is None:
            return stem_features, self._score(stem_features)
        return stem_features, self._score(self._family.run_body(self._body, stem_features))


def _pieces(x: Tensor) -> tuple[Tensor, ...]:
    x = x.contiguous(memory_format=torch.channels_last)
    return x.split(IMAGES_AT_ONCE) if x.device.type == "cpu" else (x,)
