"""A network with exits in a row: where images leave, what that costs, and everything around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from hydranet.checkpoints import list_checkpoints, load
from hydranet.config import EarlyExitResConfig, config_from_json
from hydranet.costs import count_costs
from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.engines import answers, open_engine
from hydranet.errors import InputError
from hydranet.evaluation.dynamic_k import DOUBTS
from hydranet.evaluation.labelled import evaluate
from hydranet.models.counted import counted_costs
from hydranet.models.early_exit import EarlyExitNet
from hydranet.prediction import predict
from hydranet.registry import model_config
from hydranet.routing.examination import examine
from hydranet.routing.routes import PADDING, Route
from hydranet.routing.switchboard import Switchboard

SHAPE: dict[str, Any] = {
    "n": 2, "widths": (4, 6, 8), "num_branches": 3, "k": 3, "num_classes": 5, "image_size": 16,
}  # fmt: skip


def network(**changes: Any) -> EarlyExitNet:
    """With batch statistics of its own and exits that are surer than at first, in eval mode."""
    torch.manual_seed(0)
    model = EarlyExitNet(EarlyExitResConfig(**{**SHAPE, **changes}))
    with torch.no_grad():
        model(torch.randn(16, 3, 16, 16), threshold=0.0)
        for branch in model.branches:
            branch.head[-1].weight.mul_(4)
    return model.eval()


def doubts_between(model: EarlyExitNet, x: torch.Tensor) -> float:
    """A threshold at which some of the images leave at the first exit and others do not."""
    with torch.no_grad():
        return float(model.every(x).gate_scores[:, 1].median())


def test_blocks_are_dealt_out_evenly_and_every_one_once() -> None:
    assert EarlyExitResConfig(n=3).segments == ((0, 0, 0), (1, 1), (1, 2), (2, 2))
    for exits in range(1, 10):
        segments = EarlyExitResConfig(n=3, num_branches=exits, k=exits).segments
        assert [stage for segment in segments for stage in segment] == [0] * 3 + [1] * 3 + [2] * 3
        lengths = [len(segment) for segment in segments]
        assert max(lengths) - min(lengths) <= 1


def test_an_image_leaves_at_the_first_exit_that_is_sure_enough() -> None:
    model, x = network(), torch.randn(12, 3, 16, 16)
    threshold = doubts_between(model, x)
    with torch.no_grad():
        every = model.every(x)
        output = model(x, threshold=threshold)
    for image, count in enumerate(output.route.counts.tolist()):
        doubts = 1 - every.features[image].softmax(dim=1).amax(dim=1)  # (N,)
        goes_on = [float(doubt) >= threshold for doubt in doubts]
        assert count == (goes_on.index(False) + 1 if False in goes_on[:-1] else 3)
        torch.testing.assert_close(output.logits[image], every.features[image, count - 1])
        assert output.route.weights[image].tolist() == [float(i == count - 1) for i in range(3)]
        assert output.gate_scores[image, count + 1 :].tolist() == [0.0] * max(0, 2 - count)
    assert len(set(output.route.counts.tolist())) > 1


def test_a_threshold_and_k_are_bounds_on_how_far_images_go() -> None:
    model, x = network(), torch.randn(9, 3, 16, 16)
    with torch.no_grad():
        assert model(x, threshold=0.0).route.counts.tolist() == [3] * 9
        assert model(x, threshold=1.0).route.counts.tolist() == [1] * 9
        assert model(x, k=2, threshold=0.0).route.counts.tolist() == [2] * 9
        before = torch.full((9,), 4)
        for threshold in (0.0, 0.1, 0.3, 0.5, 0.7):
            counts = model(x, threshold=threshold).route.counts
            assert (counts <= before).all()
            before = counts


@pytest.mark.parametrize(("k", "threshold"), [(0, 0.1), (4, 0.1), (2, 1.5), (2, -0.1)])
def test_dials_out_of_range_are_refused(k: int, threshold: float) -> None:
    with pytest.raises(InputError, match=r"k must be from 1 to 3|a doubt from 0 to 1"):
        network()(torch.randn(1, 3, 16, 16), k=k, threshold=threshold)


def test_what_is_not_reached_does_not_run() -> None:
    """The counter counts what ran: exactly what the costs say of each image's route."""
    model = network()
    costs = count_costs(model.config)
    for count in (1, 2, 3):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(torch.randn(1, 3, 16, 16), k=count, threshold=0.0)
        assert counter.get_total_flops() == 2 * costs.macs(count)
    x = torch.randn(12, 3, 16, 16)
    with torch.no_grad():
        threshold = doubts_between(model, x)
        with FlopCounterMode(display=False) as counter:
            route = model(x, threshold=threshold).route
    assert counter.get_total_flops() == 2 * sum(costs.macs(c) for c in route.counts.tolist())


