"""Where visitors' networks lie: a folder that only this process's user may read, gone with it.

A process that is killed cannot remove its folder, so the next one that starts does. It knows it by
a lock that each process holds on its own for as long as it lives (where the system has such locks).
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from app.server.logs import log

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment] # asked for before each use

_PREFIX = "hydranet-"
_LOCK = "lock"


@cache
def folder() -> Path:
    """This process's own; made when it is first asked for."""
    made = Path(tempfile.mkdtemp(prefix=f"new-{_PREFIX}"))
    if fcntl:
        fcntl.flock(os.open(made / _LOCK, os.O_CREAT | os.O_RDWR, 0o600), fcntl.LOCK_EX)
    named = made.with_name(made.name.removeprefix("new-"))
    made.rename(named)  # only now can others take it for one that was left
    atexit.register(shutil.rmtree, named, ignore_errors=True)
    return named


def remove_left_behind() -> None:
    """Remove the folders of processes that do not live any more."""
    if not fcntl:
        return
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if left.lstat().st_uid != os.getuid() or left.is_symlink():
                continue
            lock = os.open(left / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:  # another's, or gone just now
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its process lives
            continue
        finally:
            os.close(lock)
        shutil.rmtree(left, ignore_errors=True)
        log.info("networks of a server that was killed are removed")
