"""Dataclasses from a stranger's JSON: nothing is converted on trust, and errors name the field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from hydranet.errors import InputError
from hydranet.structure import structure


@dataclass(frozen=True, kw_only=True)
class Inner:
    x: float


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str
    count: int
    flag: bool = False
    pair: tuple[int, ...] = ()
    rows: list[Inner] = field(default_factory=list)
    table: dict[str, float] = field(default_factory=dict)
    inner: Inner | None = None


GOOD: dict[str, Any] = {"name": "a", "count": 2}


def test_everything_it_knows() -> None:
    data = {
        **GOOD, "flag": True, "pair": [1, 2], "rows": [{"x": 1}], "table": {"t": 2},
        "inner": {"x": 0.5},
    }  # fmt: skip
    found = structure(Outer, data, "It")
    assert found == Outer(
        name="a", count=2, flag=True, pair=(1, 2), rows=[Inner(x=1.0)], table={"t": 2.0},
        inner=Inner(x=0.5),
    )  # fmt: skip
    assert isinstance(found.rows[0].x, float)


def test_defaults_may_be_missing() -> None:
    assert structure(Outer, GOOD, "It") == Outer(name="a", count=2)
    assert structure(Outer, {**GOOD, "inner": None}, "It").inner is None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([], r"It must be an object, not \[\]"),
        ({"name": "a"}, "It needs a field count"),
        ({**GOOD, "size": 1}, "It has no field 'size'; its fields are name, count"),
        ({**GOOD, 7: 1}, "no field '7'"),
        ({**GOOD, "name": 3}, r"It\.name must be text, not 3"),
        ({**GOOD, "count": 2.0}, r"It\.count must be a whole number, not 2\.0"),
        ({**GOOD, "count": True}, "whole number, not True"),
        ({**GOOD, "count": None}, "whole number, not None"),
        ({**GOOD, "flag": 1}, "true or false, not 1"),
        ({**GOOD, "pair": "12"}, r"It\.pair must be a list"),
        ({**GOOD, "pair": [1, "2"]}, r"It\.pair\[1\] must be a whole number"),
        ({**GOOD, "rows": [{"x": 1}, {}]}, r"It\.rows\[1\] needs a field x"),
        ({**GOOD, "inner": {"x": "1"}}, r"It\.inner\.x must be a finite number, not '1'"),
        ({**GOOD, "inner": {"x": float("inf")}}, "finite number, not inf"),
        ({**GOOD, "inner": {"x": True}}, "finite number, not True"),
        ({**GOOD, "inner": {"x": 10**400}}, "finite number, not 1000"),
        ({**GOOD, "table": [1]}, r"It\.table must be an object"),
        ({**GOOD, "table": {"t": "u"}}, r"It\.table\.t must be a finite number"),
    ],
)
def test_what_does_not_fit_is_named(data: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        structure(Outer, data, "It")


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(InputError) as caught:
        structure(Outer, {**GOOD, "count": "x" * 10_000}, "It")
    assert len(str(caught.value)) < 120