def test_a_skipped_exit_spares_its_head_alone() -> None:
    model = network()
    costs = count_costs(model.config)
    route = Route(torch.tensor([[0, 2]]), torch.tensor([[0.0, 1.0]]), 3)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.randn(1, 3, 16, 16), route=route)
    spent = costs.branch_macs([0, 2])
    assert counter.get_total_flops() == 2 * (costs.always + sum(spent))
    assert spent[1] == costs.each[2].macs + costs.passages[1].macs
    masks = np.array([[True, False, True], [True, True, True], [False, True, False]])
    assert costs.macs_of(masks)[0] == costs.always + sum(spent)
    assert costs.macs_of(masks)[1] == costs.all_branches_macs


@pytest.mark.parametrize("exits", [1, 2, 4, 9])
@pytest.mark.parametrize("side", [32, 33])
def test_costs_are_those_that_an_independent_counter_counts(exits: int, side: int) -> None:
    config = EarlyExitResConfig(n=3, num_branches=exits, k=exits, image_size=side)
    assert count_costs(config) == counted_costs(config)


def test_costs_of_the_registered_one() -> None:
    costs = count_costs(model_config("early_exit_resnet"))
    assert [costs.macs(k) for k in (1, 2, 3, 4)] == [16963840, 26407424, 35261184, 44704768]
    assert costs.parameters == 359_968


def test_a_configuration_reads_back_and_checks_itself() -> None:
    config = EarlyExitResConfig(**SHAPE)
    assert config_from_json(config.to_json()) == config
    for wrong, sentence in (
        ({"num_branches": 7}, "there can be 1 to 6 exits, not 7"),
        ({"threshold": 2}, "threshold must be a number from 0 to 1, not 2"),
        ({"k": 4}, "k, with 3 branches"),
    ):
        with pytest.raises(InputError, match=sentence):
            EarlyExitResConfig(**{**SHAPE, **wrong})


def test_grouped_execution_is_refused() -> None:
    with pytest.raises(InputError, match="each needs the one before it"):
        network()(torch.randn(1, 3, 16, 16), execution="grouped")


@pytest.fixture
def stored(tmp_path: Path, make_checkpoint: Callable[..., Path]) -> Any:
    make_checkpoint("exits", tmp_path, model="early_exit_resnet", shape=SHAPE)
    (found,), damaged = list_checkpoints(tmp_path)
    assert not damaged
    return found


