"""`Procfile` runs as it is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from served_dashboard import PATIENCE_S

from app.outside.serving import ROOT, free_port


def test_the_procfile_serves_and_ends(checkpoints: Path) -> None:
    port = free_port()
    here = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": f"{here}:{os.environ['PATH']}",
        "HYDRANET_CHECKPOINTS": str(checkpoints),
    }
    command = [sys.executable, "-m", "honcho", "start", "--port", str(port)]
    runner = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        assert json.loads(_health(port, runner))["status"] == "ok"
        runner.send_signal(signal.SIGTERM)
        runner.wait(timeout=PATIENCE_S)
    finally:
        runner.kill()
    assert not _listens(port)


def _health(port: int, runner: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and runner.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=60) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the Procfile serves nothing")


def _listens(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
    except OSError:
        return False
    return True
