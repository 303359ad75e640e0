"""The tutorial does what it says: its own code is run, from start to end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hydranet

TUTORIAL = Path(__file__).parents[3] / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the tutorial was worked through in, and what its commands said."""
    folder = tmp_path_factory.mktemp("tutorial")
    environment = os.environ | {
        "HYDRANET_CHECKPOINTS": str(folder / "checkpoints"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    said = []
    for kind, code in _BLOCK.findall(TUTORIAL.read_text()):
        command = [sys.executable, "-c", code] if kind == "python" else ["bash", "-ec", code]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout + done.stderr)
    return folder, "\n".join(said)


def test_it_has_something_to_run() -> None:
    kinds = [kind for kind, _ in _BLOCK.findall(TUTORIAL.read_text())]
    assert kinds == ["python", "sh", "sh"]


def test_a_network_knows_the_classes(worked: tuple[Path, str]) -> None:
    folder, said = worked
    good, damaged = hydranet.list_checkpoints(folder / "checkpoints")
    assert not damaged
    cards = {checkpoint.name: checkpoint.card for checkpoint in good}
    assert cards.keys() == {"resnet8", "hydra_res_d1"}
    card = cards["hydra_res_d1"]
    assert card.class_names == tuple(sorted(p.name for p in (folder / "shapes").iterdir()))
    assert (card.costs.num_branches, card.costs.k) == (5, 2)
    assert sorted(map(len, card.subtasks)) == [2] * 5
    assert (card.data.train_images, card.data.validation_images, card.data.test_images) == (
        288, 32, 80,
    )  # fmt: skip
    assert card.test.top1 > 50, "ten classes, of which chance knows 10 %"
    flat = " ".join(said.split())
    assert "resnet8 first: subtasks are made from it" in flat
    assert f"top-1 {card.test.top1:.2f} %" in flat
    assert "fired" in flat
