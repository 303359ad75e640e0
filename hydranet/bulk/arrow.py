"""pyarrow without pandas, where a process has no use for that."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

import pyarrow as pa


def leave_pandas_out() -> None:
    """Let pyarrow do without pandas, which it imports, if it is there, for the first list that it
    is given: 0.1 to 0.3 s and 60 MB. It looks again where pandas is asked of it, as by `to_pandas`;
    where pandas is loaded nothing changes.
    """
    if "pandas" in sys.modules:
        return
    finder = _WithoutPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


class _WithoutPandas(MetaPathFinder):
    def find_spec(self, name: str, *_: object) -> None:
        """Refuse that one."""
        if name == "pandas":
            raise ModuleNotFoundError(name=name)
