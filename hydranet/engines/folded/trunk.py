"""What every image runs, from folded layers: all of a static network, or stem and gate."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hydranet.engines.folded.families import FoldedFamily
from hydranet.engines.folded.graphs import Graphed
from hydranet.engines.folded.layers import Kernels, packed, with_kernels
from hydranet.models.parts import Body

IMAGES_AT_ONCE = 16
"""On a CPU a batch runs so many images at a time, so that their maps stay in cache."""


class Trunk:
    """A stem, one body behind it (or none, for heads that no gate chooses), and what scores."""

    def __init__(
        self,
        stem: nn.Module,
        body: Body | None,
        score: nn.Module,
        family: FoldedFamily,
        kernels: Kernels,
    ) -> None:
        self._family, self._format = family, kernels.memory_format
        self._stem = packed(with_kernels(family.stem_layers(stem), kernels))
        self._body = None
        if body is not None:
            self._body = packed(with_kernels(family.body_layers(body), kernels))
        self.score = score
        self._graphed = Graphed(self.run)

    def scores(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, ·): logits or gate scores."""
        return torch.cat([self._graphed(piece)[1] for piece in self._pieces(x)])

    def stem_and_scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) → stem features (B, c, h, w) and scores (B, ·)."""
        found = [self._graphed(piece) for piece in self._pieces(x)]
        if len(found) == 1:
            return found[0][0], found[0][1]
        return torch.cat([one[0] for one in found]), torch.cat([one[1] for one in found])

    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same, all at once and not recorded by itself."""
        stem_features = self.stem(x)
        if self._body is None:
            return stem_features, self.score(stem_features)
        return stem_features, self.score(self._family.run_body(self._body, stem_features))

    def stem(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, c, h, w), not recorded by itself."""
        return self._family.run_stem(self._stem, x.contiguous(memory_format=self._format))

    def _pieces(self, x: Tensor) -> tuple[Tensor, ...]:
        x = x.contiguous(memory_format=self._format)
        return x.split(IMAGES_AT_ONCE) if x.device.type == "cpu" else (x,)
