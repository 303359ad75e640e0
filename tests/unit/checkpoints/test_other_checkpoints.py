"""Checkpoints of dynamic networks that are no HydraNets, as a stranger hands them over."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hydranet.checkpoints import CARD, FILES, find_checkpoint, load_model
from hydranet.checkpoints.card import read_card
from hydranet.checkpoints.foreign import receive
from hydranet.config import DynamicConfig, EarlyExitResConfig, MoeViTConfig
from hydranet.errors import InputError

CONFIGS: dict[str, DynamicConfig] = {
    "exits": EarlyExitResConfig(
        n=2, widths=(4, 6, 8), num_branches=3, k=3, num_classes=8, image_size=16
    ),
    "experts": MoeViTConfig(
        dim=8, depth=2, heads=2, num_branches=4, k=2, num_classes=8, image_size=16
    ),
}


@pytest.fixture(params=CONFIGS)
def folder(
    request: pytest.FixtureRequest, tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> Path:
    return make_checkpoint(request.param, tmp_path / "theirs", model=CONFIGS[request.param])


def files_of(folder: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in folder.iterdir() if path.name in FILES[:3]]


def described_as(folder: Path, config: DynamicConfig) -> list[tuple[str, bytes]]:
    """The files with a card that describes another network, its costs right."""
    card = replace(read_card(folder / CARD), architecture=config)
    return [
        (name, json.dumps(card.to_json()).encode() if name == CARD else content)
        for name, content in files_of(folder)
    ]


def test_one_that_fits_is_taken(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    received = receive(files_of(folder), tmp_path / "mine")
    assert received.card.architecture == CONFIGS[folder.name]
    assert load_model(received).config == CONFIGS[folder.name]


LARGE: dict[str, list[dict[str, Any]]] = {
    "exits": [{"n": 64, "widths": (4096,) * 3}, {"image_size": 1024}, {"n": 64, "image_size": 512}],
    "experts": [
        {"dim": 4096, "depth": 64}, {"image_size": 1024, "patch": 1}, {"dim": 512, "mlp": 16},
        {"depth": 64, "image_size": 64, "patch": 1},
    ],
}  # fmt: skip


@pytest.mark.parametrize("at", range(3))
def test_one_that_is_too_large_is_refused_before_anything_is_built(
    folder: Path, tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CONFIGS[folder.name]
    large = replace(config, **LARGE[folder.name][at])
    files = described_as(folder, large)
    monkeypatch.setattr(type(config), "build", lambda self: pytest.fail("it was built"))
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="may have at most"):
        receive(files, tmp_path / "mine")


def test_weights_of_another_shape_are_refused_before_anything_is_loaded(folder: Path) -> None:
    config = CONFIGS[folder.name]
    wider = {"widths": (4, 6, 9)} if folder.name == "exits" else {"mlp": 3}
    ((_, content),) = (f for f in described_as(folder, replace(config, **wider)) if f[0] == CARD)
    (folder / CARD).write_bytes(content)
    with pytest.raises(InputError, match=r"needs|need at least"):
        load_model(find_checkpoint(folder))


def test_a_missing_tensor_is_named(folder: Path) -> None:
    config = CONFIGS[folder.name]
    deeper = {"n": 3} if folder.name == "exits" else {"depth": 3}
    ((_, content),) = (f for f in described_as(folder, replace(config, **deeper)) if f[0] == CARD)
    (folder / CARD).write_bytes(content)
    with pytest.raises(InputError, match=r"lacks or adds the tensor|need at least"):
        load_model(find_checkpoint(folder))
