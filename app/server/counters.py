"""Counters for Prometheus: predictions, waits, refusals, memory. Nothing of what visitors bring.

Without the package prometheus-client nothing is counted, and everything else works.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hydranet.errors import InputError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_WAITS_S = (0.005, 0.05, 0.2, 1, 5, 20, 60)


class _Counters:
    """What this process did since it started."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

        self.registry: CollectorRegistry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, time on the processor, open files
        self.predictions = Counter(
            "hydranet_predictions", "Images answered by a network", registry=self.registry
        )
        self.waits = Histogram(
            "hydranet_wait_seconds",
            "Time in line for a core, by the kind of work",
            ["work"],
            buckets=_WAITS_S,
            registry=self.registry,
        )
        self.refusals = Counter(
            "hydranet_refusals", "What was refused with a sentence", ["what"],
            registry=self.registry,
        )  # fmt: skip
        for work in ("short", "long"):
            self.waits.labels(work)
        for what in ("file", "work"):
            self.refusals.labels(what)


@cache
def _counters() -> _Counters | None:
    return _Counters() if find_spec("prometheus_client") else None


def predicted(images: int = 1) -> None:
    """So many images were answered."""
    if counters := _counters():
        counters.predictions.inc(images)


def waited(seconds: float, *, long: bool) -> None:
    """A computation got its core after so long in line."""
    if counters := _counters():
        counters.waits.labels("long" if long else "short").observe(seconds)


def refused(what: str) -> None:
    """A "file" that a visitor brought, or "work" that the server no longer takes up."""
    if counters := _counters():
        counters.refusals.labels(what).inc()


def as_text() -> bytes:
    """All counters as Prometheus reads them, in the format of `CONTENT_TYPE`.

    Raises:
        InputError: prometheus-client is not installed.
    """
    counters = _counters()
    if counters is None:
        raise InputError(
            "Counters need the package prometheus-client. Install it with: "
            "pip install prometheus-client"
        )
    from prometheus_client import generate_latest

    return generate_latest(counters.registry)
