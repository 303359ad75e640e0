"""nginx in front of replicas of the dashboard, as `deploy/nginx.conf` has it: for tests and
benchmarks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.outside.serving import ROOT, Served, free_port, wait_until_served

CONFIG = ROOT / "deploy" / "nginx.conf"
PORTS = (8080, 8501, 8502)
"""In the file: its own, and those of the two replicas."""


def find_nginx() -> str | None:
    """The path of an installed nginx, or None. It may lie where only root's shell looks."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


@contextmanager
def proxied(
    nginx: str, replicas: tuple[int, int], folder: Path, *, patience_s: float = 60
) -> Iterator[Served]:
    """Put nginx in front of two replicas that listen on these ports; end it afterwards.

    `folder`: an empty one for what nginx writes. What it warns of goes to `folder / "log"`.

    Raises:
        RuntimeError: it ended while starting, or did not answer within `patience_s` seconds.
    """
    port = free_port()
    given = dict(zip(PORTS, (port, *replicas), strict=True))
    text = re.sub(r"(?<=:)\d{4}\b", lambda found: str(given[int(found[0])]), CONFIG.read_text())
    (folder / "nginx.conf").write_text(text)
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_served(address, process, patience_s)
        yield Served(address, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)
