"""Write the tables of GPUs of docs/performance.md: `python docs/draw_gpu.py`.

It measures nothing: `docs/performance/*.json` hold what was measured, and on what. A test holds the
tables to what this makes of them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from draw_performance import figures, spread
from written_tables import table, write_tables

GPU_BATCHES = (1, 64, 1024)
_HYDRA, _STATIC = "hydra_res_d2", "resnet56"
_FIRST = ",channels_first"
"""What maps that lie channel by channel are in the names of the measured variants."""


def gpu_engine() -> str:
    """Microseconds an image, by network, way and layout; the fastest of each network is bold."""
    runs = _gpu_runs()
    rows = []
    for words_, model, k in (
        ("Hydra-Res-d2, routed", _HYDRA, 4), ("Hydra-Res-d2, all branches", _HYDRA, 20),
        ("ResNet-56", _STATIC, None),
    ):  # fmt: skip
        ways = {engine for engine, of, of_k, _ in runs if (of, of_k) == (model, k)}
        macs = next(run["macs"] for (_, *of, _), run in runs.items() if of == [model, k])
        for index, engine in enumerate(sorted(ways, key=_way_and_layout)):
            way, layout = _way_and_layout(engine)
            name = "" if index else f"{words_}, {macs / 1e6:.1f} M MACs"
            row = [name, "" if model == _STATIC else way, layout]
            for batch in GPU_BATCHES:
                middle, least, most = _microseconds(runs[engine, model, k, batch])
                best = _fastest(runs, model, k, batch) == engine
                row.append(
                    f"{f'**{_three(middle)}**' if best else _three(middle)} "
                    f"({_three(least)}–{_three(most)})"
                )
            rows.append(row)
    head = ("network", "way", "maps", *(f"batch {batch:,}" for batch in GPU_BATCHES))
    return table(head, rows)


def gpu_ratios() -> str:
    """Routed against a static network that is as often right, and against all branches."""
    runs = _gpu_runs()
    rows = [
        _ratio_row(
            "Hydra-Res-d2 : ResNet-56, images/s, each on its fastest",
            [_ratio(runs, batch, (_STATIC, None)) for batch in GPU_BATCHES],
        ),
        _ratio_row(
            "routed : all branches, both in the way that is fastest for routed",
            [_ratio(runs, batch, (_HYDRA, 20), same_way=True) for batch in GPU_BATCHES],
        ),
        _ratio_row(
            "routed : all branches, each in its fastest way",
            [_ratio(runs, batch, (_HYDRA, 20)) for batch in GPU_BATCHES],
        ),
    ]  # fmt: skip
    head = ("", *(f"batch {batch:,}" for batch in GPU_BATCHES))
    return table(head, rows)


_GpuRuns = dict[tuple[str, str, int | None, int], dict[str, Any]]


def _gpu_runs() -> _GpuRuns:
    return {
        (run["engine"], run["model"], run["k"], run["batch"]): run
        for run in figures("gpu_engine")["runs"]
    }


def _way_and_layout(engine: str) -> tuple[str, str]:
    way = engine.removeprefix("cuda:")
    first = way.endswith(_FIRST)
    return way.removesuffix(_FIRST), "by channel" if first else "by pixel"


def _microseconds(run: dict[str, Any]) -> tuple[float, ...]:
    return tuple(1000 * ms for ms in spread(run["ms_per_image"]))


def _fastest(runs: _GpuRuns, model: str, k: int | None, batch: int) -> str:
    of = {key[0]: run for key, run in runs.items() if key[1:] == (model, k, batch)}
    return min(of, key=lambda engine: float(of[engine]["ms_per_image"]["median"]))


def _ratio(
    runs: _GpuRuns, batch: int, other: tuple[str, int | None], *, same_way: bool = False
) -> tuple[float, float, float]:
    """How many times as fast routed is, round by round; against its own branches as a part of the
    ratio of MACs."""
    engine = _fastest(runs, _HYDRA, 4, batch)
    routed = runs[engine, _HYDRA, 4, batch]
    against = runs[engine if same_way else _fastest(runs, *other, batch), *other, batch]
    whole = against["macs"] / routed["macs"] if other[0] == _HYDRA else 1.0
    rounds = zip(against["rounds_ms"], routed["rounds_ms"], strict=True)
    ratios = [slow / fast / whole for slow, fast in rounds]
    return statistics.median(ratios), min(ratios), max(ratios)


def _ratio_row(name: str, ratios: Sequence[tuple[float, float, float]]) -> list[str]:
    return [name, *(f"{middle:.2f} ({low:.2f}–{high:.2f})" for middle, low, high in ratios)]


def training_gpu() -> str:
    """Images/s, and what part of the GPU's rates they are."""
    measured = figures("training_gpu")
    best = measured["at_best"]
    rows = []
    for run in measured["runs"]:
        ours, plain = (run["images_per_second"][loop] for loop in ("hydranet", "plain"))
        speed = ours["median"] / 1e12
        bytes_ = run.get("bytes", {})
        moved = [speed * bytes_[passes] for passes in ("least", "apart") if bytes_]
        row = [_TITLES[run["network"]]]
        row += [f"{x['median']:,.0f} ({x['min']:,.0f}–{x['max']:,.0f})" for x in (ours, plain)]
        row.append(f"{ours['median'] / plain['median']:.1f}")
        row.append(f"{100 * speed * 3 * run['macs'] / best['bf16_tera_macs_a_second']:.1f} %")
        row += [f"{100 * rate / best['copied_tb_a_second']:.0f} %" for rate in moved] or ["", ""]
        rows.append(row)
    head = (
        "network", "`hydranet train`, images/s", "plain loop, images/s", "times",
        "of the matrix rate", "of the memory rate, 5 passes", "14 passes",
    )  # fmt: skip
    return table(head, rows)


_TITLES = {
    "hydra_res_d1": "Hydra-Res-d1", "hydra_res_d2": "Hydra-Res-d2", "resnet56": "ResNet-56",
}  # fmt: skip


def _three(value: float) -> str:
    """Three digits that count, and whole numbers from 100 on."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


TABLES: dict[str, Callable[[], str]] = {
    "gpu_engine": gpu_engine, "gpu_ratios": gpu_ratios, "training_gpu": training_gpu,
}  # fmt: skip


def main() -> None:
    """Write all of them."""
    write_tables(TABLES)


if __name__ == "__main__":
    main()
