"""How far a picture can be changed before the route changes, and before the answer does.

A change of the answer has two causes, told apart by holding the route still: the pixels changed
under the same branches and weights, or the gate chose and weighted others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.data.picture import Picture, rgb_picture
from hydranet.errors import InputError
from hydranet.explain.dials import Dial, get_dial
from hydranet.explain.parts import repeated
from hydranet.models import DynamicNetwork, Network
from hydranet.routing.routes import PADDING, Route


@dataclass(frozen=True, kw_only=True)
class StabilityStrip:
    """One picture at S settings of a dial.

    `pixels`: (S, side, side, 3) uint8, what the network sees; `fired`: the branches that run at
    each setting, best-scored first (empty for a static network); `answers`: (S,) most probable
    class. `probabilities`: (S,) of `answer`, the class that the untouched picture gets, with the
    route free; `held`: (S,) the same with route and weights of the untouched picture.
    """

    dial: Dial
    settings: tuple[float, ...]
    pixels: NDArray[np.uint8]
    fired: tuple[tuple[int, ...], ...]
    answers: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    held: NDArray[np.float32]

    @property
    def neutral(self) -> int:
        """Which of the settings leaves the picture as it came."""
        return self.settings.index(self.dial.neutral)

    @property
    def answer(self) -> int:
        """The class that the untouched picture gets."""
        return int(self.answers[self.neutral])

    @property
    def by_pixels(self) -> NDArray[np.float32]:
        """(S,): how much of the change of `probabilities` comes of the pixels, the route held."""
        return self.held - self.probabilities[self.neutral]

    @property
    def by_route(self) -> NDArray[np.float32]:
        """(S,): how much comes of other branches or weights; with `by_pixels`, the whole change."""
        return self.probabilities - self.held

    @property
    def route_changes_at(self) -> float | None:
        """The setting nearest to the untouched picture where other branches run, if any."""
        own = set(self.fired[self.neutral])
        return self._first([set(fired) != own for fired in self.fired])

    @property
    def answer_changes_at(self) -> float | None:
        """The setting nearest to the untouched picture where the answer is another, if any."""
        return self._first([int(answer) != self.answer for answer in self.answers])

    def _first(self, changed: Sequence[bool]) -> float | None:
        steps = [abs(i - self.neutral) for i in range(len(changed))]
        found = min((i for i, c in enumerate(changed) if c), key=steps.__getitem__, default=None)
        return None if found is None else self.settings[found]


def stability(
    model: Network,
    image: Picture,
    dial: str,
    *,
    k: int | None = None,
    threshold: float | None = None,
    seed: int = 0,
) -> StabilityStrip:
    """Run a picture at all settings of a dial of `DIALS`, in one batch with the route free and one
    with it held.

    `model`: from `hydranet.load`; `k`, `threshold`: as for a forward; `seed`: of the noise.

    Raises:
        InputError: there is no such dial, the image is no picture, k or the threshold is out of
            range or given for a static network, or the network has no card.
    """
    chosen = get_dial(dial)
    card = model.card
    if card is None:
        raise InputError("The network has no card: load it from a checkpoint with hydranet.load.")
    image = rgb_picture(image)
    side = card.architecture.image_size
    pixels = np.stack([chosen.turned(image, s, side=side, seed=seed) for s in chosen.settings])
    x = card.normalisation.apply(torch.from_numpy(pixels).permute(0, 3, 1, 2))  # (S, 3, side, side)
    with torch.no_grad():
        logits, held, fired = _run(model, x, chosen.settings.index(chosen.neutral), k, threshold)
    answers = logits.argmax(dim=1)
    answer = answers[chosen.settings.index(chosen.neutral)]
    return StabilityStrip(
        dial=chosen,
        settings=chosen.settings,
        pixels=pixels,
        fired=fired,
        answers=answers.numpy(),
        probabilities=logits.softmax(dim=1)[:, answer].numpy(),
        held=held.softmax(dim=1)[:, answer].numpy(),
    )


def _run(
    model: Network, x: Tensor, neutral: int, k: int | None, threshold: float | None
) -> tuple[Tensor, Tensor, tuple[tuple[int, ...], ...]]:
    """Logits with the route free and with that of row `neutral` held, (S, C) each; what fired."""
    if not isinstance(model, DynamicNetwork):
        if k is not None or threshold:
            raise InputError("A static network has no k and no threshold: all of it runs.")
        logits = model(x)
        return logits, logits, ((),) * len(x)
    free = model(x, k=k, threshold=threshold)
    route = free.route
    row = slice(neutral * model.rows, (neutral + 1) * model.rows)
    own = Route(route.indices[row], route.weights[row], route.num_branches)
    held = model(x, route=repeated(own, len(x))).logits
    view = model.image_view(free).fired  # (S, k)
    fired = tuple(tuple(b for b in row if b != PADDING) for row in view.tolist())
    return free.logits, held, fired
