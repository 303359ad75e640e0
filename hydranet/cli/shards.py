"""`hydranet shards`: a data set as tar files, to be streamed where it does not fit in memory."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hydranet.cli.shared import JsonOption, SkipOption, print_json, progress_bar


def shards_command(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            envvar="HYDRANET_DATA",
            help="Folder of the data set: Parquet, or a folder for each class.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="New folder that the shards are written to.")],
    megabytes: Annotated[int, typer.Option(min=1, help="About the size of a shard.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of class folders' images.")] = 0,
    json: JsonOption = False,
    skip_unreadable: SkipOption = False,
) -> None:
    """Write a folder of class folders or of Parquet files as WebDataset shards."""
    from hydranet.data.shards.writing import write_shards

    with progress_bar() as bar:
        task = bar.add_task(f"Writing {out}", total=None)
        written = write_shards(
            data,
            out,
            megabytes=megabytes,
            seed=seed,
            skip_unreadable=skip_unreadable,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json:
        print_json({"out": str(out), "splits": {k: asdict(v) for k, v in written.items()}})
        return
    for split, count in written.items():
        print(f"{out}: {split}, {count.images:,} images in {count.shards:,} shards.")
