"""Networks to time: checkpoints, and registered networks with random weights. Light until made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hydranet.checkpoints import (
    CHECKPOINTS,
    WEIGHTS,
    Checkpoint,
    find_checkpoint,
    standing_folder,
)
from hydranet.checkpoints.card import Card, DataNote, Provenance
from hydranet.config import ArchitectureConfig, DynamicConfig
from hydranet.costs import count_costs
from hydranet.data.normalisation import Normalisation
from hydranet.evaluation.metrics import Metrics
from hydranet.registry import list_models, model_config
from hydranet.training.recipe import Recipe

SEED = 0
"""Of random weights."""


@dataclass(frozen=True)
class Subject:
    """A network to time. `trained`: whether it is a checkpoint, or has random weights."""

    checkpoint: Checkpoint
    trained: bool

    @property
    def name(self) -> str:
        """The checkpoint's, or the registered one."""
        return self.checkpoint.name

    @property
    def card(self) -> Card:
        """The checkpoint's."""
        return self.checkpoint.card


def subject(name: str, *, root: Path = CHECKPOINTS, folder: Path) -> Subject:
    """The checkpoint `name` under `root`; else that registered network, its weights in `folder`.

    Raises:
        InputError: there is neither, or the checkpoint is damaged.
    """
    if standing_folder(root / name):
        return Subject(find_checkpoint(name, root), trained=True)
    return Subject(untrained(name, model_config(name), folder), trained=False)


def untrained(name: str, config: ArchitectureConfig, folder: Path) -> Checkpoint:
    """A network with random weights, always the same, stored in `folder` as a checkpoint's are.

    Its card says nothing but the architecture and the hash: what training would say is zero.
    """
    import torch

    from hydranet.checkpoints import encode_weights
    from hydranet.models import build

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        weights, digest = encode_weights(build(config))
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    (own / WEIGHTS).write_bytes(weights)
    return Checkpoint(name, own, _card(name, config, digest))


def _card(name: str, config: ArchitectureConfig, digest: str) -> Card:
    branches = config.num_branches if isinstance(config, DynamicConfig) else 0
    zeros = [0.0] * branches
    nothing = Metrics(
        images=1, top1=0.0, top5=0.0, top1_by_k=zeros, top5_by_k=zeros, branch_load=zeros,
        hit_rate_by_k=zeros if config.has_subtasks else [],
    )  # fmt: skip
    classes = range(config.num_classes)
    return Card(
        name=name,
        architecture=config,
        class_names=tuple(f"class {c}" for c in classes),
        subtask_of_class=tuple(c % branches for c in classes) if config.has_subtasks else None,
        normalisation=Normalisation((0.5,) * 3, (0.25,) * 3),
        data=DataNote(
            name="none", train_images=0, validation_images=0, test_images=0,
            train_sha256="", test_sha256="",
        ),
        test=nothing,
        validation=nothing,
        recipe=Recipe(),
        history=(),
        provenance=Provenance(created="", hardware="", threads=0, versions={}, seconds=0.0),
        weights_sha256=digest,
    )  # fmt: skip


def nearest_static(config: ArchitectureConfig) -> str | None:
    """Of the registered static networks of a HydraNet's kind, the one whose MACs are nearest to
    what the HydraNet spends on an image; None where none is registered."""
    macs = count_costs(config).routed_macs
    costs = {
        name: count_costs(static).routed_macs
        for name in list_models()
        if (static := model_config(name)).family == config.static.family
    }
    return min(costs, key=lambda name: abs(costs[name] - macs), default=None)
