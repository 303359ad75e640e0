"""Evaluation: its figures are those that one forward for each k, counted by hand, gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hydranet.config import HydraResConfig, ResNetConfig
from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.evaluation.labelled import evaluate
from hydranet.models import HydraNet, Network, build
from hydranet.routing.routes import Route

SHAPE: dict[str, Any] = {"widths": (4, 6, 8), "num_classes": 8, "image_size": 16}
NORMALISATION = Normalisation((0.5,) * 3, (0.25,) * 3)
COUNT, BRANCHES, K = 270, 4, 3  # more images than one batch of the evaluation
SUBTASKS = [0, 1, 2, 3, 0, 1, 2, 3]


@pytest.fixture
def images() -> ImageSet:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (COUNT, 1, 1, 3)) + rng.integers(-40, 40, (COUNT, 16, 16, 3))
    names = tuple(map(str, range(8)))
    labels = rng.integers(0, 8, COUNT)
    return ImageSet("made", pixels.clip(0, 255).astype(np.uint8), labels, names)


@pytest.fixture
def hydra() -> HydraNet:
    model = build(HydraResConfig(d=1, num_branches=BRANCHES, k=K, **SHAPE))
    assert isinstance(model, HydraNet)
    with torch.no_grad():
        model(torch.randn(32, 3, 16, 16))
    return model.eval()


def everything(images: ImageSet) -> torch.Tensor:
    return NORMALISATION.apply(torch.from_numpy(images.images).permute(0, 3, 1, 2))


def percent(flags: list[bool]) -> float:
    return round(100 * sum(flags) / len(flags), 2)


def top(logits: torch.Tensor, label: int, count: int) -> bool:
    return label in logits.argsort(descending=True)[:count].tolist()


def test_metrics_of_a_hydranet(images: ImageSet, hydra: HydraNet) -> None:
    found = evaluate(hydra, Batches(images, NORMALISATION), subtask_of_class=SUBTASKS)
    metrics, routes = found.metrics, found.routes
    labels = images.labels.tolist()
    assert metrics.images == COUNT
    for k in range(1, BRANCHES + 1):
        with torch.no_grad():
            output = hydra(everything(images), k=k)
        fired = output.route.indices.tolist()
        pairs = list(zip(output.logits, labels, strict=True))
        right = [top(logits, label, 1) for logits, label in pairs]
        assert metrics.top1_by_k[k - 1] == percent(right)
        assert metrics.top5_by_k[k - 1] == percent([top(*pair, 5) for pair in pairs])
        hits = [SUBTASKS[label] in row for row, label in zip(fired, labels, strict=True)]
        assert metrics.hit_rate_by_k[k - 1] == percent(hits)
        assert routes.correct_by_k is not None
        assert routes.correct_by_k[:, k - 1].tolist() == right
        if k == K:
            load = [sum(b in row for row in fired) / COUNT for b in range(BRANCHES)]
            assert metrics.branch_load == pytest.approx(load, abs=1e-5)
            assert (metrics.top1, metrics.top5) == (metrics.top1_by_k[k - 1], metrics.top5_by_k[2])
            assert routes.fired is not None
            assert routes.fired.tolist() == fired
            assert routes.prediction.tolist() == output.logits.argmax(dim=1).tolist()
            confidence = output.logits.softmax(dim=1).max(dim=1).values.numpy()
            np.testing.assert_allclose(routes.confidence, confidence, atol=2e-3)
            assert routes.gate_scores is not None
            np.testing.assert_allclose(routes.gate_scores, output.gate_scores.numpy(), rtol=2e-3)
    assert routes.label.tolist() == labels
    assert metrics.hit_rate_by_k[-1] == 100
    assert len(set(metrics.top1_by_k)) > 1


def test_a_perfect_gate_is_a_forward_with_the_right_branch_first(
    images: ImageSet, hydra: HydraNet
) -> None:
    """One image, one route, one forward at a time."""
    found = evaluate(hydra, Batches(images, NORMALISATION), subtask_of_class=SUBTASKS)
    with torch.no_grad():
        every = hydra(everything(images), k=BRANCHES)
    right: dict[str, list[list[bool]]] = {"with": [], "first": []}
    for row in range(40):
        label = int(images.labels[row])
        own, order = SUBTASKS[label], every.route.indices[row].tolist()
        scores = every.gate_scores[row]
        first = [own, *(branch for branch in order if branch != own)]
        verdicts: dict[str, list[bool]] = {"with": [], "first": []}
        for k in range(1, BRANCHES + 1):
            run = order[:k] if own in order[:k] else [*order[: k - 1], own]
            weights = scores[torch.tensor(run)].softmax(0)
            ranked = scores[torch.tensor(order[:k])].softmax(0)
            for name, branches, shares in (("with", run, weights), ("first", first[:k], ranked)):
                route = Route(torch.tensor([branches]), shares[None], BRANCHES)
                with torch.no_grad():
                    logits = hydra(everything(images)[row : row + 1], route=route).logits[0]
                verdicts[name].append(top(logits, label, 1))
        for name, values in verdicts.items():
            right[name].append(values)
    assert found.routes.correct_with_subtask is not None
    assert found.routes.correct_subtask_first is not None
    assert found.routes.correct_with_subtask[:40].tolist() == right["with"]
    assert found.routes.correct_subtask_first[:40].tolist() == right["first"]
    assert right["with"] != right["first"]
    assert found.metrics.top1_perfect_gate_by_k == [
        percent(found.routes.correct_subtask_first[:, k].tolist()) for k in range(BRANCHES)
    ]


def test_class_features_are_means_of_what_the_output_layer_sees(
    images: ImageSet, hydra: HydraNet
) -> None:
    static = build(ResNetConfig(n=1, **SHAPE)).eval()
    for model in (hydra, static):
        found = evaluate(model, Batches(images, NORMALISATION)).class_features
        seen: list[torch.Tensor] = []
        layer = model.head if model is static else model.combiner.output
        hook = layer.register_forward_hook(lambda _, given, __, to=seen: to.append(given[0]))
        with hook, torch.no_grad():
            model(everything(images))
        for label in range(8):
            mean = seen[0][torch.from_numpy(images.labels == label)].mean(dim=0)
            np.testing.assert_allclose(found.mean[label], mean, rtol=1e-4, atol=1e-5)
        assert found.images.tolist() == np.bincount(images.labels, minlength=8).tolist()


def test_metrics_of_a_static_network(images: ImageSet) -> None:
    model = build(ResNetConfig(n=1, **SHAPE)).eval()
    found = evaluate(model, Batches(images, NORMALISATION))
    with torch.no_grad():
        logits = model(everything(images))
    pairs = list(zip(logits, images.labels.tolist(), strict=True))
    assert found.metrics.top1 == percent([top(*pair, 1) for pair in pairs])
    assert found.metrics.top5 == percent([top(*pair, 5) for pair in pairs])
    assert found.metrics.top1_by_k == found.metrics.branch_load == []
    assert found.routes.fired is found.routes.gate_scores is found.routes.correct_by_k is None
    assert len(found.routes) == COUNT


def test_with_fewer_than_five_classes_top5_is_everything(coloured: ImageSet) -> None:
    model = build(ResNetConfig(n=1, **{**SHAPE, "num_classes": 3}))
    assert evaluate(model, Batches(coloured, NORMALISATION)).metrics.top5 == 100


def test_progress(images: ImageSet, hydra: HydraNet) -> None:
    told: list[tuple[int, int]] = []
    evaluate(
        hydra, Batches(images, NORMALISATION), subtask_of_class=SUBTASKS,
        on_progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert told == [(250, COUNT), (COUNT, COUNT)]


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_leaves_the_network_as_it_was(
    images: ImageSet, hydra: HydraNet, training: bool
) -> None:
    def modes(model: Network) -> list[bool]:
        return [module.training for module in model.modules()]

    def broken(done: int, total: int) -> None:
        raise RuntimeError("stop")

    hydra.train(training)
    before = {name: value.clone() for name, value in hydra.state_dict().items()}
    batches = Batches(images, NORMALISATION)
    evaluate(hydra, batches, subtask_of_class=SUBTASKS)
    assert set(modes(hydra)) == {training}
    with pytest.raises(RuntimeError, match="stop"):
        evaluate(hydra, batches, subtask_of_class=SUBTASKS, on_progress=broken)
    assert set(modes(hydra)) == {training}
    assert all(torch.equal(value, before[name]) for name, value in hydra.state_dict().items())


def test_a_gpu_is_held_to_single_precision(images: ImageSet, hydra: HydraNet) -> None:
    """Figures on a card are those of the answers that the engines give."""
    seen: list[bool] = []
    hook = hydra.stem.register_forward_pre_hook(
        lambda *_: seen.append(torch.backends.cudnn.allow_tf32)
    )
    before = torch.backends.cudnn.allow_tf32
    evaluate(hydra, Batches(images, NORMALISATION))
    hook.remove()
    assert seen
    assert not any(seen)
    assert torch.backends.cudnn.allow_tf32 == before
