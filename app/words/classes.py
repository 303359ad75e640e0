"""Names of classes as they are read on pages; files keep them as they stand on the card. Pure."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=256)
def readable_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """With spaces for underscores; as they are where two would read alike."""
    read = tuple(name.replace("_", " ") for name in names)
    return read if len(set(read)) == len(names) else names
