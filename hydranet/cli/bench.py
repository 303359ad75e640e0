"""`hydranet bench`: engines side by side, on this machine, now."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from hydranet.cli.shared import (
    JsonOption,
    RootOption,
    checkpoints_root,
    print_json,
    progress_bar,
)

if TYPE_CHECKING:
    from hydranet.bench.ratios import Ratio
    from hydranet.bench.runs import Report

NETWORKS = ["hydra_res_d1", "hydra_res_d2", "hydra_res_d4", "resnet56"]
BATCHES = [1, 16, 64, 256]


def bench_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Checkpoints or registered networks; these have random weights. "
            f"{', '.join(NETWORKS)} unless given; the static network of nearest cost is added."
        ),
    ] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option(
            help="May come again; all that run here unless given. A colon and a way to run "
            "branches may follow eager and cuda: eager:gathered, cuda:all,channels_last."
        ),
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(help="May come again; 1, 16, 64, 256 unless given.")
    ] = None,
    k: Annotated[
        list[int] | None,
        typer.Option(help="May come again; a network's own and all branches unless given."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is timed.")] = 5,
    json: JsonOption = False,
    checkpoints: RootOption = None,
) -> None:
    """Time networks on engines, in turns on one core; compare each with what it should beat."""
    from hydranet.bench.measure import measure_all
    from hydranet.bench.opening import engines_here
    from hydranet.bench.ratios import ratios, report_json
    from hydranet.bench.subjects import nearest_static, subject

    root = checkpoints_root(checkpoints)
    with TemporaryDirectory(prefix="hydranet-bench-") as folder:
        subjects = {
            name: subject(name, root=root, folder=Path(folder)) for name in names or NETWORKS
        }
        for one in list(subjects.values()):
            static = nearest_static(one.card.architecture) if one.card.costs.num_branches else None
            if static and static not in subjects:
                subjects[static] = subject(static, root=root, folder=Path(folder))
        timed = list(subjects.values())
        with progress_bar() as bar:
            task = bar.add_task("Timing", total=1.0)
            report = measure_all(
                timed,
                engines=engine or engines_here(),
                batches=batch or BATCHES,
                ks=k or (),
                rounds=rounds,
                progress=lambda part: bar.update(task, completed=part),
            )
    compared = ratios(report, timed)
    if json:
        print_json(report_json(report, compared))
        return
    console = Console()
    console.print(_times(report))
    console.print(_comparisons(compared))
    for left in report.left_out:
        console.print(f"{left.model} on {left.engine} is left out: {left.reason}")


def _times(report: Report) -> Table:
    """A row for each engine, network and k; a column for each batch size."""
    from hydranet.bench.rounds import Spread

    batches = sorted({run.batch for run in report.runs})
    sgemm = Spread.of(report.sgemm)
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    table = Table(
        box=SIMPLE,
        pad_edge=False,
        title="Milliseconds an image (GMAC/s) at each batch size",
        caption=f"Medians of {report.rounds} rounds on one core of {report.hardware}; {versions}. "
        f"Noise, branches drawn evenly; * has random weights. A large matrix product: "
        f"{sgemm.median:.0f} GMAC/s ({sgemm.least:.0f} to {sgemm.most:.0f}).",
    )
    for column in ("network", "k", "engine"):
        table.add_column(column, no_wrap=True)
    for size in batches:
        table.add_column(str(size), justify="right", no_wrap=True)
    for model, k, engine in dict.fromkeys((run.model, run.k, run.engine) for run in report.runs):
        cells = []
        trained = True
        for size in batches:
            run = report.find(engine, model, size, k)
            assert run is not None, "every network is timed at every batch size"
            trained = run.trained
            cells.append(f"{run.ms_per_image.median:.3f} ({run.gmacs_per_s.median:.0f})")
        name = model if trained else f"{model}*"
        table.add_row(name, "" if k is None else str(k), engine, *cells)
    return table


def _comparisons(compared: list[Ratio]) -> Table:
    """A row for each comparison; a column for each batch size."""
    from hydranet.bench.ratios import LINES

    shown = [ratio for ratio in compared if ratio.line != "sgemm"]  # the caption above says it
    batches = sorted({ratio.batch for ratio in shown})
    table = Table(
        box=SIMPLE,
        pad_edge=False,
        title="Compared, round by round: median (least to most) at each batch size",
        caption="; ".join(f"{line}: {words}" for line, words in LINES.items())
        + ". ! is below what it should be.",
    )
    for column in ("line", "network and what it is compared with", "engine"):
        table.add_column(column, no_wrap=True)
    for size in batches:
        table.add_column(str(size), justify="right", no_wrap=True)
    rows: dict[tuple[str, str, str], dict[int, Ratio]] = {}
    for ratio in shown:
        line = ratio.line if ratio.at_least is None else f"{ratio.line} ≥ {ratio.at_least:.2f}"
        engine = "" if ratio.line == "claim" else ratio.engine  # its engines differ by batch
        rows.setdefault((line, f"{ratio.of} : {ratio.to}", engine), {})[ratio.batch] = ratio
    for key, found in rows.items():
        cells = [_cell(found[size]) if size in found else "" for size in batches]
        table.add_row(*key, *cells)
    return table


def _cell(ratio: Ratio) -> str:
    value = ratio.value
    mark = "!" if ratio.holds is False else ""
    return f"{mark}{value.median:.2f} ({value.least:.2f}–{value.most:.2f})"
