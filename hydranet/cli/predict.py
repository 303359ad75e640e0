"""`hydranet predict`: what a network makes of image files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hydranet.cli.shared import (
    EngineOption,
    JsonOption,
    RootOption,
    checkpoints_root,
    print_json,
    say_what_int8_costs,
)
from hydranet.errors import InputError
from hydranet.intake.images import read_image

if TYPE_CHECKING:
    from hydranet.engines import Engine

RUNS = 5
"""Timed for each image, after one that is not."""


def predict_command(
    images: Annotated[list[Path], typer.Argument(help="PNG, JPEG or WebP files.")],
    checkpoint: Annotated[str, typer.Option(help="Name of a checkpoint, or its folder.")],
    k: Annotated[int | None, typer.Option(help="How many branches fire.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Dynamic k: how much a branch must be wanted to run, 0 to 1."),
    ] = None,
    json: JsonOption = False,
    checkpoints: RootOption = None,
    engine: EngineOption = "auto",
) -> None:
    """Answer, fired branches, MACs and milliseconds for each image."""
    from hydranet.checkpoints import find_checkpoint
    from hydranet.engines import open_engine
    from hydranet.routing.arrays import check_choice

    found = find_checkpoint(checkpoint, checkpoints_root(checkpoints))
    check_choice(found.card, k, threshold)
    opened = open_engine(found, engine)
    say_what_int8_costs(opened)
    results = [_one(opened, path, k, threshold) for path in images]
    if json:
        print_json({"checkpoint": checkpoint, "images": results})
    else:
        for result in results:
            _show(result)
    if all("error" in result for result in results):
        raise InputError("None of the images could be read.")


def _one(engine: Engine, path: Path, k: int | None, threshold: float | None) -> dict[str, Any]:
    from hydranet.data.resize import fit_square
    from hydranet.engines import answers
    from hydranet.timing import timed

    try:
        image = read_image(path)
    except InputError as error:
        return {"file": str(path), "error": str(error)}
    pixels = fit_square(image, engine.card.architecture.image_size)[None]
    outputs, timing = timed(lambda: engine.run(pixels, k=k, threshold=threshold), RUNS)
    found = answers(engine, outputs)[0]
    names = engine.card.class_names
    return {
        "file": str(path),
        "top5": [{"class": names[c], "probability": p} for c, p in found.top(5)],
        "gate_scores": [float(score) for score in found.gate_scores],
        "fired": list(found.fired),
        "weights": list(found.weights),
        "macs": found.macs,
        "ms": timing.median,
    }


def _show(result: dict[str, Any]) -> None:
    if "error" in result:
        print(result["error"])  # it names the file
        return
    answers = ", ".join(f"{a['class']} {100 * a['probability']:.1f} %" for a in result["top5"])
    print(f"{result['file']}: {answers}")
    if result["fired"]:
        fired = zip(result["fired"], result["weights"], strict=True)
        print("  fired: " + ", ".join(f"branch {b} (weight {w:.2f})" for b, w in fired))
    print(f"  {result['macs'] / 1e6:.1f} M MACs, {result['ms']:.1f} ms")
