"""`hydranet route --log`: a route log of labelled images, in the layout of a checkpoint's."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydranet.cli.shared import progress_bar
from hydranet.errors import InputError
from hydranet.files import check_writable

if TYPE_CHECKING:
    from hydranet.models.network import Network

_REASONS = 5


def route_to_log(
    model: Network, inputs: Sequence[Path], folder: Path, total: int
) -> dict[str, Any]:
    """Write `routes.parquet` and `class_features.parquet` into `folder`; what was done.

    Raises:
        InputError: no image can be read and has a label that is a class of the network, or the
            folder cannot be written or is a checkpoint's.
    """
    from hydranet.bulk import sources
    from hydranet.bulk.labelled import LabelledRun
    from hydranet.checkpoints import CARD, ROUTES
    from hydranet.evaluation.class_features import CLASS_FEATURES, write_class_features
    from hydranet.evaluation.route_log import write_route_log

    assert model.card is not None, "a loaded network has its card"
    if (folder / CARD).exists():
        raise InputError(
            f"{folder} is a checkpoint, whose own route log would be replaced. Choose another "
            "--log."
        )
    check_writable(folder)
    run = LabelledRun(model, sources.iterate(inputs, without=folder))
    with progress_bar("{task.completed:,} of {task.total:,} images") as bar:
        task = bar.add_task("Routing", total=total)
        while run.advance():
            bar.update(task, completed=run.seen)
    for file, reason in run.reasons[:_REASONS]:
        print(f"{file}: {reason}", file=sys.stderr)
    if run.rejected > _REASONS:
        print(f"{run.rejected - _REASONS:,} more cannot be read.", file=sys.stderr)
    found = run.finish()
    write_route_log(folder / ROUTES, found.routes)
    write_class_features(folder / CLASS_FEATURES, found.class_features)
    return {
        "log": str(folder / ROUTES),
        "images": run.seen,
        "judged": run.judged,
        "rejected": run.rejected,
        "top1": found.metrics.top1,
        "top1_by_k": {str(k): v for k, v in enumerate(found.metrics.top1_by_k, 1)},
        "labels": run.labels.sentences(model.card.name),
    }


def show_log(said: dict[str, Any]) -> None:
    """The same for a person."""
    print(
        f"{said['log']}: {said['judged']:,} of {said['images']:,} images, top-1 "
        f"{said['top1']:.2f} %"
    )
    for sentence in said["labels"]:
        print(f"  {sentence}")
