"""Our engines beside what one would use instead, in one run: does routing pay on the clock?

`python benchmarks/engines.py [NAMES] [--batch B …] [--rounds N] [--without NAME …] [--out FILE]`
times, for Hydra-Res-d1 and -d2 unless others are named, our engines with k branches an image and
the alternatives of `benchmarks/alternatives.py`, in turns on one core, and prints how many times
the images/s of each alternative our fastest engine has, round by round: median, least and most.
Every one takes bytes and gives logits. Branches that fire are drawn evenly. `--out` keeps all
figures as JSON. Nothing else should run on the machine meanwhile; `torch compiled` takes minutes to
compile the first time. Needs `benchmarks/requirements.txt`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from alternatives import ALTERNATIVES
from rich.console import Console
from rich.table import Table

from hydranet.bench.measure import measure_all
from hydranet.bench.opening import engines_here, open_variant
from hydranet.bench.ratios import Ratio, fastest, images_per_ms, ratio_of, report_json
from hydranet.bench.runs import Report
from hydranet.bench.subjects import subject
from hydranet.checkpoints import CHECKPOINTS, Checkpoint
from hydranet.engines import Engine

LINE = "instead"


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["hydra_res_d1", "hydra_res_d2"])
    parser.add_argument("--batch", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without", action="append", default=[], choices=ALTERNATIVES)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    others = [name for name in ALTERNATIVES if name not in given.without]
    ours = engines_here()
    with TemporaryDirectory() as folder:
        report = measure_all(
            [subject(name, root=CHECKPOINTS, folder=Path(folder)) for name in given.names],
            engines=[*ours, *others],
            batches=given.batch or (1, 16, 64, 256),
            ks=(4,),
            rounds=given.rounds,
            opener=_open,
        )
    compared = _compare(report, ours, others)
    if given.out:
        kept = report_json(report, compared)
        kept["versions"] |= _more_versions()
        given.out.write_text(json.dumps(kept, indent=1) + "\n")
    _print(report, compared)


def _open(checkpoint: Checkpoint, name: str) -> Engine:
    return (
        ALTERNATIVES[name](checkpoint) if name in ALTERNATIVES else open_variant(checkpoint, name)
    )


def _compare(report: Report, ours: list[str], others: list[str]) -> list[Ratio]:
    found = []
    for run in report.runs:
        if run.engine in others:
            best = fastest(report, run.model, run.batch, run.k, among=ours)
            assert best is not None, "one of ours runs everything"
            found.append(ratio_of(LINE, best, run, images_per_ms, at_least=1.0))
    return found


def _more_versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"openvino": version("openvino")}


def _print(report: Report, compared: list[Ratio]) -> None:
    about: dict[str, Any] = {"machine": report.hardware, "rounds": report.rounds}
    table = Table(title=f"How many times as fast as each: {about}; {report.versions}")
    for column in ("network", "batch", "engines", "ratio", "least to most"):
        table.add_column(column)
    for ratio in compared:
        value = ratio.value
        spread = f"{value.least:.2f} to {value.most:.2f}"
        table.add_row(ratio.of, str(ratio.batch), ratio.engine, f"{value.median:.2f}", spread)
    Console().print(table)


if __name__ == "__main__":
    main()
