"""A multi-head network: the mean of what its heads answer, each alone; and everything around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hydranet.checkpoints import list_checkpoints, load
from hydranet.checkpoints.card import read_card
from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError
from hydranet.evaluation.labelled import evaluate
from hydranet.evaluation.metrics import Metrics
from hydranet.models import HydraNet, create_model
from hydranet.prediction import predict
from hydranet.routing.routes import Route

SHAPES: dict[str, dict[str, Any]] = {
    "multihead_resnet": {"widths": (4, 6, 8)},
    "multihead_densenet": {"growth": 3, "channels": 4},
}
NORMALISATION = Normalisation((0.5,) * 3, (0.25,) * 3)


@pytest.fixture(params=SHAPES)
def heads(request: pytest.FixtureRequest) -> HydraNet:
    """5 heads, 3 classes, with batch statistics of its own, in eval mode."""
    model = create_model(
        request.param, num_branches=5, k=5, num_classes=3, image_size=16, **SHAPES[request.param]
    )
    assert isinstance(model, HydraNet)
    with torch.no_grad():
        model(torch.randn(16, 3, 16, 16))
    return model.eval()


@pytest.mark.parametrize("execution", ["eager", "reference"])
@pytest.mark.parametrize("k", range(1, 6))
def test_the_answer_is_the_mean_of_the_first_k_heads(
    heads: HydraNet, k: int, execution: str
) -> None:
    x = torch.randn(4, 3, 16, 16)
    with torch.no_grad():
        alone = [head(heads.stem(x)) for head in heads.branches]
        output = heads(x, k=k, execution=execution)
    torch.testing.assert_close(output.logits, torch.stack(alone[:k]).mean(dim=0))
    torch.testing.assert_close(output.features, torch.stack(alone[:k], dim=1))
    assert output.route.indices.tolist() == [list(range(k))] * 4
    torch.testing.assert_close(output.route.weights, torch.full((4, k), 1 / k))
    assert output.gate_scores.tolist() == [[0.0] * 5] * 4
    assert not torch.equal(alone[0], alone[1]), "heads differ from the start"


def test_all_heads_run_unless_a_caller_says_otherwise() -> None:
    model = create_model("multihead_resnet", widths=(2, 2, 2), image_size=8)
    assert model(torch.randn(2, 3, 8, 8)).route.counts.tolist() == [4, 4]


def test_dynamic_k_takes_every_head_to_be_equally_sure(heads: HydraNet) -> None:
    x = torch.randn(3, 3, 16, 16)
    assert heads(x, threshold=0.19).route.counts.tolist() == [5, 5, 5]
    route = heads(x, threshold=0.21).route
    assert route.counts.tolist() == [1, 1, 1]
    assert route.indices[:, 0].tolist() == [0, 0, 0]


def test_k_out_of_range_is_refused(heads: HydraNet) -> None:
    with pytest.raises(InputError, match="from 1 to 5"):
        heads(torch.randn(1, 3, 16, 16), k=6)


def test_shares_and_matrix_are_exact_for_any_weights(heads: HydraNet) -> None:
    route = Route(torch.tensor([[4, 1]]), torch.tensor([[0.75, 0.5]]), 5)
    with torch.no_grad():
        output = heads(torch.randn(1, 3, 16, 16), route=route)
        shares = heads.combiner.shares(output.features, route.weights)
    torch.testing.assert_close(shares.sum(dim=1), output.logits)
    weight, bias = heads.combiner.matrix()
    summed = (output.features * route.weights[:, :, None]).sum(dim=1)
    torch.testing.assert_close(summed @ weight.T + bias, output.logits)


@pytest.mark.parametrize("name", ["hydra_res_d1", "hydra_dense_d2"])
def test_the_matrix_of_a_combiner_gives_the_logits(name: str) -> None:
    model = create_model(name, image_size=8)
    assert isinstance(model, HydraNet)
    with torch.no_grad():
        output = model.eval()(torch.randn(3, 3, 8, 8))
        weight, bias = model.combiner.matrix()
    summed = (output.features * output.route.weights[:, :, None]).sum(dim=1)
    torch.testing.assert_close(summed @ weight.T + bias, output.logits, atol=1e-5, rtol=1e-5)


def test_evaluation_without_subtasks(heads: HydraNet, coloured: ImageSet) -> None:
    found = evaluate(heads, Batches(coloured, NORMALISATION))
    metrics, routes = found.metrics, found.routes
    images = NORMALISATION.apply(torch.from_numpy(coloured.images).permute(0, 3, 1, 2))
    labels = torch.from_numpy(coloured.labels)
    for k in range(1, 6):
        with torch.no_grad():
            right = heads(images, k=k).logits.argmax(dim=1) == labels
        assert metrics.top1_by_k[k - 1] == round(100 * float(right.double().mean()), 2)
    assert metrics.hit_rate_by_k == metrics.dynamic == []
    assert metrics.branch_load == [1.0] * 5
    assert routes.fired is not None
    assert routes.gate_scores is not None
    assert routes.fired.tolist() == [[0, 1, 2, 3, 4]] * len(coloured)
    assert not routes.gate_scores.any()


@pytest.mark.parametrize("model", SHAPES)
def test_a_checkpoint_without_subtasks(
    model: str, tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    folder = make_checkpoint("heads", tmp_path, model=model)
    good, damaged = list_checkpoints(tmp_path)
    assert not damaged
    card = good[0].card
    assert read_card(folder / "card.json") == card
    assert card.subtask_of_class is None
    assert card.subtasks == []
    loaded = load("heads", tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    whole, two = (predict(loaded, [pixels], k=k, runs=1)[0] for k in (4, 2))
    assert (whole.fired, whole.weights) == ((0, 1, 2, 3), (0.25,) * 4)
    np.testing.assert_allclose(whole.shares.sum(axis=0), whole.logits, atol=1e-5)
    assert whole.macs - two.macs == 2 * card.costs.branch.macs
    chosen = predict(loaded, [pixels], branches=[3, 1], runs=1)[0]
    assert sorted(chosen.fired) == [1, 3]


def test_a_card_of_heads_has_no_subtasks(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match="only for such a one"):
        make_checkpoint(
            "heads", tmp_path, model="multihead_resnet", subtask_of_class=(0, 1, 2, 3) * 2
        )
    hydra = read_card(make_checkpoint("hydra", tmp_path) / "card.json")
    with pytest.raises(InputError, match="whose gate chooses"):
        replace(hydra, subtask_of_class=None)
    with pytest.raises(InputError, match="test metrics for k from 1 to 4"):
        replace(hydra, test=replace(hydra.test, hit_rate_by_k=[]))


def test_metrics_by_k_have_one_length() -> None:
    lists: dict[str, list[float]] = {name: [1.0, 2.0] for name in ("top1_by_k", "top5_by_k")}
    Metrics(images=1, top1=1, top5=1, **lists, branch_load=[1.0, 1.0])
    for wrong in ({"branch_load": [1.0]}, {"branch_load": [1.0, 1.0], "hit_rate_by_k": [5.0]}):
        with pytest.raises(InputError, match="one entry for each branch"):
            Metrics(images=1, top1=1, top5=1, **lists, **wrong)
