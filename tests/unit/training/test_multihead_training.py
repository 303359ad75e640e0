"""Training of multi-head networks: each head on its own draw of the images; no gate, no subtask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from hydranet.checkpoints import load
from hydranet.config import MultiHeadResConfig
from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.models import HydraNet, build
from hydranet.training.finish import finish
from hydranet.training.head_weights import draw_head_weights
from hydranet.training.loop import fit
from hydranet.training.losses import Targets, loss_terms
from hydranet.training.recipe import Recipe
from hydranet.training.run import train_model

RECIPE = Recipe(
    epochs=1, batch_size=24, learning_rate=0.05, precision="float32", compile="off",
    execution="fired",
    label_smoothing=0.0, validation_images=24,
)  # fmt: skip
CONFIG = MultiHeadResConfig(
    n=1, num_branches=3, k=3, widths=(4, 4, 6), num_classes=3, image_size=16
)  # fmt: skip


def network() -> HydraNet:
    torch.manual_seed(5)
    model = build(CONFIG)
    assert isinstance(model, HydraNet)
    return model


def test_the_draw_is_a_dirichlet_s() -> None:
    """Mean 1, and the variance M² · (1/M)(1 − 1/M) / (M a + 1) of M images."""
    images, concentration = 20_000, 0.5
    weights = draw_head_weights(3, images, concentration=concentration, seed=1)
    assert weights.shape == (3, images)
    assert weights.mean(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    expected = (images - 1) / (images * concentration + 1)
    assert weights.var(dim=1).tolist() == pytest.approx([expected] * 3, rel=0.1)
    assert (weights >= 0).all()
    assert abs(float(torch.corrcoef(weights)[0, 1])) < 0.05, "heads are drawn one by one"
    again = draw_head_weights(3, images, concentration=concentration, seed=1)
    assert torch.equal(weights, again)
    assert not torch.equal(weights, draw_head_weights(3, images, concentration=0.5, seed=2))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_the_sum_of_the_heads(weighted: bool) -> None:
    model, labels = network(), torch.tensor([0, 2, 1, 1, 0])
    images = torch.randn(5, 3, 16, 16)
    output = model(images)
    weights = torch.rand(3, 5) if weighted else None
    targets = Targets(labels, head_weights=weights)
    terms = loss_terms(model, output, targets, RECIPE)
    assert terms.keys() == {"heads"}
    expected = torch.zeros(())
    for head in range(3):
        of_images = torch.stack(
            [-output.features[i, head].log_softmax(dim=0)[labels[i]] for i in range(5)]
        )
        counts = torch.ones(5) if weights is None else weights[head]
        expected = expected + (of_images * counts).sum() / counts.sum()
    torch.testing.assert_close(terms["heads"], expected)


def test_each_image_counts_what_was_drawn_for_it(
    coloured: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shuffled batches hand each head the weights of the images that they hold."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def spy(model: HydraNet, output: Any, targets: Targets, recipe: Recipe) -> Any:
        assert targets.head_weights is not None
        seen.append((targets.labels, targets.head_weights))
        return loss_terms(model, output, targets, recipe)

    monkeypatch.setattr("hydranet.training.step.loss_terms", spy)
    drawn = (
        torch.from_numpy(coloured.labels).float().expand(3, -1)
    )  # an image's weight is its label
    monkeypatch.setattr(
        "hydranet.training.loop.draw_head_weights", lambda *_, **__: drawn.contiguous()
    )
    batches = Batches(coloured, Normalisation((0.5,) * 3, (0.25,) * 3))
    fit(network(), batches, batches, recipe=Recipe(**{**vars(RECIPE), "dirichlet": 1.0}))
    assert len(seen) == 5
    for labels, weights in seen:
        assert torch.equal(weights, labels.float().expand(3, -1))


def test_a_run_from_data_to_checkpoint(coloured: ImageSet, tmp_path: Path) -> None:
    recipe = Recipe(**{**vars(RECIPE), "dirichlet": 1.0, "freeze_trunk": 1, "branch_loss": 1.0})
    cpu = torch.device("cpu")
    run = train_model(
        "multihead_resnet", coloured, recipe=recipe, load_network=lambda name: build(CONFIG),
        device=cpu,
    )  # fmt: skip
    finish(run, name="heads", test=coloured, root=tmp_path, device=cpu)
    card = load("heads", tmp_path).card
    assert card is not None
    assert card.recipe.dirichlet == 1.0
    assert card.recipe.freeze_trunk == 1
    assert card.recipe.gate_loss == card.recipe.branch_loss == 0
    assert card.subtask_of_class is None
    (record,) = card.history
    assert record.hit_rate is None
    assert record.branch_load == [1.0] * len(record.branch_load)
    assert record.loss_terms.keys() == {"heads"}
