"""Names and shapes of a network's tensors, as torch names them, from its configuration. Light.

What a weights file must hold, known before anything of it is read or allocated.
"""

from __future__ import annotations

from collections.abc import Iterator

from hydranet.config import (
    ArchitectureConfig,
    DenseNetConfig,
    HydraConfig,
    MultiHeadConfig,
    ResNetConfig,
)
from hydranet.costs.parts import part_costs
from hydranet.errors import InputError

Shape = tuple[int, ...]
Shapes = Iterator[tuple[str, Shape]]

COUNTER = "num_batches_tracked"
"""How the one whole number in a batch norm ends; all else is floating point."""


def weight_shapes(config: ArchitectureConfig) -> dict[str, Shape]:
    """The shape of every tensor of the network that `config` describes.

    Raises:
        InputError: the family is unknown.
    """
    if isinstance(config.static, ResNetConfig | DenseNetConfig):
        return dict(_network(config))
    return _built(config)


def _built(config: ArchitectureConfig) -> dict[str, Shape]:
    """Of a network of another family, built by torch without allocating anything."""
    try:
        import torch
    except ModuleNotFoundError:
        raise InputError(
            f"The layers of {config.title} are known to PyTorch alone, which is not installed "
            "here. Install it with: pip install torch"
        ) from None

    from hydranet.models import build

    with torch.device("meta"):
        return {name: tuple(value.shape) for name, value in build(config).state_dict().items()}


def _network(config: ArchitectureConfig) -> Shapes:
    features = part_costs(config.static).features
    yield from _stem("stem", config.static)
    if not isinstance(config, HydraConfig):
        yield from _body("body", config)
        yield from _linear("head", features, config.num_classes)
        return
    many_heads = isinstance(config, MultiHeadConfig)
    if not many_heads:
        yield from _body("gate.body", config.static)
        yield from _linear("gate.score", features, config.num_branches)
        yield from _linear("combiner.output", features, config.num_classes)
    for index in range(config.num_branches):
        branch = f"branches.{index}"
        yield from _body(f"{branch}.body", config.static)
        if many_heads or config.projects:
            width = config.num_classes if many_heads else features
            yield from _linear(f"{branch}.projection", features, width)


def _stem(name: str, static: ArchitectureConfig) -> Shapes:
    match static:
        case ResNetConfig(n=n, widths=(first, second, _)):
            yield from _conv(f"{name}.conv", 3, first)
            yield from _norm(f"{name}.bn", first)
            yield from _residual_stage(f"{name}.stage1", first, first, blocks=n)
            yield from _residual_stage(f"{name}.stage2", first, second, blocks=n)
        case DenseNetConfig(n=n, growth=growth, channels=channels):
            yield from _conv(f"{name}.conv", 3, channels)
            yield from _dense_block(f"{name}.block1", channels, growth, layers=n)
            yield from _transition(f"{name}.transition1", channels + n * growth)
            yield from _dense_block(f"{name}.block2", channels + n * growth, growth, layers=n)
        case _:
            raise InputError(f"No weights are known for the family {static.family!r}.")


def _body(name: str, static: ArchitectureConfig) -> Shapes:
    match static:
        case ResNetConfig(n=n, widths=(_, second, third)):
            yield from _residual_stage(f"{name}.stage3", second, third, blocks=n)
        case DenseNetConfig(n=n, growth=growth, channels=channels):
            entering = channels + 2 * n * growth
            yield from _transition(f"{name}.transition2", entering)
            yield from _dense_block(f"{name}.block3", entering, growth, layers=n)
            yield from _norm(f"{name}.bn", entering + n * growth)
        case _:
            raise InputError(f"No weights are known for the family {static.family!r}.")


def _residual_stage(name: str, channels_in: int, channels: int, *, blocks: int) -> Shapes:
    for block in range(blocks):
        yield from _conv(f"{name}.{block}.conv1", channels if block else channels_in, channels)
        yield from _norm(f"{name}.{block}.bn1", channels)
        yield from _conv(f"{name}.{block}.conv2", channels, channels)
        yield from _norm(f"{name}.{block}.bn2", channels)


def _dense_block(name: str, channels: int, growth: int, *, layers: int) -> Shapes:
    for layer in range(layers):
        yield from _norm(f"{name}.{layer}.bn", channels + layer * growth)
        yield from _conv(f"{name}.{layer}.conv", channels + layer * growth, growth)


def _transition(name: str, channels: int) -> Shapes:
    yield from _norm(f"{name}.bn", channels)
    yield from _conv(f"{name}.conv", channels, channels, kernel=1)


def _conv(name: str, channels_in: int, channels: int, *, kernel: int = 3) -> Shapes:
    yield f"{name}.weight", (channels, channels_in, kernel, kernel)


def _linear(name: str, features_in: int, features: int) -> Shapes:
    yield f"{name}.weight", (features, features_in)
    yield f"{name}.bias", (features,)


def _norm(name: str, channels: int) -> Shapes:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (channels,)
    yield f"{name}.{COUNTER}", ()
