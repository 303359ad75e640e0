"""A disk that is full: a sentence, and what stood there is untouched. On a real small file system,
where this process may mount one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hydranet.checkpoints import list_checkpoints, load
from hydranet.cli import main
from hydranet.errors import InputError
from hydranet.training.state import load_state, save_state


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(path)]
    if (
        not sys.platform.startswith("linux")
        or subprocess.run(mount, capture_output=True).returncode
    ):
        pytest.skip("this process may not mount a file system")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def fill(disk: Path) -> None:
    with suppress(OSError), open(disk / "filler", "wb", buffering=0) as file:
        while file.write(b"x" * 4096) == 4096:
            pass


def digest(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "filler"
    }


def test_a_checkpoint(disk: Path, make_checkpoint: Callable[..., Path]) -> None:
    make_checkpoint("tiny", disk)
    before = digest(disk)
    fill(disk)
    with pytest.raises(InputError, match=r"could not be written \(No space left on device\)"):
        make_checkpoint("tiny", disk)
    assert digest(disk) == before
    (good, damaged) = list_checkpoints(disk)
    assert ([one.name for one in good], damaged) == (["tiny"], [])
    load("tiny", disk)


def test_the_state_of_a_run(disk: Path) -> None:
    path = disk / "run" / "state.safetensors"
    model = torch.nn.Linear(8, 8)
    optimizer = torch.optim.SGD(model.parameters())
    save_state(path, model=model, optimizer=optimizer, history=[], identity={"recipe": "a"})
    before = digest(disk)
    fill(disk)
    large = torch.nn.Linear(200, 200)
    with pytest.raises(InputError, match="No space left on device"):
        save_state(path, model=large, optimizer=optimizer, history=[], identity={"recipe": "a"})
    assert digest(disk) == before
    assert load_state(path, model=model, optimizer=optimizer, identity={"recipe": "a"}) == []


def test_routes(
    disk: Path, tmp_path: Path, make_checkpoint: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    make_checkpoint("tiny", tmp_path / "checkpoints")
    (tmp_path / "images").mkdir()
    for seed in range(6):
        pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{seed}.png")
    arguments = [
        "hydranet", "route", str(tmp_path / "images"), "--checkpoint", "tiny", "--checkpoints",
        str(tmp_path / "checkpoints"), "--out", str(disk / "out"), "--part", "2", "--threads", "1",
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", arguments)

    def run() -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    assert run()[0] == 0
    whole = digest(disk)
    (disk / "out" / "routes-00002.parquet").unlink()
    fill(disk)
    code, said = run()
    assert code == 2
    assert "No space left on device" in said
    assert "Traceback" not in said
    assert set(digest(disk)) == set(whole) - {"out/routes-00002.parquet"}
    (disk / "filler").unlink()
    assert run()[0] == 0
    assert digest(disk) == whole, "it goes on once there is room"
