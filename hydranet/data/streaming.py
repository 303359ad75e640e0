"""Batches from shards: read, shuffled and handed over while training goes on, in bounded memory.

An epoch is shuffled in two steps. The order of the pieces, each of a few neighbouring samples, is
drawn anew; then their images pass through a pool from which they are drawn at random. With as many
pieces in the pool as here this trains as a full shuffle does: Xu et al., "In-database machine
learning with CorgiPile: stochastic gradient descent without full data shuffle", SIGMOD 2022.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.data.augmentation import Augmentation
from hydranet.data.batches import Batch, LabelledBatches, part_of, share_of
from hydranet.data.normalisation import Normalisation
from hydranet.data.shards import ShardSet
from hydranet.data.shards.reading import PIECE, Piece, ReadingFailed, pieces_of, read_pieces

POOL_IMAGES, POOL_BYTES = 2**14, 256 * 2**20
"""Most images of the pool, and most memory: of images of 224×224 pixels it holds 1,783."""

_FIRST = 16 * PIECE
"""So many images are in the pool before the first is drawn; it fills up while training goes on."""


class StreamedBatches(LabelledBatches):
    """Of images in shards. Every image is read once an epoch, by one of the processes that share
    the work; unlike with images in memory, which images meet in a batch depends on how many
    processes there are, and not on how many workers each of them has."""

    def __init__(
        self,
        source: ShardSet,
        normalisation: Normalisation,
        *,
        device: torch.device | str = "cpu",
        pool_images: int = POOL_IMAGES,
    ) -> None:
        self.source = source
        self.device = torch.device(device)
        self.normalisation = normalisation
        self.num_classes = source.num_classes
        self.pool = max(PIECE, min(pool_images, POOL_BYTES // (source.side**2 * 3)))

    def __len__(self) -> int:
        return len(self.source)

    def in_order(
        self, batch_size: int, *, rank: int = 0, ranks: int = 1
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """See `LabelledBatches`."""
        begin, end = share_of(len(self), rank, ranks)
        share = self.source.subset(np.arange(begin, end))
        pieces = _read(share, pieces_of(share.index, share.rows))
        for pixels, places in _regrouped(pieces, batch_size):
            yield self.normalisation.apply(self._on_device(pixels)), self._labels(places + begin)

    def shuffled(
        self, batch_size: int, *, seed: int, padding: int = 4, erase: int = 0,
        cutmix: float = 0.0, rank: int = 0, ranks: int = 1,
    ) -> Iterator[Batch]:  # fmt: skip
        """See `LabelledBatches`."""
        batch_size = min(batch_size, len(self))
        part = part_of(batch_size, rank, ranks)
        own = part.stop - part.start
        steps = len(self) // batch_size
        change = Augmentation(self.normalisation, padding, erase, cutmix)
        generator = torch.Generator(self.device).manual_seed(seed)
        pieces = self._share(seed, steps * own, rank)
        drawn = _drawn_from_pool(
            _read(self.source, pieces), self.pool, np.random.default_rng((seed, rank))
        )
        for pixels, places in _regrouped(drawn, own):
            draws = change.draw(batch_size, self.source.side, generator).part(part)
            images, own = change.apply(self._on_device(pixels), draws)
            rows = torch.from_numpy(places).to(self.device)
            yield Batch(images, self._labels(places), rows, own)

    def _share(self, seed: int, images: int, rank: int) -> list[slice]:
        """The pieces of a process in an epoch: `images` of those that come behind one another where
        all pieces stand in a new order. A piece that is cut is of two processes."""
        pieces = pieces_of(self.source.index, self.source.rows)
        order = np.random.default_rng(seed).permutation(len(pieces))
        begin, end, at, share = rank * images, (rank + 1) * images, 0, []
        for number in order.tolist():
            piece = pieces[number]
            first, last = max(begin - at, 0), min(end - at, piece.stop - piece.start)
            if first < last:
                share.append(slice(piece.start + first, piece.start + last))
            at += piece.stop - piece.start
        return share

    def _on_device(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(B, side, side, 3) → (B, 3, side, side) uint8."""
        images = torch.from_numpy(pixels)
        if self.device.type == "cuda":
            images = images.pin_memory().to(self.device, non_blocking=True)
        return images.permute(0, 3, 1, 2)

    def _labels(self, places: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(self.source.labels[places]).to(self.device)


def _read(source: ShardSet, pieces: list[slice]) -> Iterator[Piece]:
    """Pieces that must all be readable, since a look at all images came before."""
    for piece in read_pieces(
        source.index, source.rows, pieces, side=source.side, workers=source.workers
    ):
        if piece.unreadable:
            raise ReadingFailed(
                f"{next(iter(piece.unreadable.values()))} It could be read before: the shards must "
                "not change while they are used. Start again."
            )
        yield piece


Pixels = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images, (n, side, side, 3), and their places in the set, (n,)."""


def _drawn_from_pool(
    pieces: Iterable[Piece], capacity: int, rng: np.random.Generator
) -> Iterator[Pixels]:
    """The images of all pieces, each once. Of each piece a half stays in the pool until that is
    full, then all of it, in the places of as many images that are drawn; at the end the rest
    follows in random order."""
    pixels: NDArray[np.uint8] | None = None
    places = np.empty(capacity, np.int64)
    filled = 0
    for piece in pieces:
        if pixels is None:
            pixels = np.empty((capacity, *piece.pixels.shape[1:]), np.uint8)
        count = len(piece.places)
        added = min(capacity - filled, count if filled < _FIRST else count // 2)
        pixels[filled : filled + added] = piece.pixels[:added]
        places[filled : filled + added] = piece.places[:added]
        filled += added
        if added < count:
            chosen = rng.choice(filled, count - added, replace=False)
            yield pixels[chosen], places[chosen]  # copies
            pixels[chosen], places[chosen] = piece.pixels[added:], piece.places[added:]
    if pixels is None:
        return
    rest = rng.permutation(filled)
    for at in range(0, filled, PIECE):
        chosen = rest[at : at + PIECE]
        yield pixels[chosen], places[chosen]


def _regrouped(parts: Iterable[Pixels | Piece], size: int) -> Iterator[Pixels]:
    """The same images in groups of `size`, the last one smaller if need be."""
    waiting: list[Pixels] = []
    count = 0
    for part in parts:
        waiting.append((part.pixels, part.places) if isinstance(part, Piece) else part)
        count += len(waiting[-1][1])
        if count < size:
            continue
        pixels = np.concatenate([pixels for pixels, _ in waiting])
        places = np.concatenate([places for _, places in waiting])
        whole = count // size * size
        for at in range(0, whole, size):
            yield pixels[at : at + size], places[at : at + size]
        waiting, count = [(pixels[whole:].copy(), places[whole:])], count - whole
    if count:
        yield (
            np.concatenate([pixels for pixels, _ in waiting]),
            np.concatenate([places for _, places in waiting]),
        )
