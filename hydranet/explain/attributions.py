"""Which pixels a target rests on: one verb for all methods, on a private clone, the route held.

Every call makes its own clone that shares the weights, so sessions may share one network, and no
hook is left behind, neither after an error nor after a cancel.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hydranet.explain.errors import Cancelled
from hydranet.explain.grad_cam import CutAtMaps
from hydranet.explain.methods import BATCH, GRAD_CAM, Job, get_method, steps_of
from hydranet.explain.parts import check_one_image, own_route, private_clone
from hydranet.explain.targets import GateMargin, GateScore, Target, TargetFunction
from hydranet.models import Network
from hydranet.routing.routes import Route


@dataclass(frozen=True)
class Attribution:
    """How much each pixel speaks for (positive) or against (negative) a target.

    `values`: (H, W), channels summed. Except for Grad-CAM they are in units of the target. `score`:
    the target at the image. `baseline`: in words, empty where the method has none. For integrated
    gradients alone, `delta`: the sum of the values less the difference of the target between image
    and baseline, which it should equal; `relative_delta`: its size as a part of that difference.
    """

    values: NDArray[np.float32]
    method: str
    target: Target
    score: float
    seconds: float
    baseline: str
    delta: float | None = None
    relative_delta: float | None = None


def attribute(
    model: Network,
    x: Tensor,
    target: Target,
    method: str,
    *,
    route: Route | None = None,
    steps: int | None = None,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Attribution:
    """Explain `target` for one image by one of `METHODS`.

    `x`: (1, 3, H, W), normalised. `route`: of this image, held still; the one that the network
    takes by itself unless given. `steps`: points on the path of integrated gradients, or noisy
    copies for SmoothGrad, whose noise `seed` draws. Between batches of the work `progress` is told
    the part that is done, and `cancelled` is asked. `model` is left as it was: mode, gradients,
    hooks and batch statistics.

    Examples:
        >>> import hydranet
        >>> from hydranet.explain import ClassLogit
        >>> model = hydranet.load("hydra_res_d1")
        >>> _, x = hydranet.network_input(model.card, hydranet.read_image("app/samples/cat.jpg"))
        >>> found = attribute(model, x, ClassLogit(66), "integrated gradients")
        >>> found.values.shape, found.relative_delta < 0.2
        ((32, 32), True)

    Raises:
        InputError: the method is unknown, or the network, the image or the route do not have what
            is to be explained.
        Cancelled: `cancelled` said so.
    """
    start = time.perf_counter()
    chosen = get_method(method)
    count = steps_of(chosen, steps)
    check_one_image(x)
    images, done = chosen.images(x.shape[2], count), 0

    # Tensors of inference mode cannot be attributed, and `enable_grad` does not end that mode.
    with torch.inference_mode(False), torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        function = _function(model, x, target, method, route)

        def watched(batch: Tensor) -> Tensor:
            nonlocal done
            if cancelled is not None and cancelled():
                raise Cancelled(f"{method} was cancelled after {done} of {images} images.")
            values = function(batch)
            done += len(batch)
            if progress is not None:
                progress(min(1.0, done / images))
            return values

        with torch.no_grad():
            score = float(function(x)[0])
        layer = function.observed if isinstance(function, CutAtMaps) else None
        values, delta = chosen.run(Job(watched, layer, x, count, seed))  # (1, H, W)
    values = values[0].detach()
    relative = None if delta is None else abs(delta) / max(abs(float(values.sum()) - delta), 1e-12)
    return Attribution(
        values=values.cpu().float().numpy(),
        method=method,
        target=target,
        score=score,
        seconds=time.perf_counter() - start,
        baseline=chosen.baseline,
        delta=delta,
        relative_delta=relative,
    )


def estimate_seconds(
    model: Network,
    x: Tensor,
    target: Target,
    method: str,
    *,
    route: Route | None = None,
    steps: int | None = None,
) -> float:
    """How long `attribute` would take now with these arguments, from one timed batch of its work.

    Raises:
        InputError: where `attribute` does.
    """
    chosen = get_method(method)
    check_one_image(x)
    images = chosen.images(x.shape[2], steps_of(chosen, steps))
    with torch.inference_mode(False), torch.set_grad_enabled(chosen.backward):
        x = x.detach().clone()
        start = time.perf_counter()
        function = _function(model, x, target, method, route)
        prepared = time.perf_counter()
        batch = x.repeat(min(BATCH, images), 1, 1, 1).requires_grad_(chosen.backward)
        total = function(batch).sum()
        if chosen.backward:
            torch.autograd.grad(total, batch)
        one = time.perf_counter() - prepared
    return prepared - start + one * images / len(batch)


def _function(
    model: Network, x: Tensor, target: Target, method: str, route: Route | None
) -> TargetFunction:
    """The target on a clone of the caller's own, with the route held."""
    clone = private_clone(model)
    if route is None and not isinstance(target, GateScore | GateMargin):
        route = own_route(clone, x)
    return (CutAtMaps if method == GRAD_CAM.name else TargetFunction)(clone, target, route)
