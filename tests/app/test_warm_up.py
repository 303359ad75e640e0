"""The first visitor waits for no module of the page, and the warm-up loads no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "app" / "page_scripts" / "inspect.py"
PROGRAM = f"""
import logging, sys
logging.disable()
from streamlit.testing.v1 import AppTest
from app.server.warm_up import warm_up
warm_up()
before = set(sys.modules)
page = AppTest.from_file({str(PAGE)!r}, default_timeout=60).run()
assert not page.exception and page.get("markdown")
print(*(n for n in set(sys.modules) - before if n.split(".")[0] in ("app", "hydranet", "torch")))
"""


def test_the_first_visitor_waits_for_no_module() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
