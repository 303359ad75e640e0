"""One batch of a HydraNet after another, on memory of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hydranet.engines.engine import Outputs
from hydranet.engines.onnx.calls import Calls
from hydranet.engines.onnx.memory import Memory, Whole
from hydranet.engines.onnx.names import SCORES
from hydranet.engines.onnx.plans import ByBranch, EveryBranch
from hydranet.routing.arrays import PADDING, choose

if TYPE_CHECKING:
    from hydranet.engines.onnx.routed import RoutedRunner

STEM_CHUNK = 16
"""Images that run through the stem at once: so the maps between its layers stay in the cache."""

PLANS = 64
"""Kinds of batch for which everything stays bound."""


class Lane:
    """Serves one call at a time, of no more images than a runner takes at once."""

    def __init__(self, runner: RoutedRunner) -> None:
        self._runner, self._memory = runner, Memory(runner)
        self._has_gate = runner.card.architecture.has_subtasks
        self._stems: dict[tuple[int, int], Calls] = {}
        self._plans: dict[tuple[int, int, bool], ByBranch | EveryBranch] = {}

    def run(
        self, pixels: NDArray[np.uint8], *, k: int, threshold: float, fired: Whole | None
    ) -> Outputs:
        """See `Engine.run`."""
        images, memory = len(pixels), self._memory
        memory.pixels.array[:images] = pixels
        for start in range(0, images, STEM_CHUNK):
            self._stem(start, min(start + STEM_CHUNK, images)).run()
        if threshold:
            fired = choose(memory.scores.array[:images], k=k, threshold=threshold)[0]
        return self._plan(images, k, fired).run(fired)

    def _stem(self, start: int, stop: int) -> Calls:
        """Of the images from `start` to before `stop`."""
        try:
            return self._stems[start, stop]
        except KeyError:
            memory = self._memory
            calls = self._stems[start, stop] = Calls(self._runner.stem)
            calls.bind(pixels=memory.pixels.rows(stop, start), **memory.maps(stop, start))
            if self._has_gate:
                calls.bind(**{SCORES: memory.scores.rows(stop, start)})
            return calls

    def _plan(self, images: int, k: int, fired: Whole | None) -> ByBranch | EveryBranch:
        branches, given = self._memory.branches, fired is not None
        count = k if fired is None else fired.shape[1]
        if count == branches and (fired is None or PADDING not in fired):
            given = False
        key = images, count, given
        plan: ByBranch | EveryBranch
        try:
            return self._plans[key]
        except KeyError:
            if len(self._plans) >= PLANS:
                self._plans.clear()
            if count == branches and not given:
                plan = EveryBranch(self._runner, self._memory, images)
            else:
                plan = ByBranch(self._runner, self._memory, images, count, given=given)
            return self._plans.setdefault(key, plan)
