"""Start the dashboard as a process of its own: for tests, screenshots and benchmarks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""For a headless Chromium that looks at the dashboard and at nothing else."""


class Served(NamedTuple):
    """A dashboard that answers at `address`; `pid` is its process."""

    address: str
    pid: int


def find_chromium() -> str | None:
    """The path of an installed Chromium, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    *,
    patience_s: float = 60,
    port: int | None = None,
    python: Path = Path(sys.executable),
    app: Path = ROOT / "app",
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Iterator[Served]:
    """Serve the dashboard on a port of this machine, a free one unless given; end it afterwards.

    `python`: of another environment; `app`: another file or folder for Streamlit to run with our
    settings; `environment`: what is added to this process's; `log`: a file for what the server
    writes, which is dropped otherwise.

    Raises:
        RuntimeError: it ended while starting, or did not answer within `patience_s` seconds.
    """
    port = port or free_port()
    command = [str(python), "-m", "streamlit", "run", str(app), "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1"]
    with open(log or os.devnull, "wb") as lines:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=lines,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_served(address, process, patience_s)
        yield Served(address, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_until_served(address: str, process: subprocess.Popen[bytes], patience_s: float) -> None:
    """Until the health check answers "ok": any other path answers 200 before the app does.

    Raises:
        RuntimeError: `process`, which should answer, ended, or did not within `patience_s` seconds.
    """
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The dashboard ended with code {process.returncode} on starting.")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"The dashboard did not answer within {patience_s:g} s.")
