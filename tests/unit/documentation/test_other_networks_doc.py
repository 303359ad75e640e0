"""The page about other dynamic networks does what it says: its own code is run, on every page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import app.page_scripts
import hydranet
from app import services
from app.charts import figure
from app.views.inspect.sections import SECTIONS as INSPECT
from app.views.specialise.sections import SECTIONS as SPECIALISE
from hydranet import extensions, registry
from hydranet.checkpoints import list_checkpoints
from hydranet.config import stored
from hydranet.errors import InputError
from hydranet.models.counted import counted_costs

PAGE = Path(__file__).parents[3] / "docs" / "other_networks.md"
PAGES = Path(app.page_scripts.__file__).parent
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = _BLOCK.findall(PAGE.read_text())


def write_images(folder: Path) -> None:
    """Three classes, told apart by colour."""
    rng = np.random.default_rng(0)
    for label, colour in {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}.items():
        for split, count in {"train": 24, "test": 6}.items():
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                noise = rng.integers(0, 128, (16, 16, 3))
                pixels = (0.5 * np.array(colour) + noise).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / label / f"{number}.png")


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the page was worked through in, and what its commands said."""
    folder = tmp_path_factory.mktemp("own")
    (python, code), (shell, commands) = BLOCKS
    assert (python, shell) == ("python", "sh")
    (folder / "my_networks.py").write_text(code)
    write_images(folder / "DATA")
    environment = os.environ | {
        "HYDRANET_CHECKPOINTS": str(folder / "checkpoints"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    more = (
        "hydranet predict DATA/test/red/0.png --checkpoint sizes --json\n"
        "hydranet route DATA/test --checkpoint sizes --out ROUTES\n"
    )
    done = subprocess.run(
        ["bash", "-ec", commands + more], cwd=folder, env=environment, capture_output=True,
        text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stdout + done.stderr


@pytest.fixture
def known(worked: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This process knows the network too, for the time of a test."""
    folder, _ = worked
    monkeypatch.setenv(extensions.VARIABLE, str(folder / "my_networks.py"))
    for module, name in ((stored, "CONFIG_CLASSES"), (registry, "_REGISTRY")):
        before = dict(getattr(module, name))
        monkeypatch.setattr(module, name, before)
    monkeypatch.setattr(registry, "CONFIG_CLASSES", stored.CONFIG_CLASSES)
    monkeypatch.setattr(extensions, "_loaded", set())
    monkeypatch.setattr(figure, "CHECKED", True)
    monkeypatch.setattr(
        services, "list_checkpoints", lambda: list_checkpoints(folder / "checkpoints")
    )
    services.checkpoints.clear()
    yield folder
    services.checkpoints.clear()
    sys.modules.pop("my_networks", None)


def run(page: str, **address: str) -> AppTest:
    shown = AppTest.from_file(str(PAGES / page), default_timeout=120)
    for key, value in address.items():
        shown.query_params[key] = value
    shown.run()
    assert not shown.exception
    assert not shown.error
    return shown


def test_it_takes_less_than_sixty_lines() -> None:
    assert len(BLOCKS[0][1].splitlines()) < 60


def test_every_command_knows_it(worked: tuple[Path, str]) -> None:
    folder, said = worked
    assert "sizes" in said
    assert (folder / "ROUTES").is_dir()
    assert '"checkpoint": "sizes"' in said


def test_it_is_stored_listed_and_loaded(known: Path) -> None:
    good, damaged = list_checkpoints(known / "checkpoints")
    assert not damaged
    (found,) = good
    assert found.card.class_names == ("blue", "green", "red")
    costs = found.card.costs
    assert costs == counted_costs(found.card.architecture)
    assert len(set(costs.branches)) == 4, "branches of different size cost differently"
    model = hydranet.load("sizes", known / "checkpoints")
    photo = Image.open(known / "DATA" / "test" / "red" / "0.png").convert("RGB")
    (answer,) = hydranet.predict(model, [photo], runs=1)
    assert answer.macs == costs.always + sum(costs.branch_macs(answer.fired))


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("view", list(INSPECT))
def test_inspect(view: str) -> None:
    page = run("inspect.py", network="sizes", view=view)
    words = " ".join(e.value for e in [*page.markdown, *page.caption])
    assert "chooser" in words


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("show", list(SPECIALISE))
def test_specialise(show: str) -> None:
    run("specialise.py", network="sizes", show=show)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("page", ["compare.py", "batch.py"])
def test_compare_and_batch(page: str) -> None:
    run(page, network="sizes")


def test_a_checkpoint_of_a_network_that_is_not_known_is_left_out(
    worked: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(extensions.VARIABLE, raising=False)
    shutil.copytree(worked[0] / "checkpoints", tmp_path / "theirs")  # no card of it is kept
    good, (damaged,) = list_checkpoints(tmp_path / "theirs")
    assert not good
    assert "The family of an architecture must be one of" in damaged.reason


@pytest.mark.parametrize("named", ["no_such_module", "no/such/file.py"])
def test_what_cannot_be_imported_is_said(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(extensions.VARIABLE, named)
    with pytest.raises(InputError, match=f"HYDRANET_NETWORKS names {named}, which cannot be"):
        registry.list_models()


def test_a_module_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise ValueError('not today')")
    monkeypatch.setenv(extensions.VARIABLE, str(broken))
    with pytest.raises(InputError, match="ValueError: not today"):
        registry.list_models()


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [("resnet8", "There is a network named resnet8 already"), ("Sizes!", "small letters")],
)
def test_names_that_cannot_be_registered(name: str, sentence: str) -> None:
    own = registry.model_config("sizes")
    with pytest.raises(InputError, match=sentence):
        registry.register_network(name, own)
