"""`hydranet train` makes a HydraNet of a library's classifier, and says first what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_sets import class_folders
from shell import Shell

from hydranet.checkpoints.card import read_card
from hydranet.config import BackboneConfig, HydraBackboneConfig

NETWORK = "torchvision/mobilenet_v3_small"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Shell:
    return Shell(monkeypatch, capsys)


def test_from_pictures_to_a_hydrated_network(shell: Shell, tmp_path: Path) -> None:
    """The classifier itself is trained on the way: subtasks are made from it, and the HydraNet
    starts with its stem."""
    class_folders(tmp_path / "data", images=12, side=64)
    root = ("--checkpoints", tmp_path / "zoo")
    shell.json(
        "train", NETWORK, "--data", tmp_path / "data", *root, "--runs", tmp_path / "runs",
        "--split", "features.9", "--width", 0.5, "--branches", 3, "--k", 2, "--image-size", 64,
        "--epochs", 1, "--batch-size", 8, "--compile", "off", "--threads", 1,
    )  # fmt: skip
    names = ("mobilenet_v3_small-features.9", "hydra-mobilenet_v3_small-features.9")
    assert sorted(path.name for path in (tmp_path / "zoo").iterdir()) == sorted(names)
    static, hydra = (read_card(tmp_path / "zoo" / name / "card.json") for name in names)
    assert isinstance(static.architecture, BackboneConfig)
    config = hydra.architecture
    assert isinstance(config, HydraBackboneConfig)
    assert (config.split, config.width, config.gate_width) == ("features.9", 0.5, 0.125)
    assert (config.num_branches, config.k, config.num_classes) == (3, 2, 3)
    assert config.static == static.architecture
    assert hydra.recipe.start == names[0]
    assert len(hydra.subtasks) == 3
    measured = shell.json("evaluate", names[1], "--data", tmp_path / "data", *root)
    assert measured["top1"] == hydra.test.top1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((NETWORK, "--split", "features.99"), "cannot be split at 'features.99'. It can be split"),
        ((NETWORK, "--image-size", 16), "Choose a larger image size"),
        ((NETWORK, "--width", 2), "width must be a number above 0 and at most 1, not 2.0"),
        ((NETWORK, "--image-size", 64, "--branches", 3, "--k", 4), "k, with 3 branches, must be"),
        (
            (NETWORK, "--image-size", 64, "--branches", 9),
            "with 3 classes there can be 1 to 3 branches, not 9",
        ),
        (("torchvision/resnet19",), "no classifier named 'resnet19'. Did you mean resnet1"),
        (("keras/resnet18",), "library must be one of torchvision, timm, not 'keras'"),
        (("resnet8", "--split", "layer4"), "--split is for a classifier of torchvision or timm"),
    ],
)
def test_what_cannot_be_made_is_said_before_an_image_is_read(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[object, ...], sentence: str,
) -> None:  # fmt: skip
    class_folders(tmp_path / "data", images=2)
    monkeypatch.setattr("hydranet.data.folders.read_image", lambda _: pytest.fail("too late"))
    code, out, err = shell(
        "train", *arguments, "--data", tmp_path / "data", "--checkpoints", tmp_path / "zoo",
        "--runs", tmp_path / "runs",
    )  # fmt: skip
    assert (code, out) == (2, "")
    assert sentence in err
    assert not (tmp_path / "zoo").exists()
