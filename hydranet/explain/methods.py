"""The attribution methods on offer, all by Captum (https://captum.ai), which each imports when run.

DeepLift and layer-wise relevance propagation are not among them: their rules are set module by
module through hooks, and fail on a network of which only a part runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hydranet.errors import InputError

BASELINE = "the mean training image (zeros after normalisation)"
"""What integrated gradients starts from and what occlusion puts in a patch's place."""

BATCH = 32
"""Images a forward: between two of them progress is told and a cancel is heard."""

PATCHES_A_SIDE = 8
NOISE = 0.15
"""SmoothGrad's noise as a part of the image's range; 10 to 20 % in the paper, section 3.3."""


@dataclass(frozen=True)
class Job:
    """What a method works on.

    `forward`: (B, 3, H, W) → (B,); `layer`: what Grad-CAM looks at, called within `forward`; `x`:
    (1, 3, H, W), requires a gradient; `steps`: of methods that have them, else 0.
    """

    forward: Callable[[Tensor], Tensor]
    layer: nn.Module | None
    x: Tensor
    steps: int
    seed: int


Found = tuple[Tensor, float | None]
"""Values (1, H, W), and the convergence delta of integrated gradients."""


@dataclass(frozen=True)
class Method:
    """A method: how it is run, and how much work it is.

    `images`: (side, steps) → how many images go through the network. `steps`: unless the caller
    says otherwise; 0 where the method has none. `backward`: whether it needs gradients by pixel.
    """

    name: str
    run: Callable[[Job], Found]
    images: Callable[[int, int], int]
    steps: int = 0
    backward: bool = True
    baseline: str = ""


def get_method(name: str) -> Method:
    """The method of that name.

    Raises:
        InputError: there is none.
    """
    for method in METHODS:
        if method.name == name:
            return method
    names = ", ".join(method.name for method in METHODS)
    raise InputError(f"There is no attribution method {name!r}. The names are: {names}.")


def steps_of(method: Method, steps: int | None) -> int:
    """The steps that are taken; raises InputError where the method has none or they are below 1."""
    if steps is None:
        return method.steps
    if not method.steps:
        raise InputError(f"{method.name} has no steps: leave them out.")
    if steps < 1:
        raise InputError(f"{method.name} needs at least 1 step, not {steps}.")
    return steps


def _grad_cam(job: Job) -> Found:
    """Selvaraju et al., ICCV 2017. Without the paper's last ReLU: what speaks against is shown."""
    from captum.attr import LayerAttribution, LayerGradCam

    maps = LayerGradCam(job.forward, job.layer).attribute(job.x)  # (1, 1, h, w)
    size = tuple(job.x.shape[2:])
    return LayerAttribution.interpolate(maps, size, interpolate_mode="bilinear")[:, 0], None


def _integrated_gradients(job: Job) -> Found:
    """Sundararajan et al., ICML 2017. Gauss–Legendre points on the path from the baseline."""
    from captum.attr import IntegratedGradients

    values, delta = IntegratedGradients(job.forward).attribute(
        job.x,
        baselines=torch.zeros_like(job.x),
        n_steps=job.steps,
        internal_batch_size=BATCH,
        return_convergence_delta=True,
    )
    return values.sum(dim=1), float(delta[0])


def _smooth_grad(job: Job) -> Found:
    """Smilkov et al., 2017, over gradient × input: the mean over noisy copies of the image."""
    from captum.attr import InputXGradient, NoiseTunnel

    generator = torch.Generator(job.x.device).manual_seed(job.seed)

    def add_noise(x: Tensor, deviation: float, copies: int) -> Tensor:
        shape = (copies, *x.shape[1:])
        noise = torch.randn(shape, generator=generator, device=x.device, dtype=x.dtype)
        return x.repeat_interleave(copies, dim=0) + deviation * noise

    tunnel = NoiseTunnel(InputXGradient(job.forward))
    # Captum draws from torch's one global generator, which all threads share.
    tunnel._add_noise_to_input = add_noise
    deviation = NOISE * float(job.x.detach().max() - job.x.detach().min())
    values = tunnel.attribute(
        job.x,
        nt_type="smoothgrad",
        nt_samples=job.steps,
        nt_samples_batch_size=BATCH,
        stdevs=deviation,
    )
    return values.sum(dim=1), None


def _occlusion(job: Job) -> Found:
    """Zeiler and Fergus, ECCV 2014: what is lost when a patch is replaced by the baseline.

    Patches overlap by half; a pixel gets the mean over the patches that cover it.
    """
    from captum.attr import Occlusion

    patch, stride = _patch(job.x.shape[2])
    values = Occlusion(job.forward).attribute(
        job.x.detach(),
        sliding_window_shapes=(3, patch, patch),
        strides=(3, stride, stride),
        baselines=0.0,
        perturbations_per_eval=BATCH,
    )
    return values.mean(dim=1), None  # a patch hides all three channels: they are equal


def _patch(side: int) -> tuple[int, int]:
    """Side and stride of occlusion's patches, in pixels."""
    patch = max(2, side // PATCHES_A_SIDE)
    return patch, patch // 2


def _occlusion_images(side: int, steps: int) -> int:
    patch, stride = _patch(side)
    return 1 + (math.ceil((side - patch) / stride) + 1) ** 2


GRAD_CAM = Method("grad-cam", _grad_cam, lambda side, steps: 1, backward=False)
INTEGRATED_GRADIENTS = Method(
    "integrated gradients",
    _integrated_gradients,
    lambda side, steps: steps + 2,
    steps=64,
    baseline=BASELINE,
)
SMOOTH_GRAD = Method("gradient × SmoothGrad", _smooth_grad, lambda side, steps: steps, steps=BATCH)
OCCLUSION = Method("occlusion", _occlusion, _occlusion_images, backward=False, baseline=BASELINE)

METHODS = (GRAD_CAM, INTEGRATED_GRADIENTS, SMOOTH_GRAD, OCCLUSION)
