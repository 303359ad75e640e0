"""Draw the chart and write the tables of docs/scale.md: `python docs/draw_scale.py`.

It measures nothing: what it computes with stands in `docs/performance/*.json` and on the cards of
the checkpoints, and what is assumed stands here, by name. A test holds both to what this gives.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from draw_performance import Series, chart, figures
from svg import write
from written_tables import table, write_tables

from hydranet.costs import count_costs
from hydranet.registry import model_config

DOCS = Path(__file__).parent
CHECKPOINTS = DOCS.parent / "checkpoints"

IMAGES = 10**9
USERS = 10**4

# Assumed.
CORE_HOUR = 0.04
"""Dollars for an hour of a core, on demand."""
GPU_HOUR = 3.0
"""Dollars for an hour of a GPU."""
GPU_MACS_PER_S = 495e12
"""Of an H100 by its data sheet, bf16 without sparsity."""
GPU_USED = 0.02
"""What part of that training with separable convolutions reaches: they move much for few MACs."""
ACTION_EVERY_S = 10.0
"""A user who is at it does something so often."""
USED = 0.6
"""How busy a core may be on average, so that nobody waits long."""
IMAGENET_IMAGES, IMAGENET_EPOCHS = 1_281_167, 90


def routing() -> str:
    """10⁹ images through a network."""
    networks = [
        ("ResNet-56", "resnet56", None), ("Hydra-Res-d1", "hydra_res_d1", 4),
        ("Hydra-Res-d2", "hydra_res_d2", 4), ("Hydra-Res-d2, all branches", "hydra_res_d2", 20),
    ]  # fmt: skip
    rows = []
    for words, name, k in networks:
        network_ms = _network_ms(name, k)
        for kind, width in (("PNG", 32), ("JPEG", 500)):
            decoding = _decoding(kind, width)
            ms = network_ms + decoding["core_ms_per_image"]["median"]
            hours = IMAGES * ms / 3.6e6
            rows.append([
                words, f"{kind}, {width} pixels wide", f"{network_ms:.2f}",
                f"{decoding['core_ms_per_image']['median']:.2f}", f"{_two(hours)}",
                f"${_two(hours * CORE_HOUR)}", f"{_two(60 * hours / 1000)} min",
                f"{_two(IMAGES * decoding['bytes'] / 1e12)} TB",
            ])  # fmt: skip
    head = (
        "network", "files", "network, ms", "decoding, ms", "core-hours", "dollars",
        "on 1,000 cores", "to read",
    )  # fmt: skip
    return table(head, rows)


def _network_ms(name: str, k: int | None) -> float:
    """Measured: an image in a batch of 256 on one core."""
    (run,) = (
        run for run in figures("bench")["runs"]
        if (run["model"], run["k"], run["batch"], run["engine"]) == (name, k, 256, "onnx")
    )  # fmt: skip
    return float(run["ms_per_image"]["median"])


def _decoding(kind: str, width: int, side: int = 32) -> dict[str, Any]:
    (run,) = (
        run for run in figures("decoding")["runs"]
        if (run["format"], run["width"], run["side"]) == (kind, width, side)
    )  # fmt: skip
    return dict(run)


def users() -> str:
    """10⁴ users of the dashboard."""
    load, sessions = figures("load_cores"), figures("sessions")
    done = load["seconds"]["switches"]["n"] + 3 * load["seconds"]["attributions"]["n"]
    core_s = load["cpu_s_of_the_server"] / done
    a_core = USED * ACTION_EVERY_S / core_s
    cores = math.ceil(USERS / a_core)
    rows = [[
        f"core-seconds a run of a page, {_explained(load)} of them for explanations",
        "computed from measured", f"{core_s:.3f}",
    ], [
        f"users a core, each doing something every {ACTION_EVERY_S:g} s, the core {USED:.0%} busy",
        "computed, both assumed", f"{a_core:.0f}",
    ], [f"cores, so replicas, for {USERS:,} users", "computed", f"{cores}"]]  # fmt: skip
    replica_mb = float(load["memory_mb_at_the_end"])
    for kind, found in sessions["photos"].items():
        mb = found["mb_a_session"]["median"]
        whole = (USERS * mb + cores * replica_mb) / 1000
        rows.append([f"memory of a session with a photo of {kind}", "measured", f"{mb:.1f} MB"])
        rows.append([
            f"memory of all: {USERS:,} such sessions, {cores} replicas of {replica_mb:,.0f} MB",
            "computed", f"{whole:,.0f} GB",
        ])  # fmt: skip
    rows.append(["an hour of these cores", "computed", f"${cores * CORE_HOUR:.2f}"])
    return table(("", "kind", "figure"), rows)


def _explained(load: dict[str, Any]) -> str:
    seconds = load["seconds"]
    explained = 3 * seconds["attributions"]["n"]
    return f"{explained / (explained + seconds['switches']['n']):.0%}"


def training() -> str:
    """ImageNet."""
    rates = {}
    for path in sorted(CHECKPOINTS.glob("*/card.json")):
        card = json.loads(path.read_text())
        if "cores" not in card["provenance"]["hardware"]:
            continue  # trained on a GPU
        by_epoch = sorted(epoch["images_per_second"] for epoch in card["history"])
        rate = by_epoch[len(by_epoch) // 2]
        rates[card["name"]] = 3 * rate * card["costs"]["macs"]["routed"]
    best = max(rates, key=lambda name: rates[name])
    gpu = GPU_MACS_PER_S * GPU_USED
    decoding_ms = _decoding("JPEG", 500, 224)["core_ms_per_image"]["median"]
    rows = []
    for words, name in (
        ("Res-Sep-d2, static", "ressep_d2"), ("Hydra-Res-Sep-d2, routed", "hydra_ressep_d2")
    ):  # fmt: skip
        macs = count_costs(model_config(name)).routed_macs
        whole = 3.0 * macs * IMAGENET_IMAGES * IMAGENET_EPOCHS
        core_hours, gpu_hours = whole / rates[best] / 3600, whole / gpu / 3600
        rows.append([
            words, f"{macs / 1e6:,.0f} M", f"{whole:.1e}", _two(core_hours),
            f"${_two(core_hours * CORE_HOUR)}", f"{gpu_hours:.1f}",
            f"${_two(gpu_hours * GPU_HOUR)}", _two(gpu / (3 * macs)),
            _two(gpu / (3 * macs) * decoding_ms / 1000),
        ])  # fmt: skip
    head = (
        "network", "MACs an image (exact)", "MACs of training (computed)",
        f"core-hours at {rates[best] / 1e9:.0f} GMAC/s (measured, {best})", "dollars",
        f"GPU-hours at {gpu / 1e12:.0f} TMAC/s (assumed)", "dollars",
        "images/s that a GPU wants (computed)",
        "cores that decode for it (computed)",
    )  # fmt: skip
    return table(head, rows)


def gate() -> str:
    """Idle time over 64 devices."""
    rows = []
    for network in figures("gate_load")["networks"]:
        for order in ("mixed", "few classes"):
            for placed in ("evenly", "by load"):
                runs = [
                    run for run in network["runs"]
                    if (run["order"], run["placement"]) == (order, placed)
                ]  # fmt: skip
                rows.append([
                    network["network"], order, placed,
                    *(f"{run['idle_branches']['median']:.0%} ({run['idle_whole']['median']:.0%})"
                      for run in runs),
                ])  # fmt: skip
    batches = [run["batch"] for run in runs]
    head = ("network", "images of a step", "devices given", *(f"{b:,} images" for b in batches))
    return table(head, rows)


def capacity() -> str:
    """What a limit to each device's rows would do."""
    rows = []
    for network in figures("gate_load")["networks"]:
        for order in ("mixed", "few classes"):
            (run,) = (
                run for run in network["runs"]
                if (run["order"], run["placement"], run["batch"]) == (order, "by load", 4096)
            )  # fmt: skip
            rows.append([
                network["network"], order,
                *(f"{one['idle_branches']:.0%}, {one['dropped']:.1%}" for one in run["capacity"]),
            ])  # fmt: skip
    capacities = [f"at most {one['capacity']:g} × the mean" for one in run["capacity"]]
    return table(("network", "images of a step", *capacities), rows)


def _two(value: float) -> str:
    """Two digits that count."""
    digits = 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):,.{max(0, digits)}f}"


def gate_idle() -> str:
    """Idle time by the images of a step, devices given by load."""
    series = []
    for network in figures("gate_load")["networks"]:
        for order in ("mixed", "few classes"):
            points = [
                (float(run["batch"]), tuple(100 * run["idle_branches"][at] for at in _SPREAD))
                for run in network["runs"]
                if (run["order"], run["placement"]) == (order, "by load")
            ]
            series.append(Series(f"{network['network'][10:]}, {order}", points))
    title = "Idle time of 64 devices while branches run"
    return chart(title, "images in a step", "% idle", series)


_SPREAD = ("median", "min", "max")

PICTURES: dict[str, Callable[[], str]] = {"gate_idle": gate_idle}
TABLES: dict[str, Callable[[], str]] = {
    "routing": routing, "users": users, "training": training, "gate": gate, "capacity": capacity,
}  # fmt: skip


def main() -> None:
    """Draw and write all of it."""
    write(PICTURES)
    write_tables(TABLES)


if __name__ == "__main__":
    main()
