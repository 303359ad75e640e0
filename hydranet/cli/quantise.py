"""`hydranet quantise`: a checkpoint made ready for the engine int8, and what that costs it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from hydranet.cli.shared import (
    DataOption,
    DownloadOption,
    JsonOption,
    RootOption,
    SkipOption,
    checkpoints_root,
    print_json,
    progress_bar,
)
from hydranet.errors import InputError


class Gate(StrEnum):
    """What stem and gate compute with."""

    FLOAT = "float"
    INT8 = "int8"


def quantise_command(
    checkpoint: Annotated[str, typer.Argument(help="Name of a checkpoint, or its folder.")],
    data: DataOption,
    images: Annotated[int, typer.Option(min=1, help="Training images to calibrate on.")] = 1024,
    gate: Annotated[
        Gate,
        typer.Option(
            help="float keeps stem and gate in single precision, so that no route changes; int8 "
            "is faster, and changes some."
        ),
    ] = Gate.FLOAT,
    json: JsonOption = False,
    checkpoints: RootOption = None,
    download: DownloadOption = None,
    skip_unreadable: SkipOption = False,
) -> None:
    """Calibrate a network for int8 and measure the fall of its top-1 on the test images.

    Calibration and measurement go into the checkpoint, unless it loses more than 0.5 points.
    """
    from hydranet.checkpoints import add_int8, find_checkpoint
    from hydranet.data import load_images
    from hydranet.engines import engine_for
    from hydranet.quantising import quantise

    found = find_checkpoint(checkpoint, checkpoints_root(checkpoints))
    engine_for(found, "int8")  # what it does not know is said before long reading
    card = found.card
    train, test = (
        load_images(
            data,
            split,
            image_size=card.architecture.image_size,
            download=download,
            skip_unreadable=skip_unreadable,
        )
        for split in ("train", "test")
    )
    if test.sha256 != card.data.test_sha256:
        raise InputError(
            f"The fall goes on the card, so it needs the images that {checkpoint} was tested on, "
            f"but {test.name} holds {len(test):,} others (its SHA-256 is not the card's)."
        )
    with progress_bar() as bar:
        task = bar.add_task("Quantising", total=1.0)
        done = quantise(
            found, train, test, images=images, float_gate=gate is Gate.FLOAT,
            on_progress=lambda part: bar.update(task, completed=part),
        )  # fmt: skip
    done.note.check_offered(found.name)
    add_int8(found, done.note, done.content)
    if json:
        print_json(
            {
                "checkpoint": checkpoint,
                "images": done.note.images,
                "top1": done.note.top1,
                "top1_float": done.float_top1,
                "top1_fall": done.note.top1_fall,
                "agreement": done.note.agreement,
                "routes_changed": done.note.routes_changed,
                "method": done.method,
                "errors": done.errors,
            }
        )
        return
    print(f"{checkpoint}: {done.note.words(routed=card.costs.num_branches > 0)}")
    print(f"  calibrated by {done.method}; run it with --engine int8")
