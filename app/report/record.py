"""What is kept of one inspection: what was asked, what came out, where and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from app.certainty import Certainty, certainty
from app.inspection import Inspection
from hydranet.evaluation.route_log import RouteLog
from hydranet.machine import hardware, versions


@dataclass(frozen=True, kw_only=True)
class Record:
    """`address`: of the page, which shows the same again; `shows`: what it shows to whom, in a
    sentence; `created`: UTC, to the second; `certainty`: None for a visitor's network that came
    without its test images' routes."""

    inspection: Inspection
    address: str
    shows: str
    certainty: Certainty | None
    created: str
    hardware: str
    versions: dict[str, str]


def record(inspection: Inspection, address: str, shows: str, log: RouteLog | None) -> Record:
    """The inspection as it stands, with the time and the machine."""
    _, probability = inspection.found.top(1)[0]
    return Record(
        inspection=inspection,
        address=address,
        shows=shows,
        certainty=None if log is None else certainty(log, probability),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        hardware=hardware(),
        versions=versions(),
    )
