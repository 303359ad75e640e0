"""The branches of a network from folded layers, run in one of several ways.

All ways give the same features; which is fastest depends on the device and on the rows that a
branch gets, m = B·k/N. `docs/performance.md` has what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from hydranet.engines.folded.buckets import in_buckets
from hydranet.engines.folded.families import FoldedFamily
from hydranet.engines.folded.graphs import Graphed
from hydranet.engines.folded.layers import (
    Kernels,
    Layer,
    alike,
    joined,
    packed,
    taken,
    with_kernels,
)
from hydranet.engines.folded.streams import side_by_side
from hydranet.executions.reference import chosen_features
from hydranet.models.hydra import Branch
from hydranet.routing.arrays import PADDING

WAYS = ("loop", "gathered", "buckets", "all")
"""loop: each branch on its own rows, one after the other. gathered: the weights of what fired, once
for every row, in one grouped convolution. buckets: every branch on equally many rows, some of them
filled up, in one grouped convolution. all: every branch on every row in one grouped convolution.

On a GPU all but the loop are part of a CUDA graph: once a bucket's size is settled, no shape of
theirs depends on who fired."""

WITHOUT_HOST = ("gathered", "buckets", "all")
"""The ways that need no look from the host at who fired."""

AUTO = "auto"
"""On a CPU the faster of loop and gathered, see `fastest_on_cpu`; where no host decides, of all and
buckets, see `fastest_on_gpu`."""

_GATHERED_SLOTS = 16
_ROWS_LEFT_OUT, _PART_LEFT_OUT = 16, 1 / 8


def fastest_on_cpu(images: int, k: int) -> str:
    """Which way is fastest for B images that fire k branches each.

    Measured with k = 4 of 20, milliseconds an image, loop against gathered, on one core of an Intel
    Xeon (AVX-512): one image 1.82, 1.86 (Hydra-Res-d1), 3.14, 3.24 (d2), 5.21, 4.89
    (Hydra-Dense-d2); two 1.59, 1.35; 2.84, 2.41; 4.75, 3.55; four 1.24, 1.03; 2.16, 1.93; 3.84,
    3.17; sixteen 0.77, 0.86; 1.36, 1.94; 2.77, 3.23. The other two ways took longer than the better
    of these throughout. On an AMD EPYC four took 0.84, 0.78; 1.39, 1.58; 2.30, 2.26; all else went
    the same way. Medians of 7 rounds in turns, torch 2.14.1: `hydranet bench --engine
    eager:gathered` measures it anew. One image needs no gathering of rows, and for many slots it is
    the weights that cost.
    """
    return "gathered" if images > 1 and images * k <= _GATHERED_SLOTS else "loop"


def fastest_on_gpu(images: int, capacity: int) -> str:
    """Which way is fastest for B images of which every branch's bucket holds `capacity`.

    Measured with Hydra-Res-d2 on one NVIDIA H100 80GB HBM3, milliseconds a call, all against
    buckets, channel by channel: four of 20 branches, one image 0.580, 0.717; 64 images 1.87, 1.35;
    1,024 images 23.2, 9.9; all 20 branches 0.561, 0.706; 1.95, 2.04; 24.0, 25.3. Medians of 3
    rounds in turns, torch 2.11.0: `python benchmarks/gpu.py` measures it anew.

    So buckets cost 0.14 ms a call for one image, and 5 % of the time for 1,024. What they save is
    the B - `capacity` rows of every branch that nobody runs: 0.016 ms each at 64 images, 0.017 at
    1,024. At that rate they are ahead from 9 rows on, or a thirteenth of the images. Between one
    image and 64 nothing was measured; few rows may save less each, as they do not fill a GPU. So
    nearly twice as much is asked: 16 rows and an eighth of the images. With four of 20 branches,
    which each run m = B·k/N = B/5 images on average, buckets begin at 30 images, m = 6. Where every
    branch fires, or an uneven gate has made buckets nearly as large as the batch, there is nothing
    to save.
    """
    left_out = images - capacity
    enough = max(_ROWS_LEFT_OUT, _PART_LEFT_OUT * images)
    return "buckets" if left_out >= enough else "all"


class FoldedBranches:
    """N branches of one shape."""

    def __init__(
        self, branches: Iterable[nn.Module], family: FoldedFamily, kernels: Kernels
    ) -> None:
        own = [branch for branch in branches if isinstance(branch, Branch)]
        self._layers = [with_kernels(family.body_layers(branch.body), kernels) for branch in own]
        self._ready = [packed(layers) for layers in self._layers]
        self._run, self._apart = family.run_body, kernels.apart
        self._projection = _Projection([branch.projection for branch in own])
        self._all = Graphed(self._run_all)

    @cached_property
    def _joined(self) -> list[Layer]:
        """Every layer with the weights of all branches, made when a way first needs it."""
        return [joined(list(layers)) for layers in zip(*self._layers, strict=True)]

    def features(self, stem_features: Tensor, fired: NDArray[np.int64], way: str) -> Tensor:
        """(B, c, H, W) and (B, k) branches, `PADDING` last → (B, k, D), zero where padded."""
        if way == AUTO:
            way = fastest_on_cpu(*fired.shape)
        if way == "loop":
            return self._loop(stem_features, fired)
        most = np.bincount(fired[fired != PADDING]).max() if way == "buckets" else len(fired)
        indices = torch.from_numpy(fired).to(stem_features.device)
        return self.chosen(stem_features, indices, way, capacity=int(most))[0]

    def chosen(
        self, stem_features: Tensor, fired: Tensor, way: str, *, capacity: int
    ) -> tuple[Tensor, Tensor]:
        """The same `WITHOUT_HOST`, and how many images fire the most wanted branch, (); of buckets
        that is told, and where it is more than `capacity` the features are not all there."""
        if way == "buckets":
            return self._buckets(stem_features, fired, capacity)
        if way == "gathered":
            features = self._gathered(stem_features, fired)
        else:
            features = chosen_features(self._run_all(stem_features)[0], fired)
        return features, features.new_zeros(())

    def with_gate(self, body: list[Layer]) -> list[Layer] | None:
        """Every layer with the weights of all branches and of the gate's body; None where that is
        not of their shape or each runs by itself."""
        if self._apart or not alike(body, self._layers[0]):
            return None
        return [joined(list(layers)) for layers in zip(*self._layers, body, strict=True)]

    def every_and_gate(self, stem_features: Tensor, layers: list[Layer]) -> tuple[Tensor, Tensor]:
        """Of all branches, and of the gate's body in the same convolutions, see `with_gate`:
        (B, c, H, W) → (B, N, D) and (B, D')."""
        pooled = self._run(layers, stem_features)  # (B, (N + 1)·D')
        size = pooled.shape[1] // (len(self._ready) + 1)
        return self._project_all(pooled[:, :-size]), pooled[:, -size:]

    def every(self, stem_features: Tensor, way: str) -> Tensor:
        """Of all branches, in a loop if that is the way, or the faster one on a CPU, else at once:
        (B, c, H, W) → (B, N, D)."""
        if way == "loop" or (way == AUTO and not stem_features.is_cuda):
            branches = range(len(self._ready))
            return torch.stack([self._branch(b, stem_features) for b in branches], dim=1)
        return self._all(stem_features)[0]

    def _branch(self, branch: int, rows: Tensor) -> Tensor:
        return self._projection.one(branch, self._run(self._ready[branch], rows))

    def _loop(self, stem_features: Tensor, fired: NDArray[np.int64]) -> Tensor:
        images, k = fired.shape
        if images == 1:
            chosen = fired[0][fired[0] != PADDING]
            alone = torch.cat([self._branch(int(b), stem_features) for b in chosen])
            return F.pad(alone, (0, 0, 0, k - len(chosen)))[None]
        order, counts = _by_branch(fired, len(self._ready))
        at = torch.from_numpy(order).to(stem_features.device)
        groups = at.split(counts.tolist())
        outputs = [
            self._branch(b, stem_features[slots // k])
            for b, slots in enumerate(groups)
            if len(slots)
        ]
        features = stem_features.new_zeros(images * k, outputs[0].shape[1])
        features[at] = torch.cat(outputs)
        return features.view(images, k, -1)

    def _gathered(self, stem_features: Tensor, fired: Tensor) -> Tensor:
        images, k = fired.shape
        bodies = fired.clamp(min=0).flatten()  # (B·k,)
        layers = [taken(layer, bodies) for layer in self._joined]
        in_a_row = stem_features.reshape(1, -1, *stem_features.shape[2:])  # (1, B·c, H, W)
        pooled = self._run(layers, in_a_row).view(len(bodies), 1, -1)  # (B·k, 1, D)
        features = self._projection.some(bodies, pooled).view(images, k, -1)
        return features * (fired != PADDING)[:, :, None]

    def _buckets(
        self, stem_features: Tensor, fired: Tensor, capacity: int
    ) -> tuple[Tensor, Tensor]:
        buckets = in_buckets(fired, branches=len(self._ready), capacity=capacity)
        if self._apart:
            images = buckets.images.unbind(1)  # N times (capacity,)
            found = self._each(lambda b: stem_features[images[b]], on_gpu=stem_features.is_cuda)
        else:
            rows = stem_features[buckets.images].flatten(1, 2)  # (capacity, N·c, H, W)
            found = self._project_all(self._run(self._joined, rows))  # (capacity, N, D)
        return buckets.features(found).view(*fired.shape, -1), buckets.most

    def _run_all(self, stem_features: Tensor) -> tuple[Tensor]:
        """(B, c, H, W), which all branches share, → (B, N, D)."""
        if self._apart:
            return (self._each(lambda _: stem_features, on_gpu=stem_features.is_cuda),)
        return (self._project_all(self._run(self._joined, stem_features)),)

    def _each(self, rows: Callable[[int], Tensor], *, on_gpu: bool) -> Tensor:
        """Every branch by itself, on the (R, c, H, W) rows of its number, → (R, N, D)."""
        branches = range(len(self._ready))
        runs = [partial(lambda b: self._branch(b, rows(b)), branch) for branch in branches]
        return torch.stack(side_by_side(runs, on_gpu=on_gpu), dim=1)

    def _project_all(self, pooled: Tensor) -> Tensor:
        """(R, N·D) → (R, N, D)."""
        by_branch = pooled.unflatten(1, (len(self._ready), -1)).transpose(0, 1)  # (N, R, D)
        return self._projection.all(by_branch).transpose(0, 1)


class _Projection:
    """What stands behind the bodies: a linear layer for each branch, or nothing."""

    def __init__(self, projections: Sequence[nn.Module]) -> None:
        linear = [layer for layer in projections if isinstance(layer, nn.Linear)]
        self._weight = torch.stack([layer.weight for layer in linear]) if linear else None
        self._bias = torch.stack([layer.bias for layer in linear]) if linear else None

    def one(self, branch: int, pooled: Tensor) -> Tensor:
        """Of one branch: (m, D)."""
        if self._weight is None or self._bias is None:
            return pooled
        return F.linear(pooled, self._weight[branch], self._bias[branch])

    def some(self, branches: Tensor, pooled: Tensor) -> Tensor:
        """Of G branches, each on its own rows: (G, R, D)."""
        if self._weight is None or self._bias is None:
            return pooled
        weight, bias = self._weight[branches], self._bias[branches]
        return torch.baddbmm(bias[:, None], pooled, weight.transpose(1, 2))

    def all(self, pooled: Tensor) -> Tensor:
        """Of all branches: (N, R, D)."""
        if self._weight is None or self._bias is None:
            return pooled
        return torch.baddbmm(self._bias[:, None], pooled, self._weight.transpose(1, 2))


def _by_branch(fired: NDArray[np.int64], branches: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """The slots of (B, k) that are not padded, those of one branch together, and how many each
    branch has: (fired slots,) and (N,)."""
    slots = fired.ravel()
    counts = np.bincount(slots[slots != PADDING], minlength=branches)
    order = np.argsort(slots, kind="stable")  # padding first
    return order[len(slots) - counts.sum() :], counts
