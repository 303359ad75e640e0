"""Files are whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hydranet.errors import InputError
from hydranet.files import ABANDONED_S, PART, sync_folder, write_whole


def test_written_and_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    for content in (b"first", b"", b"second"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert [p.name for p in path.parent.iterdir()] == ["file"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(InputError, match=r"file could not be written \(No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(InputError, match="could not be written"):
        write_whole(tmp_path / "file" / "inside", b"x")


def test_what_a_killed_writer_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    old, new, folder = (tmp_path / f"{PART}{name}" for name in ("old", "new", "folder"))
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    folder.mkdir()
    (folder / "file").write_bytes(b"half")
    long_ago = time.time() - 2 * ABANDONED_S
    for path in (old, folder / "file", folder):
        os.utime(path, (long_ago, long_ago))
    write_whole(tmp_path / "file", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == [new.name, "file"]


def test_what_is_written_for_long_is_not_taken_for_abandoned(tmp_path: Path) -> None:
    inside = tmp_path / f"{PART}long" / "whole"
    inside.mkdir(parents=True)
    long_ago = time.time() - 2 * ABANDONED_S
    for path in (inside, inside.parent):
        os.utime(path, (long_ago, long_ago))
    (inside / "now").write_bytes(b"half")
    os.utime(inside, (long_ago, long_ago))
    write_whole(tmp_path / "file", b"x")
    assert (inside / "now").exists()


def test_a_folder_that_cannot_be_flushed_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    sync_folder(tmp_path)


PROGRAM = """
import resource, signal, sys
from pathlib import Path
from hydranet.errors import InputError
from hydranet.files import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_whole(Path(sys.argv[1]), b"x" * 5000)
except InputError as error:
    print(error)
"""


def test_a_file_that_the_system_cuts_short_leaves_the_old_one(tmp_path: Path) -> None:
    """A real limit of the system, not a stand-in: the write itself comes back short."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, timeout=60
    )
    assert "could not be written (File too large)" in done.stdout, done.stderr
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
