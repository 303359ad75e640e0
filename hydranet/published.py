"""Published accuracy and cost on CIFAR-100, from `published.csv`, checked on read. Light.

MACs follow the convention of `costs`; where a source prints MADDs, half of them stand here.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hydranet.errors import InputError

PROVENANCES = ("reported", "digitised", "read from figure")
"""How a published figure is known: printed in the source; taken from the coordinates of a plotted
curve; read from a figure by eye."""

_TABLE = Path(__file__).with_name("published.csv")
_COLUMNS = ("model", "family", "dynamic", "params_m", "macs_m", "top1", "provenance", "source")


@dataclass(frozen=True, kw_only=True)
class PublishedResult:
    """One published network: parameters and MACs (of one image) in millions, top-1 in percent.

    `params_m` is None where the source gives none. `provenance`: one of `PROVENANCES`.
    """

    model: str
    family: str
    dynamic: bool
    params_m: float | None
    macs_m: float
    top1: float
    provenance: str
    source: str

    def __post_init__(self) -> None:
        if not self.model or not self.family or not self.source:
            raise InputError("A published result needs a model, a family and a source.")
        if self.provenance not in PROVENANCES:
            raise InputError(
                f"{self.model}: provenance must be one of {', '.join(PROVENANCES)}, "
                f"not {self.provenance!r}."
            )
        if not _positive(self.macs_m) or not (self.params_m is None or _positive(self.params_m)):
            raise InputError(f"{self.model}: MACs and parameters must be positive numbers.")
        if not 0 <= self.top1 <= 100:
            raise InputError(f"{self.model}: top-1 must be 0 to 100 percent, not {self.top1}.")


@cache
def _packaged() -> tuple[PublishedResult, ...]:
    return tuple(read_published(_TABLE))


def published_results() -> list[PublishedResult]:
    """The published results that come with the package, in the order of the table."""
    return list(_packaged())


def read_published(path: Path) -> list[PublishedResult]:
    """The published results in the CSV file `path`.

    Raises:
        InputError: a column is missing or unknown, or a value does not fit; the line is named.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise InputError(f"{path.name} must have the columns {', '.join(_COLUMNS)}.")
        results = []
        for row in reader:
            try:
                results.append(_result(row))
            except InputError as error:
                raise InputError(f"{path.name}, line {reader.line_num}: {error}") from None
    return results


def _result(row: Mapping[str | None, str | None]) -> PublishedResult:
    if None in row or None in row.values():
        raise InputError(f"a row must have {len(_COLUMNS)} cells.")
    cells = {str(name): (value or "").strip() for name, value in row.items()}
    if cells["dynamic"] not in ("yes", "no"):
        raise InputError(f"dynamic must be yes or no, not {cells['dynamic']!r}.")
    return PublishedResult(
        model=cells["model"],
        family=cells["family"],
        dynamic=cells["dynamic"] == "yes",
        params_m=_number(cells, "params_m") if cells["params_m"] else None,
        macs_m=_number(cells, "macs_m"),
        top1=_number(cells, "top1"),
        provenance=cells["provenance"],
        source=cells["source"],
    )


def _number(cells: Mapping[str, str], name: str) -> float:
    try:
        return float(cells[name])
    except ValueError:
        raise InputError(f"{name} must be a number, not {cells[name]!r}.") from None


def _positive(value: float) -> bool:
    return math.isfinite(value) and value > 0
