"""A small sample of the kills at random moments that `make kills` does a hundred of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "benchmarks" / "faults.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_nothing_half_written_is_ever_read_and_every_command_goes_on() -> None:
    done = subprocess.run(
        [sys.executable, str(SOAK), "--kills", "8", "--seed", "7"],
        capture_output=True, text=True, timeout=900, cwd=SOAK.parents[1],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)["commands"]
    assert sum(one["kills"] for one in found.values()) == 8
    assert all(one["kills"] and one["ends"] and not one["wrong"] for one in found.values())
