"""Recipes check themselves, and what "auto" means is settled before training."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from hydranet.config import DenseNetConfig, HydraDenseConfig, HydraResConfig, ResNetConfig
from hydranet.errors import InputError
from hydranet.models import build
from hydranet.training.backend import settle
from hydranet.training.recipe import Recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0), ("epochs", 2.5), ("epochs", "3"), ("epochs", True),
        ("batch_size", -1), ("batch_size", 12.5), ("validation_images", 0),
        ("seed", -1), ("seed", 1.5), ("seed", 2**32),
        ("momentum", 1.1), ("label_smoothing", -0.1), ("warmup", 2),
        ("learning_rate", -1), ("learning_rate", float("nan")), ("learning_rate", 1e6),
        ("weight_decay", None), ("gate_loss", float("inf")),
        ("subtasks", "kmeans"), ("distillation", "kd"),
        ("distillation_weight", -1), ("label_loss", float("nan")),
        ("gate_targets", "labels"), ("warmup_all_branches", -1), ("warmup_all_branches", 0.5),
        ("freeze_trunk", -1), ("dirichlet", -0.5), ("branch_loss", -0.1), ("load_balance", "1"),
        ("execution", "some"), ("precision", "half"), ("compile", True),
    ],
)  # fmt: skip
def test_each_field_is_checked(field: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{field} must be .*not "):
        Recipe(**{field: value})


def test_choices_are_listed() -> None:
    with pytest.raises(InputError, match="clusters, superclasses, random, not 'kmeans'"):
        Recipe(subtasks="kmeans")


def test_json_round_trip() -> None:
    recipe = Recipe(epochs=7, start="resnet8", learning_rate=0.25, seed=3)
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_a_recipe_of_before_a_field_was_added_is_read() -> None:
    """Cards of older runs lack what was added since; the default is what they were trained with."""
    old = Recipe(epochs=7).to_json()
    first = 15  # how many fields there were
    for name in list(old)[first:]:
        del old[name]
    assert list(old)[-1] == "seed"
    assert Recipe.from_json(old) == Recipe(epochs=7)


def test_the_gate_learns_of_a_teacher_only_where_there_is_one() -> None:
    assert Recipe(gate_targets="teacher", teacher="resnet56").gate_targets == "teacher"
    with pytest.raises(InputError, match=r"not 'teacher'\. Name a teacher's checkpoint"):
        Recipe(gate_targets="teacher")


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(InputError, match="'dropout'"):
        Recipe.from_json({"dropout": 0.5})


@pytest.mark.parametrize("warmup", [0.0, 0.15, 0.5])
@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_the_rate_is_a_triangle_that_ends_near_0(steps: int, warmup: float) -> None:
    recipe = Recipe(learning_rate=0.2, warmup=warmup)
    rates = [recipe.rate(step, steps) for step in range(steps)]
    assert all(0 < rate <= 0.2 for rate in rates)
    peak = rates.index(max(rates))
    assert all(a < b for a, b in pairwise(rates[: peak + 1]))
    assert all(a >= b for a, b in pairwise(rates[peak:]))
    if steps == 1000:
        assert max(rates) == pytest.approx(0.2, rel=1e-2)
        assert rates[-1] < 0.001
        assert peak == pytest.approx(warmup * steps, abs=1)
        rise, fall = rates[: peak + 1], rates[peak + 1 :]
        for part in (rise, fall):  # straight lines
            differences = [b - a for a, b in pairwise(part)]
            assert not differences or max(differences) - min(differences) < 1e-9


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
@pytest.mark.parametrize("compile_", ["auto", "on", "off"])
@pytest.mark.parametrize(
    "config", [ResNetConfig(n=1), HydraResConfig(d=1)], ids=["static", "hydra"]
)
def test_settle_leaves_no_auto(config: Any, precision: str, compile_: str) -> None:
    recipe = Recipe(precision=precision, compile=compile_)
    settled = settle(recipe, build(config), torch.device("cpu"))
    assert settled.precision in ("float32", "bfloat16")
    assert settled.compile in ("on", "off")
    assert precision in ("auto", settled.precision)
    assert compile_ in ("auto", settled.compile)


@pytest.mark.parametrize(
    ("config", "compiled"),
    [
        (ResNetConfig(n=1), "on"),
        (HydraResConfig(d=1), "off"),
        (DenseNetConfig(n=1), "off"),
        (HydraDenseConfig(n=2), "on"),
    ],
)
def test_auto_compiles_where_bfloat16_gains_from_it(config: Any, compiled: str) -> None:
    """As measured, see `hydranet.training.backend`; in float32 all do."""
    for precision, expected in (("bfloat16", compiled), ("float32", "on")):
        settled = settle(Recipe(precision=precision), build(config), torch.device("cpu"))
        assert settled.compile == expected
