"""Distillation: the formulas of the papers, a teacher that stays as it is, and a run with one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hydranet.checkpoints import load
from hydranet.config import HydraResConfig, ResNetConfig
from hydranet.data import ImageSet
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError
from hydranet.models import Network, build
from hydranet.training.distillation import (
    Teacher,
    distillation_loss,
    dkd_loss,
    prepare_teacher,
    standardised_loss,
)
from hydranet.training.finish import finish
from hydranet.training.losses import Targets, loss_terms
from hydranet.training.recipe import Recipe
from hydranet.training.run import train_model

CPU = torch.device("cpu")
RECIPE = Recipe(
    epochs=1, batch_size=32, precision="float32", compile="off", validation_images=24,
    subtasks="random",
)  # fmt: skip
SHAPE: dict[str, Any] = {"widths": (4, 6, 8), "num_classes": 3, "image_size": 16}
COLOURS = ("red", "green", "blue")
NORMALISATION = Normalisation((0.5,) * 3, (0.25,) * 3)


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def divergence(teacher: np.ndarray, student: np.ndarray) -> float:
    return float(sum(t * np.log(t / s) for t, s in zip(teacher, student, strict=True)))


def plain_dkd(student: np.ndarray, teacher: np.ndarray, label: int) -> float:
    """Equations 5 to 7 of the paper for one image, written out: T 4, alpha 1, beta 8."""
    p_student, p_teacher = softmax(student / 4), softmax(teacher / 4)
    b_student = np.array([p_student[label], 1 - p_student[label]])
    b_teacher = np.array([p_teacher[label], 1 - p_teacher[label]])
    q_student = np.delete(p_student, label) / b_student[1]
    q_teacher = np.delete(p_teacher, label) / b_teacher[1]
    return 16 * (divergence(b_teacher, b_student) + 8 * divergence(q_teacher, q_student))


def plain_standardised(student: np.ndarray, teacher: np.ndarray) -> float:
    """Algorithm 1 of the paper for one image, written out: T 2."""
    z_student, z_teacher = ((z - z.mean()) / z.std(ddof=1) for z in (student, teacher))
    return 4 * divergence(softmax(z_teacher / 2), softmax(z_student / 2))


@pytest.fixture
def logits() -> tuple[Tensor, Tensor, Tensor]:
    """A student's, a teacher's, and labels: 6 images, 5 classes."""
    return 3 * torch.randn(6, 5).double(), 5 * torch.randn(6, 5).double(), torch.arange(6) % 5


def test_dkd_is_the_formula_of_the_paper(logits: tuple[Tensor, Tensor, Tensor]) -> None:
    student, teacher, labels = logits
    rows = zip(student.numpy(), teacher.numpy(), labels.tolist(), strict=True)
    expected = np.mean([plain_dkd(*row) for row in rows])
    assert float(dkd_loss(student, teacher, labels)) == pytest.approx(expected, rel=1e-9)


def test_standardised_is_the_formula_of_the_paper(logits: tuple[Tensor, Tensor, Tensor]) -> None:
    student, teacher, _ = logits
    rows = zip(student.numpy(), teacher.numpy(), strict=True)
    expected = np.mean([plain_standardised(*row) for row in rows])
    assert float(standardised_loss(student, teacher)) == pytest.approx(expected, rel=1e-5)


def test_standardised_does_not_see_the_range_of_the_logits(
    logits: tuple[Tensor, Tensor, Tensor],
) -> None:
    student, teacher, _ = logits
    torch.testing.assert_close(
        standardised_loss(student, teacher), standardised_loss(7 * student - 3, teacher)
    )


def test_who_agrees_with_the_teacher_has_no_loss(logits: tuple[Tensor, Tensor, Tensor]) -> None:
    _, teacher, labels = logits
    for loss in (dkd_loss(teacher, teacher, labels), standardised_loss(teacher, teacher)):
        assert float(loss) == pytest.approx(0, abs=1e-9)


def test_sure_networks_give_finite_losses_and_gradients() -> None:
    """Logits so far apart that probabilities round to 0 and 1."""
    student = torch.tensor([[900.0, -900.0, 0.0]], requires_grad=True)
    teacher = torch.tensor([[-900.0, 900.0, 0.0]])
    for label in range(3):
        student.grad = None
        loss = dkd_loss(student, teacher, torch.tensor([label]))
        loss.backward()
        assert student.grad is not None
        assert loss.isfinite()
        assert student.grad.isfinite().all()


def test_the_weights_and_the_warm_up(logits: tuple[Tensor, Tensor, Tensor]) -> None:
    dkd, standardised = Recipe(), Recipe(distillation="standardised")
    for done, share in ((0.0, 0.0), (1 / 24, 0.5), (1 / 12, 1.0), (0.9, 1.0)):
        torch.testing.assert_close(
            distillation_loss(*logits, dkd, done=done), share * dkd_loss(*logits)
        )
        torch.testing.assert_close(
            distillation_loss(*logits, standardised, done=done),
            9 * standardised_loss(*logits[:2]),
        )


def test_the_terms_of_a_recipe(logits: tuple[Tensor, Tensor, Tensor]) -> None:
    student, teacher, labels = (part.float() if part.is_floating_point() else part
                                for part in logits)  # fmt: skip
    recipe = Recipe(distillation_weight=0.5, label_loss=0.1, label_smoothing=0.0)
    terms = loss_terms(Network(), student, Targets(labels, teacher=teacher, done=1.0), recipe)
    assert terms.keys() == {"labels", "teacher"}
    expected = 0.1 * torch.nn.functional.cross_entropy(student, labels)
    torch.testing.assert_close(terms["labels"], expected)
    torch.testing.assert_close(terms["teacher"], 0.5 * dkd_loss(student, teacher, labels))


def used(model: Network) -> Network:
    with torch.no_grad():
        model(torch.randn(32, 3, 16, 16))
    return model.eval()


def teacher_of(model: Network, **changes: Any) -> Teacher:
    options: dict[str, Any] = {
        "recipe": RECIPE, "class_names": COLOURS, "image_size": 16, "normalisation": NORMALISATION,
        "device": CPU,
    }  # fmt: skip
    return prepare_teacher(model, **{**options, **changes})


@pytest.mark.parametrize(
    "config",
    [ResNetConfig(n=1, **SHAPE), HydraResConfig(d=1, num_branches=3, k=2, **SHAPE)],
    ids=["static", "hydra"],
)
def test_a_teacher_answers_and_is_left_as_it_is(config: Any) -> None:
    model = used(build(config))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = torch.randn(5, 3, 16, 16)
    with torch.no_grad():
        output = model(images)
    answer = teacher_of(model.train()).logits(images)
    torch.testing.assert_close(answer, getattr(output, "logits", output))
    assert not answer.requires_grad
    assert not model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_gradients_reach_the_student_alone() -> None:
    student, model = build(ResNetConfig(n=1, **SHAPE)), build(ResNetConfig(n=2, **SHAPE))
    teacher = teacher_of(model)
    images, labels = torch.randn(6, 3, 16, 16), torch.arange(6) % 3
    targets = Targets(labels, teacher=teacher.logits(images), done=1.0)
    loss_terms(student, student(images), targets, RECIPE)["teacher"].backward()
    assert all(p.grad is not None and p.grad.any() for p in student.parameters())
    assert all(p.grad is None for p in model.parameters())


def trained(coloured: ImageSet, name: str, root: Path, **options: Any) -> Network:
    """A checkpoint, trained for an epoch."""
    recipe = options.pop("recipe", RECIPE)
    options = {"load_network": lambda n: load(n, root), "device": CPU, **options}
    run = train_model("resnet8", coloured, recipe=recipe, **options)
    finish(run, name=name, test=coloured, root=root, device=CPU)
    return load(name, root)


def test_a_teacher_sees_images_normalised_as_it_was_trained(
    coloured: ImageSet, tmp_path: Path
) -> None:
    model = trained(coloured, "teacher", tmp_path)
    assert model.card is not None
    pixels = torch.rand(4, 3, 16, 16)

    def normalised(by: Normalisation) -> Tensor:
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (by.mean, by.std))
        return (pixels - mean) / std

    other = Normalisation((0.1, 0.2, 0.3), (0.5, 0.4, 0.3))
    with torch.no_grad():
        expected = model(normalised(model.card.normalisation))
    teacher = teacher_of(model, normalisation=other)
    torch.testing.assert_close(
        teacher.logits(normalised(other)), expected, atol=1e-4, rtol=1e-4
    )  # fmt: skip


def test_a_run_with_a_teacher_is_on_the_card(coloured: ImageSet, tmp_path: Path) -> None:
    trained(coloured, "teacher", tmp_path)
    taught = replace(
        RECIPE, teacher="teacher", distillation="standardised", distillation_weight=0.25
    )
    card = trained(coloured, "student", tmp_path, recipe=taught).card
    assert card is not None
    kept = card.recipe
    assert (kept.teacher, kept.distillation) == ("teacher", "standardised")
    assert kept.distillation_weight == 0.25
    alone = trained(coloured, "alone", tmp_path)
    assert alone.card is not None
    assert card.history[0].loss != alone.card.history[0].loss


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"class_names": (*COLOURS, "grey")}, "student's 4 classes, but it has 3"),
        ({"class_names": ("blue", "green", "red")}, "in the same order, but teacher was trained"),
        ({"image_size": 32}, "32 pixels, but it takes 16"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(
    coloured: ImageSet, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    model = trained(coloured, "teacher", tmp_path)
    with pytest.raises(InputError, match=sentence):
        teacher_of(model, **changes)


def test_another_start_is_another_run(coloured: ImageSet, tmp_path: Path) -> None:
    """Its subtasks, too, are made of the start's features."""
    state: dict[str, Any] = {"state_path": tmp_path / "state"}
    recipe = replace(RECIPE, start="start")
    trained(coloured, "start", tmp_path)
    trained(coloured, "next", tmp_path, recipe=recipe, **state)
    trained(coloured, "next", tmp_path, recipe=recipe, **state, resume=True)
    trained(coloured, "start", tmp_path, recipe=replace(RECIPE, seed=1))
    with pytest.raises(InputError, match="has another start"):
        trained(coloured, "next", tmp_path, recipe=recipe, **state, resume=True)


def test_another_teacher_is_another_run(coloured: ImageSet, tmp_path: Path) -> None:
    """The teacher's weights are part of what a run is, not only its name."""
    state: dict[str, Any] = {"state_path": tmp_path / "state"}
    recipe = replace(RECIPE, teacher="teacher")
    trained(coloured, "teacher", tmp_path)
    trained(coloured, "student", tmp_path, recipe=recipe, **state)
    trained(coloured, "student", tmp_path, recipe=recipe, **state, resume=True)
    trained(coloured, "teacher", tmp_path, recipe=replace(RECIPE, seed=1))
    with pytest.raises(InputError, match="has another teacher"):
        trained(coloured, "student", tmp_path, recipe=recipe, **state, resume=True)
