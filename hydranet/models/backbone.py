"""Parts of a HydraNet made of a library's classifier: built, cut and narrowed.

Nothing is downloaded: the library builds the network by its name without weights. What is kept are
templates on the meta device, of which every part of a network is a fresh copy.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from hydranet.config.backbone import LIBRARIES, BackboneConfig, HydraBackboneConfig
from hydranet.errors import InputError
from hydranet.models.chain import Chain, Neck, chain_of, not_a_chain
from hydranet.models.narrow import NOT_RUNNING, fresh, narrowed
from hydranet.models.parts import Body, HydraParts, Parts, Tail

_USUAL_SIZE = 224
_KEPT = 16
"""Architectures whose templates are kept; each is small, since the meta device holds no data."""


@contextmanager
def on_meta() -> Iterator[None]:
    """Layers made inside hold no memory, whatever network they are of.

    As `torch.device("meta")`, but only for what parameters and buffers are made with: some builders
    reckon their widths with tensors, which must hold numbers.
    """
    with torch.device("cpu"), _MakersOnMeta():
        yield


class _MakersOnMeta(TorchFunctionMode):
    _MAKERS = (torch.empty, torch.zeros, torch.ones)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in self._MAKERS and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


class ChainBody(Body):
    """The modules of a classifier between the split and its pooling, in order."""

    def __init__(self, modules: dict[str, nn.Module]) -> None:
        super().__init__()
        self.layers = in_order(modules)

    def maps(self, x: Tensor) -> Tensor:
        """(B, c, H, W) → (B, D, h, w): the feature maps before pooling."""
        return self.layers(x)


class _Rest(nn.Module):
    """What follows the split, as one part to narrow."""

    body: ChainBody
    neck: Neck

    def __init__(self, body: ChainBody, neck: Neck) -> None:
        super().__init__()
        self.body, self.neck = body, neck

    def forward(self, x: Tensor) -> Tensor:
        return self.neck(self.body(x))


def in_order(modules: dict[str, nn.Module]) -> nn.Sequential:
    """The modules as one; the dots in their names, which torch does not allow, become lines."""
    return nn.Sequential(OrderedDict((name.replace(".", "_"), m) for name, m in modules.items()))


def library_model(library: str, backbone: str, num_classes: int) -> nn.Module:
    """The classifier of that name, freshly initialised, as the library builds it.

    Raises:
        InputError: the library is not installed, or has no such classifier.
    """
    if library == "timm":
        try:
            import timm
        except ImportError:
            raise InputError(
                "Networks of timm need that package. Install it with: pip install timm"
            ) from None
        names = timm.list_models()
        if backbone in names:
            return timm.create_model(backbone, pretrained=False, num_classes=num_classes)
    elif library == "torchvision":
        from torchvision import models

        names = models.list_models(module=models)
        if backbone in names:
            return models.get_model(backbone, weights=None, num_classes=num_classes)
    else:
        raise InputError(f"library must be one of {', '.join(LIBRARIES)}, not {library!r}.")
    close = get_close_matches(backbone, names, n=3)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise InputError(f"{library} has no classifier named {backbone!r}.{hint}")


@lru_cache(maxsize=_KEPT)
def chain_template(library: str, backbone: str, num_classes: int) -> Chain:
    """The classifier's chain on the meta device.

    Raises:
        InputError: see `library_model` and `chain_of`.
    """
    with on_meta():
        model = library_model(library, backbone, num_classes).eval()
    chain = chain_of(model, backbone)
    try:
        with torch.no_grad():
            chain.forward(torch.empty(1, 3, _USUAL_SIZE, _USUAL_SIZE, device="meta"))
    except NOT_RUNNING:
        raise not_a_chain(backbone) from None
    return chain


@dataclass(frozen=True)
class Templates:
    """On the meta device: `stem`, and for each width the rest. `x`: an input of the stem."""

    stem: nn.Module
    x: Tensor
    rest: dict[float, _Rest]

    def tail(self, width: float, *, with_neck: bool) -> Tail:
        """The rest of that width, with what follows its pooling or without."""
        rest = self.rest[width]
        with torch.no_grad():
            pooled = rest.body(self.stem(self.x))
            features = rest.neck(pooled).shape[1] if with_neck else pooled.shape[1]
        return Tail(
            body=_Fresh(rest.body),
            pooled=pooled.shape[1],
            neck=_Fresh(rest.neck if with_neck and len(rest.neck.layers) else nn.Identity()),
            features=features,
        )


class _Fresh:
    """Makes a fresh copy of a template on the device that torch makes tensors on."""

    def __init__(self, template: Any) -> None:
        self.template = template

    def __call__(self) -> Any:
        return fresh(self.template, torch.empty(0).device)


@lru_cache(maxsize=_KEPT)
def templates_of(config: BackboneConfig, widths: tuple[float, ...]) -> Templates:
    """The stem of a classifier, and its rest at full width and at `widths`.

    Raises:
        InputError: see `chain_template`; or the classifier cannot be split there, or cannot run on
            images of that size.
    """
    chain = chain_template(config.library, config.backbone, config.num_classes)
    names = list(chain.maps)
    if config.split not in names[1:]:
        raise _cannot_split(config)
    at = names.index(config.split)
    stem = in_order({name: chain.maps[name] for name in names[:at]})
    body = ChainBody({name: chain.maps[name] for name in names[at:]})
    x = torch.empty(1, 3, config.image_size, config.image_size, device="meta")
    try:
        with torch.no_grad():
            seen = stem(x)
    except NOT_RUNNING:
        raise InputError(
            f"{config.backbone} cannot run on images of {config.image_size}×{config.image_size} "
            "pixels. Choose a larger image size."
        ) from None
    with torch.no_grad():
        if body.maps(seen).shape[2:].numel() == 1:
            raise InputError(
                f"At {config.image_size}×{config.image_size} pixels the last maps of "
                f"{config.backbone} are a single pixel, from which no branch can learn on one "
                "image. Choose a larger image size."
            )
    rest: dict[float, Any] = {1.0: _Rest(body, chain.neck)}
    for width in widths:
        try:
            rest[width] = narrowed(rest[1.0], seen, width)
        except InputError:
            raise _cannot_split(config) from None
    return Templates(stem, x, rest)


def split_places(library: str, backbone: str, *, image_size: int = _USUAL_SIZE) -> list[str]:
    """The parts of a classifier before which it can be split, first to last.

    Raises:
        InputError: see `chain_template`.
    """
    chain = chain_template(library, backbone, 2)
    names, places = list(chain.maps), []
    x = torch.empty(1, 3, image_size, image_size, device="meta")
    with torch.no_grad():
        for at, name in enumerate(names):
            holds_layers = any(isinstance(m, nn.Conv2d) for m in chain.maps[name].modules())
            if at and holds_layers and isinstance(x, Tensor) and x.shape[2] > 1:
                rest = _Rest(ChainBody({n: chain.maps[n] for n in names[at:]}), chain.neck)
                with suppress(InputError):
                    narrowed(rest, x, 0.5)
                    places.append(name)
            try:
                x = chain.maps[name](x)
            except NOT_RUNNING:  # images are too small for it
                break
    return places


def _cannot_split(config: BackboneConfig) -> InputError:
    places = split_places(config.library, config.backbone, image_size=config.image_size)
    return InputError(
        f"{config.backbone} cannot be split at {config.split!r}. It can be split at "
        f"{', '.join(places)}: each branch is a narrow copy of that part and all after it."
    )


def backbone_parts(config: BackboneConfig) -> Parts:
    """What the whole classifier is made of; see `templates_of` for errors."""
    templates = templates_of(config, ())
    tail = templates.tail(1.0, with_neck=True)
    return Parts(_Fresh(templates.stem), tail.body, tail.features, neck=tail.neck)


def hydra_backbone_parts(config: HydraBackboneConfig) -> HydraParts:
    """What a HydraNet on a classifier is made of; see `templates_of` for errors."""
    widths = (config.width, config.gate_width)
    templates = templates_of(config.static, widths)
    return HydraParts(
        stem=_Fresh(templates.stem),
        branch=templates.tail(config.width, with_neck=True),
        gate=templates.tail(config.gate_width, with_neck=False),
    )
