"""Training: it learns, it goes on after a break as if there had been none, it refuses in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hydranet.config import HydraResConfig, ResNetConfig
from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError
from hydranet.models import HydraNet, Network, build
from hydranet.training.distillation import prepare_teacher
from hydranet.training.history import EpochRecord
from hydranet.training.loop import Progress, fit
from hydranet.training.optimiser import make_optimiser
from hydranet.training.recipe import Recipe

RECIPE = Recipe(
    epochs=3, batch_size=16, learning_rate=0.1, precision="float32", compile="off",
    execution="fired",
    validation_images=24,
)  # fmt: skip
SHAPE: dict[str, Any] = {"widths": (4, 4, 4), "num_classes": 3, "image_size": 16}
STATIC = ResNetConfig(n=1, **SHAPE)
HYDRA = HydraResConfig(d=1, num_branches=3, k=2, **SHAPE)
IDENTITY = {"architecture": "tiny", "recipe": RECIPE.to_json(), "data": "coloured"}


class Killed(Exception):
    """What a caller raises to end a run, as a signal would."""


def kill_after_first_epoch(progress: Progress) -> None:
    if progress.epoch == 1:
        raise Killed


def train(
    images: ImageSet, config: ResNetConfig | HydraResConfig, recipe: Recipe = RECIPE, **options: Any
) -> tuple[Network, list[EpochRecord]]:
    """A run on `images` from a fixed start."""
    torch.manual_seed(5)
    model = build(config)
    rest, held = images.split(recipe.validation_images, seed=0)
    normalisation = Normalisation(*rest.channel_statistics())
    if isinstance(config, HydraResConfig):
        options["subtask_of_class"] = torch.arange(3)
    history = fit(
        model, Batches(rest, normalisation), Batches(held, normalisation), recipe=recipe, **options
    )
    return model, history


def untimed(history: list[EpochRecord]) -> list[EpochRecord]:
    return [replace(record, seconds=0.0, images_per_second=0.0) for record in history]


def assert_same_weights(one: Network, other: Network) -> None:
    for (name, a), b in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        (STATIC, {}),
        (HYDRA, {"execution": "fired"}),
        (HYDRA, {"execution": "all"}),
        (HYDRA, {"execution": "grouped"}),
        (HYDRA, {"execution": "buckets"}),
        (HYDRA, {"precision": "bfloat16"}),
        (HYDRA, {"precision": "bfloat16", "execution": "grouped"}),
        (HYDRA, {"precision": "bfloat16", "execution": "buckets"}),
    ],
    ids=[
        "static",
        "fired",
        "all",
        "grouped",
        "buckets",
        "bfloat16",
        "grouped bfloat16",
        "buckets bfloat16",
    ],
)
def test_training_learns(coloured: ImageSet, config: Any, changes: dict[str, Any]) -> None:
    recipe = replace(RECIPE, epochs=6, **changes)
    _, history = train(coloured, config, recipe)
    assert [record.epoch for record in history] == list(range(6))
    assert history[-1].loss < 0.75 * history[0].loss
    assert history[-1].validation_top1 > 70  # chance is 33
    assert history[-1].train_top1 > 70
    if isinstance(config, HydraResConfig):
        assert history[-1].hit_rate is not None
        assert history[-1].hit_rate > 80  # chance is 2 of 3 branches
        assert sum(history[-1].branch_load) == pytest.approx(2, abs=1e-3)


def test_grouped_trains_as_all_does(coloured: ImageSet) -> None:
    one, first = train(coloured, HYDRA, replace(RECIPE, execution="all"))
    other, second = train(coloured, HYDRA, replace(RECIPE, execution="grouped"))
    assert [r.loss for r in first] == pytest.approx([r.loss for r in second], abs=1e-3)
    for (name, a), b in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3, msg=name)


def test_progress_is_told_of_every_step(coloured: ImageSet) -> None:
    told: list[Progress] = []
    _, history = train(coloured, STATIC, replace(RECIPE, epochs=2), on_progress=told.append)
    steps = [(p.epoch, p.step) for p in told if p.record is None]
    assert steps == [(e, s) for e in range(2) for s in range(1, 7)]
    assert [p.record for p in told if p.record] == history
    assert {p.steps for p in told} == {6}


def test_the_same_seed_gives_the_same_network(coloured: ImageSet) -> None:
    one, first = train(coloured, HYDRA, replace(RECIPE, epochs=1))
    other, again = train(coloured, HYDRA, replace(RECIPE, epochs=1))
    assert untimed(first) == untimed(again)
    assert_same_weights(one, other)


@pytest.mark.parametrize(
    ("config", "execution"),
    [(STATIC, "fired"), (HYDRA, "fired"), (HYDRA, "buckets")],
    ids=["static", "hydra", "buckets"],
)
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    coloured: ImageSet, tmp_path: Path, config: Any, execution: str
) -> None:
    recipe = replace(RECIPE, execution=execution)
    whole, history = train(coloured, config, recipe)
    state: dict[str, Any] = {"state_path": tmp_path / "state", "identity": IDENTITY}
    with pytest.raises(Killed):
        train(coloured, config, recipe, **state, on_progress=kill_after_first_epoch)
    epochs: list[int] = []
    resumed, rest = train(
        coloured, config, recipe, **state, resume=True, on_progress=lambda p: epochs.append(p.epoch)
    )
    assert set(epochs) == {1, 2}
    assert untimed(rest) == untimed(history)
    assert_same_weights(whole, resumed)


@pytest.mark.parametrize("distillation", ["dkd", "standardised"])
def test_a_killed_run_with_a_teacher_goes_on_too(
    coloured: ImageSet, tmp_path: Path, distillation: str
) -> None:
    """The warm-up of the teacher's loss goes on where it was, too."""
    recipe = replace(
        RECIPE, teacher="t", distillation=distillation, gate_targets="teacher", branch_loss=0.1,
        learning_rate=0.01, warmup_all_branches=2, freeze_trunk=1,
    )  # fmt: skip

    def run(**options: Any) -> tuple[Network, list[EpochRecord]]:
        torch.manual_seed(9)
        teacher = prepare_teacher(
            build(STATIC), recipe=recipe, class_names=coloured.class_names, image_size=16,
            normalisation=Normalisation((0.5,) * 3, (0.25,) * 3), device=torch.device("cpu"),
        )  # fmt: skip
        return train(coloured, HYDRA, recipe, teacher=teacher, **options)

    whole, history = run()
    state: dict[str, Any] = {"state_path": tmp_path / "state", "identity": IDENTITY}
    with pytest.raises(Killed):
        run(**state, on_progress=kill_after_first_epoch)
    resumed, rest = run(**state, resume=True)
    assert "teacher" in rest[-1].loss_terms
    assert untimed(rest) == untimed(history)
    assert_same_weights(whole, resumed)


