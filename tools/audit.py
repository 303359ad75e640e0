"""Look up known weaknesses of pinned packages: `python tools/audit.py PIP_AUDIT ARGUMENT …`.

pip-audit asks PyPI, or where that does not answer for every package, OSV. It passes over a package
that its service does not know; here that is no clean result. Exit code: 0 clean, 1 weaknesses were
found, 2 nobody could be asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

SERVICES = {"pypi": "PyPI's JSON API", "osv": "OSV"}
_TIMEOUT_S = 15


def main() -> None:
    """Ask, and say in a sentence what came of it."""
    pip_audit, *arguments = sys.argv[1:]
    unanswered = []
    for service, name in SERVICES.items():
        packages, why = ask(pip_audit, service, arguments)
        if packages is None:
            unanswered.append(f"{name} ({why})")
            continue
        weak = [one for one in packages if one["vulns"]]
        for one in weak:
            ids = ", ".join(found["id"] for found in one["vulns"])
            print(f"{one['name']} {one['version']}: {ids}")
        print(f"{len(packages)} packages looked up by {name}: {len(weak)} with known weaknesses.")
        sys.exit(bool(weak))
    print(
        f"Known weaknesses were not looked up: {' and '.join(unanswered)}. So nothing is known; "
        "run this where one of the two can be reached.",
        file=sys.stderr,
    )
    sys.exit(2)


def ask(
    pip_audit: str, service: str, arguments: list[str]
) -> tuple[list[dict[str, Any]] | None, str]:
    """What the service says of all packages; or None, and why it does not."""
    command = [pip_audit, "--vulnerability-service", service, "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", str(_TIMEOUT_S), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = next(iter(reversed(done.stderr.strip().splitlines())), "it ended without a word")
        return None, last.rpartition(": ")[2].removesuffix('"))')
    if unknown := [one["name"] for one in packages if "skip_reason" in one]:
        return None, f"no answer for {len(unknown)} of {len(packages)} packages, {unknown[0]} first"
    return packages, ""


if __name__ == "__main__":
    main()
