"""Remove from an environment what serving never loads, and say how large it is then.

    python tools/slim.py .venv-serve --most 500

Wheels bring their tests, headers, extensions for notebooks, and clients for storage in clouds. On a
platform that counts megabytes these are a quarter of what is installed. Nothing is removed that
`import` of a package needs: what is left is what the tests of the serving profile run on. Exit code
1 if the environment is larger than `--most` megabytes (of 1,000,000 bytes) all the same.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

UNUSED = (
    "**/tests",
    "numpy/**/*.a",
    "onnx/backend/test",
    "pip",
    "pip-*.dist-info",
    "plotly/labextension",
    "pyarrow/include",
    "pyarrow/includes",
    "pyarrow/src",
    "pyarrow/*flight*",
    "pyarrow/*s3*",
    "pyarrow/*.px[di]",
    "pyarrow/*.pyx",
    "pyarrow/_azurefs*",
    "pyarrow/_gcsfs*",
    "pydeck/nbextension",
    "setuptools",
    "setuptools-*.dist-info",
    "_distutils_hack",
    "distutils-precedence.pth",
)
"""Under `site-packages`: tests, headers, notebooks, Arrow's clients for clouds and Flight, and what
installed the rest."""


def unused(packages: Path) -> Iterator[Path]:
    """What of `UNUSED` there is, and the byte code, which Python can write again."""
    for pattern in UNUSED:
        yield from packages.glob(pattern)
    yield from packages.rglob("__pycache__")


def size(folder: Path) -> int:
    """Bytes of all files in it; a link counts nothing."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())


def main() -> None:
    """Slim the environment that was named."""
    parser = argparse.ArgumentParser(description="Slim an environment for serving.")
    parser.add_argument("environment", type=Path)
    parser.add_argument("--most", type=float, default=500, help="megabytes")
    given = parser.parse_args()
    folders = list(given.environment.glob("lib/python*/site-packages"))
    if len(folders) != 1:
        sys.exit(f"{given.environment} must be a virtual environment with one site-packages.")
    before = size(given.environment)
    for path in unused(folders[0]):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    after = size(given.environment)
    print(f"{given.environment}: {before / 1e6:.0f} MB installed, {after / 1e6:.0f} MB slimmed")
    if after > 1e6 * given.most:
        sys.exit(f"That is more than {given.most:g} MB.")


if __name__ == "__main__":
    main()
