"""What the times say, as ratios within one measurement: each is taken round by round. Light."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hydranet.bench.rounds import Spread
from hydranet.bench.runs import Report, Run
from hydranet.bench.subjects import Subject, nearest_static

INEXACT = ("int8",)
"""Engines whose answers are not those of the others."""

CLAIM = ("hydra_res_d2", "resnet56")
"""The paper's: of two networks that are equally often right, the first is faster."""

TAX_AT_LEAST, CLAIM_AT_LEAST, SAVED_AT_LEAST = 0.95, 2.0, 0.85


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """`line`: what is compared, one of the keys of `LINES`; `of` against `to`, on these `engine`s,
    which differ only where each network runs on its own fastest; `at_least`: what it should be."""

    line: str
    of: str
    to: str
    engine: str
    batch: int
    value: Spread
    at_least: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the median is what it should be; None where nothing is asked of it."""
        return None if self.at_least is None else self.value.median >= self.at_least

    def to_json(self) -> dict[str, Any]:
        """The keys that `--json` prints."""
        return {
            "line": self.line,
            "of": self.of,
            "to": self.to,
            "engine": self.engine,
            "batch": self.batch,
            "ratio": self.value.to_json(),
            "at_least": self.at_least,
            "holds": self.holds,
        }


LINES = {
    "tax": "GMAC/s, routed against the static network of nearest cost",
    "claim": "images/s against a static network that is as often right, each on its fastest engine",
    "saved": "speed-up of routed over all branches, as a part of the ratio of their MACs",
    "sgemm": "GMAC/s as a part of a large matrix product's on one core",
    "int8": "images/s on int8 against the fastest engine in single precision",
}


def ratios(report: Report, subjects: Sequence[Subject]) -> list[Ratio]:
    """All that can be compared in a measurement of these networks."""
    return [
        *_tax(report, subjects),
        *_claim(report, subjects),
        *_saved(report, subjects),
        *_sgemm(report),
        *_int8(report),
    ]


def report_json(report: Report, compared: Sequence[Ratio]) -> dict[str, Any]:
    """A measurement and what it says, as `hydranet bench --json` prints it."""
    return {
        "machine": report.hardware,
        "versions": report.versions,
        "threads": report.threads,
        "rounds": report.rounds,
        "measured": report.measured,
        "images": "noise; branches drawn evenly, always the same",
        "sgemm_gmacs_per_s": Spread.of(report.sgemm).median,
        "sgemm_rounds": list(report.sgemm),
        "runs": [run.to_json() for run in report.runs],
        "lines": LINES,
        "ratios": [ratio.to_json() for ratio in compared],
        "left_out": [vars(left) for left in report.left_out],
    }


def _tax(report: Report, subjects: Sequence[Subject]) -> Iterator[Ratio]:
    for subject in subjects:
        if not subject.card.costs.num_branches:
            continue
        static = nearest_static(subject.card.architecture)
        for routed in _runs(report, subject.name, subject.card.costs.k):
            other = report.find(routed.engine, static or "", routed.batch, None)
            if other is not None:
                yield ratio_of("tax", routed, other, lambda run: run.rates, TAX_AT_LEAST)


def _claim(report: Report, subjects: Sequence[Subject]) -> Iterator[Ratio]:
    ours = {one.name: one.card.costs.k for one in subjects}.get(CLAIM[0])
    if ours is None:
        return
    for batch in sorted({run.batch for run in report.runs}):
        of, to = fastest(report, CLAIM[0], batch, ours), fastest(report, CLAIM[1], batch, None)
        if of is not None and to is not None:
            yield ratio_of("claim", of, to, images_per_ms, CLAIM_AT_LEAST)


def _saved(report: Report, subjects: Sequence[Subject]) -> Iterator[Ratio]:
    for subject in subjects:
        costs = subject.card.costs
        if costs.num_branches <= costs.k:
            continue
        for routed in _runs(report, subject.name, costs.k):
            whole = report.find(routed.engine, subject.name, routed.batch, costs.num_branches)
            if whole is not None:
                yield ratio_of("saved", routed, whole, lambda run: run.rates, SAVED_AT_LEAST)


def _sgemm(report: Report) -> Iterator[Ratio]:
    for run in report.runs:
        values = [rate / best for rate, best in zip(run.rates, report.sgemm, strict=True)]
        yield Ratio(
            line="sgemm", of=_called(run), to="sgemm", engine=run.engine, batch=run.batch,
            value=Spread.of(values),
        )  # fmt: skip


def _int8(report: Report) -> Iterator[Ratio]:
    for run in report.runs:
        if run.engine != "int8":
            continue
        other = fastest(report, run.model, run.batch, run.k)
        if other is not None:
            yield ratio_of("int8", run, other, images_per_ms)


def _runs(report: Report, model: str, k: int | None) -> list[Run]:
    return [run for run in report.runs if (run.model, run.k) == (model, k)]


def fastest(
    report: Report, model: str, batch: int, k: int | None, *, among: Sequence[str] | None = None
) -> Run | None:
    """The fastest engine (of `among`, if given) whose answers are exact, by the median."""
    runs = [
        run for run in _runs(report, model, k) if run.batch == batch and run.engine not in INEXACT
    ]
    return min(runs, key=lambda run: run.ms_per_image.median, default=None)


def images_per_ms(run: Run) -> list[float]:
    """One figure a round."""
    return [run.batch / ms for ms in run.ms]


def _called(run: Run) -> str:
    return run.model if run.k is None else f"{run.model}, k = {run.k}"


def ratio_of(
    line: str, of: Run, to: Run, rate: Callable[[Run], list[float]], at_least: float | None = None
) -> Ratio:
    """What `rate` says of one run against what it says of the other, round by round."""
    values = [a / b for a, b in zip(rate(of), rate(to), strict=True)]
    engine = of.engine if of.engine == to.engine else f"{of.engine}, {to.engine}"
    return Ratio(
        line=line, of=_called(of), to=_called(to), engine=engine, batch=of.batch,
        value=Spread.of(values), at_least=at_least,
    )  # fmt: skip
