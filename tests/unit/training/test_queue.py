"""What `hydranet train` trains, under which names, before anything long begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hydranet.errors import InputError
from hydranet.registry import list_models, model_config
from hydranet.training.job import Job, run_job
from hydranet.training.names import check_name, free_name
from hydranet.training.plan import plan_architecture, validation_images_for
from hydranet.training.queue import make_queue
from hydranet.training.recipe import Recipe

OTHERS = tuple(f"class {i}" for i in range(8))  # of the checkpoints that tests make
OURS = ("cat", "dog")


def job(root: Path, model: str, *, name: str = "", **recipe: Any) -> Job:
    return Job(
        model=model, name=name, recipe=Recipe(**recipe), data=Path("my photos"), image_size=16,
        root=root, runs=root / "runs", branches=2,
    )  # fmt: skip


def test_the_static_network_is_trained_first_once(tmp_path: Path) -> None:
    jobs = [job(tmp_path, name) for name in ("hydra_res_d1", "hydra_res_d2", "densenet10")]
    jobs.append(job(tmp_path, "hydra_res_d1", name="again", gate_loss=1.0))
    queue = make_queue(jobs, OURS)
    assert [one.name for one in queue.first] == ["resnet8", "resnet14"]
    assert queue.added == ("resnet8", "resnet14")
    assert all(one.branches is None and one.recipe.start is None for one in queue.first)
    starts = {one.name: one.recipe.start for one in queue.then}
    assert starts == {
        "hydra_res_d1": "resnet8", "hydra_res_d2": "resnet14", "densenet10": None,
        "again": "resnet8",
    }  # fmt: skip


def test_what_is_there_or_was_asked_for_is_not_added(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    make_checkpoint("resnet8", tmp_path, model="resnet8")
    queue = make_queue([job(tmp_path, "hydra_res_d1")], OTHERS)
    assert (queue.first, queue.added) == ([], ())
    assert queue.then[0].recipe.start == "resnet8"
    both = [job(tmp_path, name) for name in ("hydra_res_d1", "resnet8")]
    queue = make_queue(both, OTHERS)
    assert [one.model for one in (*queue.first, *queue.then)] == ["resnet8", "hydra_res_d1"]
    assert queue.added == ()


@pytest.mark.parametrize(
    ("recipe", "start"),
    [
        ({"subtasks": "random"}, None),
        ({"start": "mine"}, "mine"),
        ({"start": "auto", "subtasks": "random"}, "resnet8"),
    ],
)
def test_a_start_is_only_made_where_one_is_needed(
    tmp_path: Path, recipe: dict[str, Any], start: str | None
) -> None:
    queue = make_queue([job(tmp_path, "hydra_res_d1", **recipe)], OURS)
    assert queue.then[0].recipe.start == start
    assert len(queue.first) == (start == "resnet8")


def test_nothing_of_other_classes_is_overwritten(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    def name(classes: tuple[str, ...], size: int = 16) -> str:
        return free_name("resnet8", Path("my photos"), tmp_path, classes, size)

    assert name(OURS) == "resnet8"
    make_checkpoint("resnet8", tmp_path, model="resnet8")
    assert name(OTHERS) == "resnet8"
    assert name(OURS) == "resnet8-my-photos"
    assert name(OTHERS, 24) == "resnet8-my-photos"
    make_checkpoint("resnet8-my-photos", tmp_path, model="resnet8")
    assert name(OURS) == "resnet8-my-photos-16px"
    (tmp_path / "resnet8-my-photos-16px").mkdir()
    with pytest.raises(InputError, match="--name"):
        name(OURS)
    (tmp_path / "resnet8").rename(tmp_path / ".previous-resnet8")  # as a kill may leave it
    assert name(OTHERS) == "resnet8"
    with pytest.raises(InputError, match="--name"):
        name(OURS)
    check_name("resnet8", tmp_path, OTHERS)
    check_name("new", tmp_path, OURS)
    with pytest.raises(InputError, match=r"other classes \(class 0, .* would be overwritten"):
        check_name("resnet8", tmp_path, OURS)


def test_an_unknown_network_says_so_when_it_runs(tmp_path: Path) -> None:
    queue = make_queue([job(tmp_path, "resnet9"), job(tmp_path, "resnet8")], OURS)
    assert [one.model for one in queue.then] == ["resnet9", "resnet8"]
    too_many = replace(job(tmp_path, "hydra_res_d1"), branches=3)
    assert make_queue([too_many], OURS).first == []
    with pytest.raises(InputError, match="one stands twice"):
        make_queue([job(tmp_path, "resnet8"), job(tmp_path, "resnet8")], OURS)


@pytest.mark.parametrize("model", list_models())
@pytest.mark.parametrize("classes", [2, 3, 10, 10_000])
def test_every_registered_network_suits_any_number_of_classes(model: str, classes: int) -> None:
    config = plan_architecture(model, num_classes=classes, image_size=64)
    assert (config.num_classes, config.image_size) == (classes, 64)
    if config.has_subtasks:
        assert 1 <= config.k < config.num_branches <= classes
    elif config.is_dynamic:
        assert config.num_branches == model_config(model).num_branches


def test_where_no_gate_leaves_any_out_all_heads_run() -> None:
    config = plan_architecture("multihead_resnet", num_classes=5, image_size=32, branches=6)
    assert (config.num_branches, config.k) == (6, 6)
    fewer = plan_architecture("multihead_resnet", num_classes=5, image_size=32, branches=6, k=2)
    assert fewer.k == 2


def test_the_paper_s_numbers_come_out_for_a_hundred_classes() -> None:
    assert plan_architecture("hydra_res_d1", num_classes=100, image_size=32) == model_config(
        "hydra_res_d1"
    )


@pytest.mark.parametrize(
    ("model", "changes", "sentence"),
    [
        ("hydra_res_d1", {"branches": 6}, "5 classes there can be 1 to 5 branches, not 6"),
        ("hydra_res_d1", {"branches": 2, "k": 3}, "with 2 branches, must be .* 1 to 2, not 3"),
        ("hydra_res_d1", {"branches": 0}, "num_branches must be .* from 1"),
        ("multihead_resnet", {"branches": 2, "k": 3}, "1 to 2, not 3"),
        ("resnet8", {"k": 2}, "static network: it has no branches"),
        ("resnet8", {"image_size": 2000}, "from 8 to 1024, not 2000"),
        ("hydra_ressep_d2", {"image_size": 32}, "Choose an image size above 32"),
        ("resnet8", {"num_classes": 1}, "num_classes must be .* from 2"),
    ],
)
def test_what_cannot_be_is_a_sentence(model: str, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        plan_architecture(model, **{"num_classes": 5, "image_size": 32, **changes})


def test_images_held_out_where_nobody_says() -> None:
    found = [validation_images_for(images) for images in (3, 240, 10_000, 50_000)]
    assert found == [1, 24, 1000, 2000]


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "", "-x", "x" * 101, "a b", "é"])
def test_a_name_is_that_of_a_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="name of a checkpoint must be 1 to 100 letters"):
        check_name(name, tmp_path, OURS)


@pytest.mark.parametrize("role", ["start", "teacher"])
def test_what_a_run_needs_is_looked_for_before_images_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    def read_nothing(*_: object) -> None:
        raise AssertionError("images were read")

    monkeypatch.setattr("hydranet.training.job.class_names_of", lambda *_: OURS)
    monkeypatch.setattr("hydranet.training.job.read_splits", read_nothing)
    needs = replace(job(tmp_path, "resnet8", name="new", **{role: "nowhere"}), branches=None)
    with pytest.raises(InputError, match="There is no checkpoint 'nowhere'"):
        run_job(needs)


def test_a_teacher_of_other_classes_is_refused_before_images_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_checkpoint: Callable[..., Path]
) -> None:
    def read_nothing(*_: object) -> None:
        raise AssertionError("images were read")

    make_checkpoint("strange", tmp_path, model="resnet8")
    monkeypatch.setattr("hydranet.training.job.class_names_of", lambda *_: OURS)
    monkeypatch.setattr("hydranet.training.job.read_splits", read_nothing)
    with pytest.raises(InputError, match="The teacher must have the student's 2 classes, but it"):
        run_job(replace(job(tmp_path, "resnet8", name="new", teacher="strange"), branches=None))
