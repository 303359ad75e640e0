"""What each of two processes runs for test_distributed.py; started by torchrun, no test itself.

`two_processes.py OUT DATA`: checks gradients, then trains by the command line and by hand.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from test_distributed import HYDRA_ROUTE, RECIPE, batch, gated

from hydranet.cli import main
from hydranet.data import load_images
from hydranet.models import Network
from hydranet.training.distributed import World, join_world
from hydranet.training.loop import Progress
from hydranet.training.losses import Targets, loss_terms
from hydranet.training.run import train_model

OUT, DATA = Path(sys.argv[1]), Path(sys.argv[2])
CPU = torch.device("cpu")


class Killed(Exception):
    """Ends a run in both processes at the same step."""


def kill_in_second_epoch(progress: Progress) -> None:
    if progress.epoch == 1:
        raise Killed


def nothing(progress: Progress) -> None:
    pass


def gradients(world: World) -> None:
    """Of half the batch each; batch norm in eval mode, so that halves do not differ from a whole.

    The first process fires other branches than the second, and nobody fires the last.
    """
    model = gated()
    images, labels = batch()
    half = slice(world.rank * 4, world.rank * 4 + 4)
    wrapped = world.wrap(model, CPU)
    output = wrapped(images[half], route=HYDRA_ROUTE(world.rank))
    targets = Targets(labels[half], torch.tensor([0, 1, 2]))
    sum(loss_terms(model, output, targets, RECIPE).values()).backward()
    found = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    save_file(found, OUT / f"gradients{world.rank}.safetensors")


def resume(world: World) -> None:
    """An unbroken run, and one that is killed and goes on."""
    images = load_images(DATA, "train", image_size=8)

    def run(name: str, *, kill: bool = False, goes_on: bool = False) -> Network:
        return train_model(
            "hydra_res_d1", images, recipe=replace(RECIPE, subtasks="random"),
            load_network=None, device=CPU, state_path=OUT / name / "state", resume=goes_on,
            world=world, on_progress=kill_in_second_epoch if kill else nothing,
        ).model  # fmt: skip

    whole = run("whole")
    try:
        run("broken", kill=True)
    except Killed:
        dist.barrier()
    resumed = run("broken", goes_on=True)
    for name, model in (("whole", whole), ("resumed", resumed)):
        weights = {n: p.contiguous() for n, p in model.named_parameters()}
        save_file(weights, OUT / f"{name}{world.rank}.safetensors")


def command(network: str) -> None:
    """Train a network by the command line, and keep its exit code."""
    sys.argv = [
        "hydranet", "train", network, "--data", str(DATA), "--json",
        "--epochs", "2", "--batch-size", "8", "--validation-images", "8", "--image-size", "8",
        "--checkpoints", str(OUT / "checkpoints"), "--runs", str(OUT / "runs"),
        "--compile", "off", "--precision", "float32", "--device", "cpu",
        "--log", "tensorboard",
    ]  # fmt: skip
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    (OUT / f"{network}-code{dist.get_rank()}").write_text(str(code))


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    with join_world(CPU) as joined:
        gradients(joined)
        resume(joined)
    for network in ("resnet8", "resnet9"):  # the second is unknown
        command(network)
    dist.destroy_process_group()