def test_a_frozen_trunk_stays_as_it_is(coloured: ImageSet) -> None:
    """Weights and batch statistics; afterwards it is trained."""
    torch.manual_seed(5)
    start = {n: v.clone() for n, v in build(HYDRA).state_dict().items()}
    frozen, _ = train(coloured, HYDRA, replace(RECIPE, epochs=2, freeze_trunk=2))
    thawed, _ = train(coloured, HYDRA, replace(RECIPE, epochs=2, freeze_trunk=1))
    for name, value in frozen.state_dict().items():
        if name.startswith("stem"):
            assert torch.equal(value, start[name]), name
    assert not torch.equal(frozen.state_dict()["gate.score.weight"], start["gate.score.weight"])
    assert not torch.equal(thawed.state_dict()["stem.conv.weight"], start["stem.conv.weight"])


def test_a_finished_run_is_not_trained_again(coloured: ImageSet, tmp_path: Path) -> None:
    state = {"state_path": tmp_path / "state", "identity": IDENTITY}
    model, history = train(coloured, STATIC, replace(RECIPE, epochs=1), **state)
    again, same = train(coloured, STATIC, replace(RECIPE, epochs=1), **state, resume=True)
    assert same == history
    assert_same_weights(model, again)


def test_resume_without_a_saved_state_starts(coloured: ImageSet, tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=1)
    _, history = train(coloured, STATIC, recipe, state_path=tmp_path / "none", resume=True)
    assert len(history) == 1


@pytest.fixture
def saved(coloured: ImageSet, tmp_path: Path) -> Path:
    path = tmp_path / "state"
    train(coloured, STATIC, replace(RECIPE, epochs=1), state_path=path, identity=IDENTITY)
    return path


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "recipe",
            replace(RECIPE, learning_rate=0.3).to_json(),
            r"learning_rate [\d.]+, not 0.3\.",
        ),
        ("data", "other images", r"'.*', not 'other images'\."),
    ],
)
def test_another_run_is_not_resumed(
    coloured: ImageSet, saved: Path, key: str, value: Any, said: str
) -> None:
    identity = {**IDENTITY, key: value}
    with pytest.raises(InputError, match=f"has another {key}: {said} .*start without --resume"):
        train(coloured, STATIC, state_path=saved, identity=identity, resume=True)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def overwrite(path: Path) -> None:
    path.write_bytes(b"\xff" * 1000)


