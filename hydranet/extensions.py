"""Networks of one's own, made known by modules that the owner of the machine names. Light.

The environment variable HYDRANET_NETWORKS names modules, or files that end in .py, with commas
between; a package that is installed may name one too, as an entry point of the group
`hydranet.networks`. Each is imported once, when a name or a family is looked up that it may hold,
and calls `register_network`. Nothing that a visitor hands over is ever run.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import sys
import threading
from pathlib import Path

from hydranet.errors import InputError, one_line

VARIABLE = "HYDRANET_NETWORKS"
GROUP = "hydranet.networks"

_lock = threading.RLock()
_loaded: set[str] = set()
"""What was imported: of the variable as it is written, of entry points the whole value."""


def load_extensions() -> None:
    """Import what is named and was not imported yet.

    Raises:
        InputError: one of them cannot be imported.
    """
    named = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    with _lock:
        for name in named:
            _load(name, f"The environment variable {VARIABLE} names {name}")
        if GROUP not in _loaded:
            _loaded.add(GROUP)
            for point in importlib.metadata.entry_points(group=GROUP):
                _load(point.value, f"The entry point {point.name} of {GROUP} names {point.value}")


def _load(name: str, who: str) -> None:
    if name in _loaded:
        return
    _loaded.add(name)  # before it runs: it looks up names itself
    try:
        if name.endswith(".py"):
            _load_file(Path(name))
        else:
            importlib.import_module(name)
    except Exception as error:  # whatever the module of another does
        _loaded.discard(name)
        raise InputError(
            f"{who}, which cannot be imported: {one_line(f'{type(error).__name__}: {error}')}. "
            "Mend it, or take the name out."
        ) from error


def _load_file(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
