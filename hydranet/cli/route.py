"""`hydranet route`: the routes of many images as Parquet."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hydranet.cli.route_on_ray import RAY, route_on_ray
from hydranet.cli.route_to_log import route_to_log, show_log
from hydranet.cli.shared import (
    DeviceOption,
    JsonOption,
    RootOption,
    ThreadsOption,
    checkpoints_root,
    pick_device,
    print_json,
    progress_bar,
    say_what_int8_costs,
)
from hydranet.errors import InputError

if TYPE_CHECKING:
    from hydranet.bulk.parts import Summary
    from hydranet.bulk.remote import Place

_IMAGES_A_HELPER = 1000
"""For fewer, another process is not worth its start."""


def route_command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Images, folders with images in them, ZIP archives, or Parquet files with a "
            "column of encoded images named img or image; with --engine ray also by addresses "
            "such as s3://bucket/folder."
        ),
    ],
    checkpoint: Annotated[str, typer.Option(help="Name of a checkpoint, or its folder.")],
    out: Annotated[
        str | None, typer.Option(help="Folder for the parts; the same one goes on.")
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(
            help="Instead of parts: a folder for a route log of labelled images, which the page "
            "Specialise opens. Labels are the names of their folders, or stand in the table."
        ),
    ] = None,
    k: Annotated[
        int | None, typer.Option(help="How many branches fire; the network's own.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Drop branches the gate is less confident of, 0 to 1; the network's own."
        ),
    ] = None,
    part: Annotated[
        int | None, typer.Option(min=1, help="Images a part; 4,096 unless given.")
    ] = None,
    json: JsonOption = False,
    checkpoints: RootOption = None,
    engine: Annotated[
        str,
        typer.Option(
            help="auto, reference, eager, onnx, int8 or cuda; auto is the fastest that runs here "
            "in single precision. Or ray: workers of a Ray cluster, each on one thread of the "
            "CPU's fastest."
        ),
    ] = "auto",
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    address: Annotated[
        str | None,
        typer.Option(
            envvar="RAY_ADDRESS",
            help="With --engine ray: host:port of a cluster's head, or auto for one that was "
            "started on this machine; unless given, one is started for this run.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="With --engine ray: how many; one for each CPU unless given."),
    ] = None,
) -> None:
    """Answer, route and cost of every image, as Parquet parts in a folder, or as a route log.

    A run that was stopped goes on when started again. An image that cannot be read has its reason
    in the table and does not stop the others.
    """
    from hydranet.bulk import sources
    from hydranet.bulk.arrow import leave_pandas_out
    from hydranet.bulk.helpers import routers
    from hydranet.bulk.parts import PART, route_to_parts
    from hydranet.bulk.remote import place
    from hydranet.bulk.rows import Settings
    from hydranet.checkpoints import find_checkpoint, load_model

    if (out is None) == (log is None):
        raise InputError(
            "Give --out for parts or --log for a route log: one of them, and not both."
        )
    if log is not None and (k is not None or threshold):
        raise InputError("--k and --threshold do not go with --log: a route log has every k.")
    if log is not None and engine not in ("auto", RAY):
        raise InputError(
            "--engine does not go with --log: every branch runs there, as the reference runs it."
        )
    if log is not None and part is not None:
        raise InputError("--part does not go with --log: a route log is one file.")
    if log is None and device != "auto":
        raise InputError("--device goes with --log; with --out it is --engine that says where.")
    if engine == RAY and (log is not None or threads is not None):
        raise InputError(
            "--log and --threads do not go with --engine ray: it writes parts, by --workers of one "
            "thread each."
        )
    if engine != RAY and workers is not None:
        raise InputError("--workers goes with --engine ray; without it, give --threads.")
    found = find_checkpoint(checkpoint, checkpoints_root(checkpoints))
    settings = Settings(k=k, threshold=threshold)
    if engine == RAY:
        target = place(out or "")
        summary = route_on_ray(
            found, [place(given) for given in inputs], target, settings,
            part_images=part or PART, address=address, workers=workers,
        )  # fmt: skip
        _report(summary, checkpoint, target, json=json)
        return
    leave_pandas_out()
    target = _path(out or str(log))
    paths = [_path(given) for given in inputs]
    sources.check_inputs(paths)
    total = sources.count(paths, without=target)
    if not total:
        raise InputError(
            "There must be at least one image in what is given, but there is none: no picture, and "
            "no archive or table with one in it."
        )
    if log is not None:
        where = pick_device(device, threads)
        written = route_to_log(load_model(found).to(where), paths, log, total)
        if json:
            print_json({"checkpoint": checkpoint, **written})
        else:
            show_log(written)
        return
    others = min((threads or os.cpu_count() or 1) - 1, total // _IMAGES_A_HELPER)
    with (
        routers(found, engine, settings, count=others) as (router, lent),
        progress_bar("{task.completed:,} of {task.total:,} images") as bar,
    ):
        say_what_int8_costs(router.engine)
        task = bar.add_task("Routing", total=total)
        summary = route_to_parts(
            router,
            sources.iterate(paths, without=target),
            target,
            part_images=part or PART,
            helpers=lent,
            on_progress=lambda done: bar.update(task, completed=done),
        )
    _report(summary, checkpoint, target, json=json)


def _path(given: str) -> Path:
    """A path on this machine; InputError for an address."""
    from hydranet.bulk.remote import is_address

    if is_address(given):
        raise InputError(
            f"{given} is an address, which only --engine ray reads and writes. Give that engine, "
            "or a path."
        )
    return Path(given)


def _report(summary: Summary, checkpoint: str, out: Place, *, json: bool) -> None:
    """Say what was done, and what was rejected; InputError where that was all."""
    for file, reason in summary.reasons:
        print(f"{file}: {reason}", file=sys.stderr)
    if more := summary.rejected - len(summary.reasons):
        print(f"{more:,} more are rejected; the column reason says why.", file=sys.stderr)
    routed = max(summary.routed, 1)
    said: dict[str, Any] = {
        "checkpoint": checkpoint,
        "out": str(out),
        "parts": summary.parts,
        "images": summary.images,
        "rejected": summary.rejected,
        "mean_branches": summary.branches / routed,
        "mean_macs": summary.macs / routed,
        "images_now": summary.now,
        "images_per_second": summary.now / summary.seconds,
    }
    if json:
        print_json(said)
    else:
        _show(said)
    if not summary.routed:
        raise InputError("None of the images could be read.")


def _show(said: dict[str, Any]) -> None:
    print(f"{said['out']}: {said['images']:,} images in {said['parts']:,} parts", end="")
    print(f", {said['rejected']:,} of them rejected." if said["rejected"] else ".")
    branches = f"{said['mean_branches']:.2f} branches and " if said["mean_branches"] else ""
    print(f"  {branches}{said['mean_macs'] / 1e6:.2f} M MACs an image on average")
    if said["images_now"]:
        print(f"  {said['images_now']:,} routed now, {said['images_per_second']:,.0f} images/s")
    else:
        print("  all were routed before")