def strip_metadata(path: Path) -> None:
    save_file(load_file(path), path)


def empty_metadata(path: Path) -> None:
    save_file(load_file(path), path, {"run": "{}"})


def drop_a_weight(path: Path) -> None:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    del tensors["model/head.weight"]
    save_file(tensors, path, metadata)


@pytest.mark.parametrize(
    "damage", [truncate, overwrite, strip_metadata, empty_metadata, drop_a_weight]
)
def test_a_damaged_state_is_refused(coloured: ImageSet, saved: Path, damage: Any) -> None:
    damage(saved)
    with pytest.raises(InputError, match=r"is damaged .*Start without --resume"):
        train(coloured, STATIC, state_path=saved, identity=IDENTITY, resume=True)


def test_divergence_stops_with_a_sentence(
    coloured: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def diverging(model: Network, output: Tensor, *_: object) -> dict[str, Tensor]:
        nonlocal calls
        calls += 1
        return {"labels": output.sum() * (torch.nan if calls == 9 else 0.0)}

    monkeypatch.setattr("hydranet.training.step.loss_terms", diverging)
    sentence = r"nan at step 3 of epoch 2.*learning rate below 0\.1.*--resume"
    with pytest.raises(InputError, match=sentence):
        train(coloured, STATIC)


def test_a_learning_rate_out_of_all_bounds_diverges(coloured: ImageSet) -> None:
    recipe = replace(RECIPE, learning_rate=1000, momentum=0.999, weight_decay=1000)
    with pytest.raises(InputError, match=r"The loss is (nan|inf).*learning rate below 1000"):
        train(coloured, STATIC, recipe)


def test_weight_decay_is_on_matrices_only() -> None:
    model = build(HYDRA)
    optimizer = make_optimiser(model, RECIPE)
    decay = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    assert len(decay) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        is_vector = ".bn" in name or name.endswith(".bias")
        assert decay[id(parameter)] == (0 if is_vector else RECIPE.weight_decay), name


def test_a_fired_step_leaves_other_branches_alone(coloured: ImageSet) -> None:
    """With every image routed to two branches, the third keeps its weights to the bit."""
    torch.manual_seed(5)
    model = build(HYDRA)
    assert isinstance(model, HydraNet)
    with torch.no_grad():
        model.gate.score.bias.copy_(torch.tensor([1e6, 0.0, 1e6]))
    before = {n: p.clone() for n, p in model.branches[1].named_parameters()}
    moved = model.branches[0].projection.weight.clone()
    batches = Batches(coloured, Normalisation((0.5,) * 3, (0.25,) * 3))
    recipe = replace(RECIPE, epochs=1, gate_loss=0.0)
    fit(model, batches, batches, recipe=recipe, subtask_of_class=torch.arange(3))
    assert all(torch.equal(p, before[n]) for n, p in model.branches[1].named_parameters())
    assert not torch.equal(model.branches[0].projection.weight, moved)


@pytest.mark.parametrize("execution", ["fired", "buckets"])
def test_no_step_is_longer_than_the_longest_gradient_allows(
    coloured: ImageSet, execution: str
) -> None:
    """Over an epoch of plain descent, weights move at most by rate times length times steps."""
    recipe = replace(
        RECIPE, epochs=1, momentum=0.0, weight_decay=0.0, clip_norm=0.01, execution=execution
    )
    torch.manual_seed(5)
    before = {name: value.detach().clone() for name, value in build(HYDRA).named_parameters()}
    model, _ = train(coloured, HYDRA, recipe)
    moved = sum(
        float((value.detach() - before[name]).square().sum())
        for name, value in model.named_parameters()
    )
    steps = 6
    assert 0 < moved**0.5 <= recipe.learning_rate * recipe.clip_norm * steps * 1.001
    free, _ = train(coloured, HYDRA, replace(recipe, clip_norm=0.0))
    assert any(
        not torch.equal(value, other)
        for value, other in zip(model.parameters(), free.parameters(), strict=True)
    )