@pytest.mark.parametrize("name", ["reference", "eager", "auto"])
@pytest.mark.parametrize("threshold", [None, 0.0, 0.75, 1.0])
def test_engines_agree(stored: Any, name: str, threshold: float | None) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), np.uint8)
    engine = open_engine(stored, name)
    found = engine.run(pixels, threshold=threshold)
    model = load(stored.folder)
    x = model.card.normalisation.apply(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    with torch.no_grad():
        output = model(x, threshold=threshold, execution="reference")
    np.testing.assert_allclose(found.logits, output.logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(found.gate_scores, output.gate_scores.numpy(), atol=1e-4)
    np.testing.assert_array_equal(found.fired, output.route.indices.numpy())
    for answer, count in zip(answers(engine, found), output.route.counts.tolist(), strict=True):
        assert answer.macs == stored.card.costs.macs(count)
        np.testing.assert_allclose(answer.shares.sum(axis=0), answer.logits, atol=1e-5)


def test_the_onnx_engine_says_that_it_does_not_know_it(stored: Any) -> None:
    with pytest.raises(InputError, match=r"knows the layers of ResNet and DenseNet.* Use eager"):
        open_engine(stored, "onnx")


def test_a_switchboard_is_what_a_forward_with_that_route_gives(stored: Any) -> None:
    model = load(stored.folder)
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    examined = examine(model, pixels)
    for board, fired in (
        (Switchboard(k=3), (0, 1, 2)),
        (Switchboard(k=2), (0, 1)),
        (Switchboard(k=3, threshold=1.0), (0,)),
        (Switchboard(k=3, off=frozenset({1})), (0, 2)),
        (Switchboard(k=1, on=frozenset({2})), (0, 2)),
        (Switchboard(k=3, threshold=1.0, off=frozenset({0})), (1,)),
    ):
        found = examined.run(board)
        (again,) = predict(model, [pixels], branches=fired, runs=1)
        assert found.fired == again.fired == fired
        np.testing.assert_allclose(found.logits, again.logits, atol=1e-5)
        assert found.macs == again.macs
        assert found.weights == again.weights == (*(0.0,) * (len(fired) - 1), 1.0)
    masks = np.array([[True, False, True], [False, True, False]])
    one, other = examined.probabilities(masks)
    np.testing.assert_allclose(one, examined.run(Switchboard(k=3)).probabilities, atol=1e-6)
    np.testing.assert_allclose(other, examined.answer((1,)).probabilities, atol=1e-6)


def test_an_exit_that_is_switched_off_does_not_decide(stored: Any) -> None:
    """What exit 0 was sure of does not end the way of an image that does not ask it."""
    examined = examine(load(stored.folder), np.zeros((16, 16, 3), np.uint8))
    scores = np.array([1.0, 0.1, 0.9], np.float32)
    board = Switchboard(k=3, threshold=0.5, off=frozenset({0}))
    assert board.fired(scores, examined.policy) == (1, 2)
    assert Switchboard(k=3, threshold=0.5).fired(scores, examined.policy) == (0,)


def test_evaluation_counts_what_ran() -> None:
    model = network()
    rng = np.random.default_rng(0)
    images = ImageSet(
        "noise", rng.integers(0, 256, (40, 16, 16, 3), np.uint8), np.arange(40) % 5,
        tuple("abcde"),
    )  # fmt: skip
    normalisation = Normalisation((0.5,) * 3, (0.25,) * 3)
    batches = Batches(images, normalisation, device=torch.device("cpu"))
    ((x, _),) = batches.in_order(40)
    with torch.no_grad():
        doubts = model.every(x).gate_scores[:, 1]
    threshold = next(d for d in DOUBTS if 0 < float((doubts >= d).float().mean()) < 0.8)
    model.config = replace(model.config, threshold=threshold)
    found = evaluate(model, batches)
    log, metrics = found.routes, found.metrics
    assert log.fired is not None
    counts = (log.fired != PADDING).sum(axis=1)
    assert len(set(counts.tolist())) > 1
    assert metrics.branch_load == [round(float((counts > b).mean()), 5) for b in range(3)]
    assert log.correct_by_k is not None
    right = log.correct_by_k[np.arange(40), counts - 1]
    assert metrics.top1 == round(100 * float(right.mean()), 2)
    assert [point.threshold for point in metrics.dynamic] == list(DOUBTS)
    at = metrics.dynamic[DOUBTS.index(threshold)]
    assert at.mean_branches == round(float(counts.mean()), 4)
    assert at.top1 == metrics.top1
    costs = count_costs(model.config)
    assert at.mean_macs == pytest.approx(np.mean([costs.macs(int(c)) for c in counts]), abs=0.1)
