"""One visitor's occlusion on ResNet-110, the longest work there is, beside others' predictions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import explanations, services
from app.cores import computing
from app.cores.admission import Admission
from app.cores.computing import telling
from app.inspection import inspect
from app.intake import Intake
from hydranet.checkpoints import Checkpoint, list_checkpoints
from hydranet.explain.targets import ClassLogit
from hydranet.routing.switchboard import Switchboard

ASKED = 6


@pytest.fixture
def networks(tmp_path: Path, make_checkpoint: Callable[..., Path]) -> dict[str, Checkpoint]:
    make_checkpoint("slow", tmp_path, model="resnet110", shape={})
    make_checkpoint("hydra", tmp_path)
    return {one.name: one for one in list_checkpoints(tmp_path)[0]}


def photo(number: int) -> Intake:
    pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return Intake("", f"{number:064}", Image.fromarray(pixels))


@pytest.mark.parametrize("cores", [1, 2])
def test_predictions_wait_for_one_step_of_it_at_most(
    cores: int, networks: dict[str, Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computing, "ADMISSION", Admission(cores))
    slow = inspect(networks["slow"], photo(0), None)
    inspect(networks["hydra"], photo(0), Switchboard(k=2))  # both are loaded
    steps: list[float] = []
    begun, over = threading.Event(), threading.Event()

    def explain() -> None:
        def tell(part: float) -> None:
            steps.append(part)
            begun.set()

        explanations.explain(slow, [ClassLogit(slow.found.best)], "occlusion", tell)
        over.set()

    other = threading.Thread(target=explain)
    other.start()
    assert begun.wait(60)
    before: list[int] = []
    passed: list[int] = []
    for number in range(1, 1 + ASKED):
        done = len(steps)
        with telling(before.append):
            services.examined(networks["hydra"], photo(number))
        if not over.is_set():
            passed.append(len(steps) - done)
        time.sleep(0.01)
    other.join()
    assert steps[-1] == 1.0, "it came to its end all the same"
    assert len(passed) > 1, "they were asked for while it ran"
    assert max(before, default=0) <= 1
    # The step that ran when the prediction was asked for; and the next one may begin beside it.
    assert max(passed) <= 2
