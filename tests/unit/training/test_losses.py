"""The terms of the loss, each against a plain computation; and the runs that ask for them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hydranet.config import HydraResConfig, ResNetConfig
from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.models import DynamicOutput, HydraNet, build
from hydranet.routing.routes import PADDING, Route, top_k_route
from hydranet.training.distillation import prepare_teacher
from hydranet.training.loop import fit
from hydranet.training.losses import (
    Targets,
    branch_loss,
    gate_loss,
    load_balance_loss,
    loss_terms,
    subtask_shares,
)
from hydranet.training.recipe import Recipe

RECIPE = Recipe(
    epochs=1, batch_size=40, learning_rate=0.1, precision="float32", compile="off",
    execution="fired", gate_loss=0.0,
    label_smoothing=0.0,
)  # fmt: skip
HYDRA = HydraResConfig(
    d=1, num_branches=4, k=2, widths=(4, 4, 6), num_classes=3, image_size=16
)  # fmt: skip
SUBTASKS = torch.tensor([2, 0, 3])
NORMALISATION = Normalisation((0.5,) * 3, (0.25,) * 3)


def hydra() -> HydraNet:
    model = build(HYDRA)
    assert isinstance(model, HydraNet)
    return model


def test_the_default_is_labels_and_gate() -> None:
    model, labels = hydra(), torch.tensor([0, 1, 2, 1, 0])
    output = model(torch.randn(5, 3, 16, 16))
    terms = loss_terms(model, output, Targets(labels, SUBTASKS), Recipe())
    assert terms.keys() == {"labels", "gate"}
    of_gate = torch.nn.functional.cross_entropy(output.gate_scores, SUBTASKS[labels])
    torch.testing.assert_close(terms["gate"], 0.5 * of_gate)
    smoothed = torch.nn.functional.cross_entropy(output.logits, labels, label_smoothing=0.1)
    torch.testing.assert_close(terms["labels"], smoothed)


def test_what_a_teacher_thinks_of_subtasks() -> None:
    logits = torch.randn(5, 6)
    subtasks = [0, 2, 2, 0, 1, 2]
    found = subtask_shares(logits.softmax(dim=1), torch.tensor(subtasks), 4)
    p = torch.softmax(logits, dim=1).tolist()
    for image in range(5):
        for branch in range(4):
            expected = sum(p[image][c] for c in range(6) if subtasks[c] == branch)
            assert float(found[image, branch]) == pytest.approx(expected, abs=1e-6)


def test_a_gate_that_learns_of_the_teacher() -> None:
    model, labels = hydra(), torch.tensor([0, 1, 2, 1, 0])
    output = model(torch.randn(5, 3, 16, 16))
    opinion = torch.randn(5, 3)
    recipe = Recipe(gate_loss=0.7, gate_targets="teacher", teacher="some", distillation_weight=0)
    terms = loss_terms(model, output, Targets(labels, SUBTASKS, opinion), recipe)
    assert terms.keys() == {"labels", "gate"}
    wanted = subtask_shares(opinion.softmax(dim=1), SUBTASKS, 4)
    expected = -(wanted * output.gate_scores.log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(terms["gate"], 0.7 * expected)


def test_a_sure_teacher_teaches_the_gate_as_the_labels_do() -> None:
    labels, scores = torch.tensor([0, 1, 2]), torch.randn(3, 4)
    sure = 100 * torch.eye(3)[labels]
    torch.testing.assert_close(
        gate_loss(scores, subtask_shares(sure.softmax(dim=1), SUBTASKS, 4)),
        gate_loss(scores, SUBTASKS[labels]),
    )


def test_of_mixed_images_labels_count_by_area() -> None:
    model, labels = hydra(), torch.tensor([0, 1, 2, 1])
    output = model(torch.randn(4, 3, 16, 16))
    own = torch.tensor([1.0, 0.75, 0.5, 0.9])
    terms = loss_terms(model, output, Targets(labels, SUBTASKS, own=own), Recipe())
    before = labels[torch.tensor([3, 0, 1, 2])]
    for name, scores, of_labels, weight, smoothing in (
        ("labels", output.logits, labels, 1.0, 0.1),
        ("gate", output.gate_scores, SUBTASKS[labels], 0.5, 0.0),
    ):
        of_others = before if name == "labels" else SUBTASKS[before]
        each = [
            torch.nn.functional.cross_entropy(
                scores, t, label_smoothing=smoothing, reduction="none"
            )
            for t in (of_labels, of_others)
        ]
        expected = weight * (own * each[0] + (1 - own) * each[1]).mean()
        torch.testing.assert_close(terms[name], expected)


def test_a_whole_image_counts_as_without_mixing() -> None:
    model, labels = hydra(), torch.tensor([0, 1, 2, 1])
    output = model(torch.randn(4, 3, 16, 16))
    plain = loss_terms(model, output, Targets(labels, SUBTASKS), Recipe())
    mixed = loss_terms(model, output, Targets(labels, SUBTASKS, own=torch.ones(4)), Recipe())
    torch.testing.assert_close(mixed, plain)


def output_for(model: HydraNet, indices: Tensor) -> DynamicOutput:
    """Of a forward with a route of these branches, equal weights."""
    weights = torch.full(indices.shape, 0.5).masked_fill(indices == PADDING, 0)
    return model(torch.randn(len(indices), 3, 16, 16), route=Route(indices, weights, 4))


def test_the_loss_of_branches_alone() -> None:
    model, labels = hydra(), torch.tensor([0, 1, 2, 0])
    subtasks = SUBTASKS[labels]  # 2, 0, 3, 2
    output = output_for(model, torch.tensor([[1, 2], [0, 3], [1, 0], [2, PADDING]]))
    expected = []
    for image, slot in ((0, 1), (1, 0), (3, 0)):  # the third image fired other branches
        logits = model.combiner.output(output.features[image, slot])
        expected.append(-logits.log_softmax(dim=0)[labels[image]])
    found = branch_loss(model.combiner, output, labels, subtasks)
    torch.testing.assert_close(found, torch.stack(expected).mean())


def test_no_branch_on_its_own_subtask_is_no_loss() -> None:
    model, labels = hydra(), torch.tensor([0, 1])
    output = output_for(model, torch.tensor([[1, 3], [1, 3]]))
    loss = branch_loss(model.combiner, output, labels, SUBTASKS[labels])
    loss.backward()
    assert float(loss.detach()) == 0
    assert all(p.grad is None or not p.grad.any() for p in model.branches.parameters())


def test_the_branch_loss_reaches_branches_and_not_the_gate() -> None:
    model, labels = hydra(), torch.tensor([0, 1, 2, 1])
    output = model(torch.randn(4, 3, 16, 16), k=4)
    branch_loss(model.combiner, output, labels, SUBTASKS[labels]).backward()
    reached = [bool(b.projection.weight.grad.any()) for b in model.branches]
    assert reached == [True, False, True, True]  # no class has subtask 1
    assert all(p.grad is None for p in model.gate.parameters())


def test_load_balance_is_the_formula_of_the_paper() -> None:
    scores = torch.randn(7, 4)
    route = top_k_route(scores, 2)
    f, p = np.zeros(4), np.zeros(4)
    for image in range(7):
        for branch in route.indices[image].tolist():
            f[branch] += 1 / 14
        p += torch.softmax(scores[image], dim=0).numpy() / 7
    assert float(load_balance_loss(scores, route)) == pytest.approx(4 * (f * p).sum(), rel=1e-5)


def test_load_balance_is_least_for_even_load_and_pushes_away_from_the_busy() -> None:
    even = 50 * torch.eye(4)
    assert float(load_balance_loss(even, top_k_route(even, 1))) == pytest.approx(1)
    busy = torch.tensor([[1.0, 0.0, 0.0, 0.0]]).repeat(4, 1).requires_grad_()
    loss = load_balance_loss(busy, top_k_route(busy, 1))
    loss.backward()
    assert busy.grad is not None
    assert float(loss.detach()) > 1
    assert busy.grad[0].argmax() == 0
    assert (busy.grad[:, 1:] < 0).all()


def run(coloured: ImageSet, **changes: Any) -> tuple[HydraNet, Any]:
    torch.manual_seed(5)
    model = hydra()
    batches = Batches(coloured, NORMALISATION)
    recipe = replace(RECIPE, **changes)
    teacher = None
    if recipe.teacher:
        static = build(ResNetConfig(n=1, widths=(4, 4, 6), num_classes=3, image_size=16))
        teacher = prepare_teacher(
            static, recipe=recipe, class_names=coloured.class_names, image_size=16,
            normalisation=NORMALISATION, device=torch.device("cpu"),
        )  # fmt: skip
    history = fit(
        model, batches, batches, recipe=recipe, subtask_of_class=SUBTASKS, teacher=teacher
    )
    return model, history


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({}, {"labels"}),
        ({"branch_loss": 0.3}, {"labels", "branches"}),
        ({"load_balance": 0.1, "gate_loss": 0.2}, {"labels", "balance", "gate"}),
        ({"teacher": "t", "gate_targets": "teacher", "gate_loss": 1.0},
         {"labels", "gate", "teacher"}),
    ],
)  # fmt: skip
def test_the_history_keeps_the_terms(
    coloured: ImageSet, changes: dict[str, Any], terms: set[str]
) -> None:
    _, (record,) = run(coloured, **changes)
    assert record.loss_terms.keys() == terms
    assert sum(record.loss_terms.values()) == pytest.approx(record.loss, abs=1e-4)
    assert all(math.isfinite(value) for value in record.loss_terms.values())


def test_all_branches_run_in_the_warm_up(coloured: ImageSet) -> None:
    _, history = run(coloured, epochs=3, warmup_all_branches=2)
    loads = [sum(record.branch_load) for record in history]
    assert loads == pytest.approx([4, 4, 2], abs=1e-3)
    assert [record.hit_rate for record in history][:2] == [100, 100]


@pytest.mark.parametrize("changes", [{"branch_loss": 2.0}, {"load_balance": 2.0}])
def test_a_knob_changes_what_is_learnt(coloured: ImageSet, changes: dict[str, Any]) -> None:
    plain, _ = run(coloured)
    turned, _ = run(coloured, **changes)
    assert not torch.equal(plain.gate.score.weight, turned.gate.score.weight)
