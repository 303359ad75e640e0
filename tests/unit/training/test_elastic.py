"""A process that is killed is started again by torchrun, and the run ends as an unbroken one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_sets import NAMES, pictures, write_split

from hydranet.checkpoints import Checkpoint, list_checkpoints
from hydranet.config import ResNetConfig
from hydranet.data import ImageSet, load_images
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.data.shards import ReadingFailed
from hydranet.errors import InputError
from hydranet.models import build
from hydranet.training.distributed import World, is_restarted
from hydranet.training.job import Job, begin_anew, run_job
from hydranet.training.loop import fit
from hydranet.training.recipe import Recipe
from hydranet.training.several import train_several

SCRIPT = Path(__file__).with_name("killed_process.py")


def launch(out: Path, data: Path, *arguments: str, restarts: int = 0) -> str:
    """Two processes under torchrun; what they said on standard error."""
    ended = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         "--max-restarts", str(restarts), str(SCRIPT), str(out), str(data), *arguments],
        capture_output=True, text=True, timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SCRIPT.parents[3]),
             "HYDRANET_CACHE": str(out / "cache")},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of three classes, whose sizes no number of processes divides."""
    folder = tmp_path_factory.mktemp("data")
    write_split(folder, "train", pictures(47), per_shard=20)
    write_split(folder, "test", pictures(9, seed=1))
    (folder / "classnames.txt").write_text("\n".join(NAMES))
    return folder


def checkpoints(out: Path) -> dict[str, Checkpoint]:
    good, damaged = list_checkpoints(out / "checkpoints")
    assert not damaged
    return {checkpoint.name: checkpoint for checkpoint in good}


def test_a_killed_process_changes_nothing_in_the_result(tmp_path: Path, data: Path) -> None:
    """Of a HydraNet on streamed images, whose static network is trained on the way."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    launch(whole, data, "hydra_res_d1")
    said = launch(broken, data, "hydra_res_d1", "1", restarts=1)
    assert "exitcode: -9" in said
    unbroken, resumed = checkpoints(whole), checkpoints(broken)
    assert unbroken.keys() == resumed.keys() == {"resnet8", "hydra_res_d1"}
    for name, checkpoint in unbroken.items():
        ours, theirs = resumed[name].card, checkpoint.card
        assert ours.weights_sha256 == theirs.weights_sha256
        assert [record.epoch for record in ours.history] == [0, 1, 2]
        assert ours.test == theirs.test
        assert ours.subtask_of_class == theirs.subtask_of_class
    assert said.count("epoch 1: loss") == 2, "each network began once"
    train = load_images(data, "train", image_size=8)
    card = unbroken["hydra_res_d1"].card
    assert card.data.train_images + card.data.validation_images == len(train) == 47
    assert card.data.test_sha256 == load_images(data, "test", image_size=8).sha256
    assert sorted(np.bincount(card.subtask_of_class or ())) == [1, 1, 1]


def test_a_run_that_is_begun_anew_goes_on_from_no_other(tmp_path: Path) -> None:
    jobs = [
        Job(model=name, name=name, recipe=Recipe(), data=tmp_path, image_size=8, root=tmp_path,
            runs=tmp_path / "runs")
        for name in ("resnet8", "hydra_res_d1")
    ]  # fmt: skip
    jobs[1].state.parent.mkdir(parents=True)
    jobs[1].state.write_bytes(b"of an earlier run")
    begin_anew(jobs)
    assert not any(job.state.exists() for job in jobs)


@pytest.mark.parametrize(("count", "restarted"), [(None, False), ("0", False), ("2", True)])
def test_torchrun_says_whether_a_process_is_started_again(
    monkeypatch: pytest.MonkeyPatch, count: str | None, restarted: bool
) -> None:
    monkeypatch.delenv("TORCHELASTIC_RESTART_COUNT", raising=False)
    if count is not None:
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", count)
    assert is_restarted() == restarted


def test_what_happens_in_one_process_alone_ends_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others wait in the middle of a step: to wait for them would be for ever."""

    def fail(*_: object) -> None:
        raise ReadingFailed("The disk is gone.")

    monkeypatch.setattr("hydranet.training.job._train_and_finish", fail)
    monkeypatch.setattr(World, "wait", lambda self: pytest.fail("nobody comes"))
    job = Job(model="resnet8", name="x", recipe=Recipe(), data=tmp_path, image_size=8,
              root=tmp_path, runs=tmp_path)  # fmt: skip
    with pytest.raises(ReadingFailed):
        run_job(job, world=World(rank=1, size=2))


def test_an_unexpected_error_ends_a_process_of_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that torchrun sees it; alone, the other networks go on."""

    def fail(*_: object) -> None:
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr("hydranet.training.several.run_job", fail)
    job = Job(model="resnet8", name="x", recipe=Recipe(), data=tmp_path, image_size=8,
              root=tmp_path, runs=tmp_path)  # fmt: skip
    with pytest.raises(RuntimeError, match="closed by peer"):
        train_several([job], world=World(rank=0, size=2))
    (outcome,) = train_several([job])
    assert outcome.error == "RuntimeError: Connection closed by peer"


def test_processes_that_see_other_saved_runs(coloured: ImageSet) -> None:
    class Disagreeing(World):
        def agree(self, value: int) -> bool:
            return False

    model = build(ResNetConfig(n=1, widths=(4, 4, 4), num_classes=3, image_size=16))
    batches = Batches(coloured, Normalisation((0.5,) * 3, (0.25,) * 3))
    with pytest.raises(InputError, match="Let --runs be a folder that all machines share"):
        fit(model, batches, batches, recipe=Recipe(compile="off"), world=Disagreeing())
