"""Training of dynamic networks that are no HydraNets: exits together, experts in balance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from hydranet.checkpoints import load
from hydranet.config import DynamicConfig, EarlyExitResConfig, MoeViTConfig
from hydranet.data import ImageSet
from hydranet.errors import InputError
from hydranet.models import Network, build
from hydranet.prediction import predict
from hydranet.training.finish import finish
from hydranet.training.recipe import Recipe
from hydranet.training.run import train_model
from hydranet.training.upcycling import upcycle

SMALL: dict[str, Any] = {"num_classes": 3, "image_size": 16}
CONFIGS: dict[str, DynamicConfig] = {
    "exits": EarlyExitResConfig(n=1, widths=(4, 6, 8), num_branches=3, k=3, **SMALL),
    "experts": MoeViTConfig(dim=16, depth=2, heads=2, num_branches=4, k=2, **SMALL),
}
RECIPE = Recipe(
    epochs=6, batch_size=24, learning_rate=0.05, precision="float32", compile="off",
    execution="fired",
    label_smoothing=0.0, validation_images=24, load_balance=0.01,
)  # fmt: skip
CPU = torch.device("cpu")


def from_nothing(name: str) -> Network:
    raise AssertionError(f"{name} was asked for")


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_run_from_data_to_checkpoint(kind: str, coloured: ImageSet, tmp_path: Path) -> None:
    run = train_model(CONFIGS[kind], coloured, recipe=RECIPE, load_network=from_nothing, device=CPU)
    finish(run, name=kind, test=coloured, root=tmp_path, device=CPU)
    model = load(kind, tmp_path)
    card = model.card
    assert card is not None
    assert card.test.top1 > 80, "three colours, of which chance knows a third"
    assert card.subtask_of_class is None
    assert card.recipe.gate_loss == card.recipe.branch_loss == 0
    terms, load_ = card.history[-1].loss_terms, card.history[-1].branch_load
    if kind == "exits":
        assert terms.keys() == {"heads"}
        assert card.recipe.load_balance == 0, "exits need no balance"
        assert load_ == [1.0] * 3, "all exits are trained on all images"
        assert card.test.dynamic[0].mean_branches == 3
        macs = [point.mean_macs for point in card.test.dynamic]
        assert macs == sorted(macs, reverse=True)
        assert card.mean_macs == pytest.approx(
            card.costs.always
            + sum(
                load * branch.macs
                for load, branch in zip(card.test.branch_load, card.costs.each, strict=True)
            )
        )
    else:
        assert terms.keys() == {"labels", "balance"}
        assert sum(load_) == pytest.approx(2, abs=1e-3), "two experts for each token"
    (answer,) = predict(model, [coloured.images[0]], runs=1)
    assert answer.best == coloured.labels[0]


@pytest.mark.parametrize("kind", CONFIGS)
def test_it_cannot_start_as_a_copy(kind: str) -> None:
    model = build(CONFIGS[kind])
    with pytest.raises(InputError, match="starts from scratch"):
        upcycle(model, model)


def test_grouped_execution_of_exits_is_refused_at_the_first_step(coloured: ImageSet) -> None:
    recipe = Recipe(**{**vars(RECIPE), "execution": "grouped"})
    with pytest.raises(InputError, match="each needs the one before it"):
        train_model(
            CONFIGS["exits"], coloured, recipe=recipe, load_network=from_nothing, device=CPU
        )
