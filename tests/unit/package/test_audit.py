"""`make audit` says that packages are clean only where somebody was asked about every one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "audit.py"
CLEAN = {"name": "one", "version": "1.0", "vulns": []}
WEAK = {"name": "two", "version": "2.0", "vulns": [{"id": "CVE-2020-1"}]}
UNKNOWN = {"name": "three", "skip_reason": "not found"}

Answers = dict[str, list[dict[str, Any]] | None]


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ({"pypi": [CLEAN]}, 0, "1 packages looked up by PyPI's JSON API: 0 with known weaknesses."),
        ({"pypi": [CLEAN, WEAK]}, 1, "two 2.0: CVE-2020-1"),
        ({"pypi": [CLEAN, UNKNOWN], "osv": [CLEAN]}, 0, "looked up by OSV: 0"),
        ({"pypi": None, "osv": [WEAK]}, 1, "looked up by OSV: 1"),
        ({"pypi": [CLEAN, UNKNOWN], "osv": None}, 2, "were not looked up: PyPI's JSON API (no "
         "answer for 1 of 2 packages, three first) and OSV (Failed to resolve it). So nothing"),
    ],
)  # fmt: skip
def test_what_is_said(tmp_path: Path, answers: Answers, code: int, said: str) -> None:
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    pip_audit = tmp_path / "pip-audit"
    pip_audit.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        "answers = json.loads(pathlib.Path(__file__).with_name('answers.json').read_text())\n"
        "found = answers[sys.argv[sys.argv.index('--vulnerability-service') + 1]]\n"
        "if found is None:\n"
        "    sys.exit('ConnectionError: (Caused by Name(\"Connection: Failed to resolve it\"))')\n"
        "print(json.dumps({'dependencies': found}))\n"
    )
    pip_audit.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(TOOL), str(pip_audit)], capture_output=True, text=True
    )
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done
    assert "Traceback" not in done.stderr
