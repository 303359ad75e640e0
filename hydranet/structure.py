"""Frozen dataclasses from JSON, every field checked. Light.

What is read here may come from a stranger, so nothing is converted on trust: a field that is
missing, unknown or of another type ends in a sentence that names it, and text is one printable
line of at most 1,000 characters.
"""

from __future__ import annotations

import dataclasses
import math
import reprlib
import types
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from hydranet.errors import InputError

T = TypeVar("T")

_LONGEST = 1000
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 60


def structure(cls: type[T], data: object, what: str) -> T:
    """The dataclass `cls` made of the JSON object `data`; `what` names it in errors.

    Knows str, int, float, bool, None, `X | None`, `tuple[X, ...]`, `list[X]`, `dict[str, X]` and
    dataclasses of these. Fields with a default may be missing.

    Raises:
        InputError: something does not fit; the message says which field and what came.
    """
    if not isinstance(data, Mapping):
        raise InputError(f"{what} must be an object, not {shown(data)}.")
    hints = get_type_hints(cls)
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    if unknown := sorted(str(key) for key in data if key not in known):
        raise InputError(
            f"{what} has no field {shown(unknown[0])}; its fields are {', '.join(known)}."
        )
    values = {}
    for name, field in known.items():
        if name in data:
            values[name] = _value(hints[name], data[name], f"{what}.{name}")
        elif field.default is field.default_factory is dataclasses.MISSING:
            raise InputError(f"{what} needs a field {name}, but has none.")
    return cls(**values)


def _value(hint: Any, value: object, what: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        (inner,) = (arg for arg in args if arg is not type(None))
        return _value(inner, value, what)
    if origin in (list, tuple):
        if not isinstance(value, list | tuple):
            raise InputError(f"{what} must be a list, not {shown(value)}.")
        return origin(_value(args[0], item, f"{what}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise InputError(f"{what} must be an object, not {shown(value)}.")
        names = [_scalar(str, str(key), f"each name in {what}") for key in value]
        items = zip(names, value.values(), strict=True)
        return {name: _value(args[1], item, f"{what}.{name}") for name, item in items}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return structure(hint, value, what)
    return _scalar(hint, value, what)


def _scalar(hint: Any, value: object, what: str) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and is_number and _is_finite(value):  # type: ignore[arg-type]  # a number
        return float(value)  # type: ignore[arg-type]  # a number
    if hint is int and is_number and isinstance(value, int):
        return value
    if hint is bool and isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str):
        if value.isprintable() and len(value) <= _LONGEST:
            return value
        raise InputError(
            f"{what} must be one line of at most {_LONGEST:,} printable characters, not "
            f"{shown(value)}."
        )
    names = {float: "a finite number", int: "a whole number", str: "text", bool: "true or false"}
    if hint not in names:
        raise TypeError(f"{what} has a type that is not known here: {hint}")
    raise InputError(f"{what} must be {names[hint]}, not {shown(value)}.")


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond any float
        return False


def shown(value: object) -> str:
    """A stranger's value in a message: short, on one line, however long or deep it is."""
    text = _SHORT.repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The `object_pairs_hook` that lets no JSON object give a field twice: readers differ in which
    one counts.

    Raises:
        ValueError: one does.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the field {shown(twice)} is given twice")
    return found
