"""Two processes that share the work give what one gives, and write one checkpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from hydranet.checkpoints import list_checkpoints
from hydranet.config import HydraResConfig
from hydranet.models import HydraNet, build
from hydranet.routing.routes import Route
from hydranet.training.distributed import World, is_launched, join_world, local_device
from hydranet.training.losses import Targets, loss_terms
from hydranet.training.recipe import Recipe

RECIPE = Recipe(
    epochs=2, batch_size=8, learning_rate=0.05, precision="float32", compile="off",
    validation_images=8,
)  # fmt: skip


def gated() -> HydraNet:
    """The same network in every process, in eval mode."""
    torch.manual_seed(0)
    model = build(
        HydraResConfig(d=1, num_branches=4, k=2, widths=(4, 4, 6), num_classes=3, image_size=8)
    )
    assert isinstance(model, HydraNet)
    return model.eval()


def batch() -> tuple[Tensor, Tensor]:
    """Eight images and their labels, the same in every process."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(8, 3, 8, 8, generator=generator), torch.arange(8) % 3


def HYDRA_ROUTE(rank: int) -> Route:
    """Of four images: branches 0 and 1, or 1 and 2."""
    return Route(torch.tensor([[rank, rank + 1]] * 4), torch.tensor([[0.25, 0.75]] * 4), 4)


class Finished(NamedTuple):
    out: Path
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """What two processes left behind."""
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("out")
    rng = np.random.default_rng(0)
    for name in range(20):
        (data / f"{name:02}").mkdir()
        for index in range(4):
            pixels = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(data / f"{name:02}" / f"{index}.png")
    script = Path(__file__).with_name("two_processes.py")
    ended = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         str(script), str(out), str(data)],
        capture_output=True, text=True, timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(script.parents[3])},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return Finished(out, ended.stdout, ended.stderr)


def test_gradients_are_those_of_one_process(finished: Finished) -> None:
    model = gated()
    images, labels = batch()
    routes = [HYDRA_ROUTE(rank) for rank in range(2)]
    joined = Route(
        torch.cat([r.indices for r in routes]), torch.cat([r.weights for r in routes]), 4
    )
    output = model(images, route=joined)
    terms = loss_terms(model, output, Targets(labels, torch.tensor([0, 1, 2])), RECIPE)
    reduce(torch.add, terms.values()).backward()
    expected = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    for rank in range(2):
        found = load_file(finished.out / f"gradients{rank}.safetensors")
        assert found.keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4, msg=name)
    assert any(name.startswith("branches.0") for name in expected)
    assert not any(name.startswith("branches.3") for name in expected), "nobody fired it"


def test_both_processes_end_with_the_same_weights_after_a_break_too(finished: Finished) -> None:
    names = [f"{run}{rank}.safetensors" for run in ("whole", "resumed") for rank in range(2)]
    first, *others = (load_file(finished.out / name) for name in names)
    for other in others:
        assert all(torch.equal(value, other[name]) for name, value in first.items())


def test_one_checkpoint_is_written_and_one_process_speaks(finished: Finished) -> None:
    good, damaged = list_checkpoints(finished.out / "checkpoints")
    assert [checkpoint.name for checkpoint in good] == ["resnet8"]
    assert not damaged
    card = good[0].card
    assert [record.epoch for record in card.history] == [0, 1]
    assert json.loads(finished.stdout)["top1"] == card.test.top1
    assert len(list((finished.out / "runs" / "resnet8").glob("events.*"))) == 1
    assert finished.stderr.count("epoch 1: loss") == 1
    assert "no network named 'resnet9'" in finished.stderr
    for network, code in (("resnet8", "0"), ("resnet9", "2")):
        codes = [(finished.out / f"{network}-code{rank}").read_text() for rank in range(2)]
        assert codes == [code, code]


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not is_launched()
    model = gated()
    with join_world(torch.device("cpu")) as world:
        assert world == World()
        assert world.is_main
        assert world.wrap(model, torch.device("cpu")) is model
        assert world.share(lambda: "this") == "this"
        assert world.agree(3)


def test_each_process_of_a_machine_has_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert local_device("cuda") == torch.device("cuda", 3)
    assert local_device("cpu") == torch.device("cpu")
