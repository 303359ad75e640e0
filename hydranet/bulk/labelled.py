"""Labelled images through one network: every branch runs, and the verdicts are a route log.

So a data set of one's own can be looked at as the test images of a checkpoint are. Rows of the log
are numbered by the place of the image among all that was given.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from hydranet.bulk.items import Item, pixels_of
from hydranet.bulk.labels import Labels
from hydranet.errors import InputError
from hydranet.evaluation.labelled import Evaluation, Tally
from hydranet.models.network import Network

BATCH = 64
_KEPT_REASONS = 1000


class LabelledRun:
    """Goes through labelled images in small steps, so that it can stop between any two.

    The network must come from `hydranet.load`. `seen`: how many items were taken; `rejected` of
    them could not be read, `reasons` of the first thousand with their names; `labels`: what became
    of the labels.
    """

    def __init__(self, model: Network, items: Iterable[Item]) -> None:
        if model.card is None:
            raise InputError(
                "The network has no card: load it from a checkpoint with hydranet.load."
            )
        self._card = model.card
        self._device = next(model.parameters()).device
        self._items = iter(items)
        self._tally = Tally(
            model,
            num_classes=len(self._card.class_names),
            subtask_of_class=self._card.subtask_of_class,
        )
        self.labels = Labels(self._card.class_names)
        self.seen = self.rejected = 0
        self.reasons: list[tuple[str, str]] = []

    @property
    def judged(self) -> int:
        """Images that have a row in the log."""
        return len(self._tally)

    def advance(self, count: int = BATCH, *, seconds: float = float("inf")) -> bool:
        """Take at most `count` items, fewer once `seconds` are over; False where none was left."""
        until, first = time.monotonic() + seconds, self.seen
        pixels, labels, places = [], [], []
        for item in islice(self._items, count):
            place, self.seen = self.seen, self.seen + 1
            label = self.labels.find(item.label)
            if label is None and item.label is not None:
                continue  # of no class: not even read
            found = self._pixels(item)
            if label is None:
                self.labels.without += found is not None
            elif found is not None:
                pixels.append(found)
                labels.append(label)
                places.append(place)
            if time.monotonic() > until:
                break
        if pixels:
            x = torch.from_numpy(np.stack(pixels)).to(self._device).permute(0, 3, 1, 2)
            y = torch.tensor(labels, device=self._device)
            self._tally.add(self._card.normalisation.apply(x), y, places)
        return self.seen > first

    def _pixels(self, item: Item) -> NDArray[np.uint8] | None:
        try:
            return pixels_of(item, self._card.architecture.image_size)
        except InputError as error:
            self.rejected += 1
            if len(self.reasons) < _KEPT_REASONS:
                self.reasons.append((item.name, str(error)))
            return None

    def finish(self) -> Evaluation:
        """What the images so far add up to.

        Raises:
            InputError: none of them could be read and has a label that is a class of the network.
        """
        if not self.judged:
            why = " ".join(self.labels.sentences(self._card.name))
            unread = f" {self.rejected:,} could not be read." if self.rejected else ""
            names = ", ".join(self._card.class_names[:8])
            raise InputError(
                f"None of {self.seen:,} images can be used.{unread} {why} Classes of "
                f"{self._card.name} are, for example, {names}."
            )
        return self._tally.finish()
