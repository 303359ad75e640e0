"""The folder of visitors' networks goes with its process, and after a kill when the next starts."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.handed_over.own_files import remove_left_behind
from app.outside.serving import ROOT

pytest.importorskip("fcntl")

_PROGRAM = """
from app.handed_over.own_files import folder
(folder() / "network").mkdir()
print(folder(), flush=True)
input()
"""

Begin = Callable[[], tuple["subprocess.Popen[str]", Path]]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Start a process that has such a folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def start() -> tuple[subprocess.Popen[str], Path]:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert process.stdout is not None, "it is a pipe"
        return process, Path(process.stdout.readline().strip())

    return start


def end(process: subprocess.Popen[str], how: int | None = None) -> None:
    if how is not None:
        process.send_signal(how)
    process.communicate("\n" if how is None else None, timeout=60)


def test_it_goes_with_its_process(begin: Begin) -> None:
    process, folder = begin()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    end(process)
    assert not folder.exists()


def test_what_a_kill_leaves_is_removed_and_nothing_else(begin: Begin, tmp_path: Path) -> None:
    killed, left = begin()
    living, kept = begin()
    end(killed, signal.SIGKILL)
    no_lock, others = tmp_path / "hydranet-notes", tmp_path / "another"
    for folder in (no_lock, others):
        folder.mkdir()
    (tmp_path / "hydranet-link").symlink_to(kept)
    assert left.is_dir()
    remove_left_behind()
    assert not left.exists()
    assert all(folder.is_dir() for folder in (kept / "network", no_lock, others))
    end(living)
