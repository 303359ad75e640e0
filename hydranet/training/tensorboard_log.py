"""Training curves in TensorBoard: `hydranet train … --log tensorboard`, or a callback of `fit`.

The step of every curve is the training step, so that a run that goes on after a kill overwrites
what the killed one had logged beyond its last whole epoch.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from hydranet.errors import InputError
from hydranet.training.history import EpochRecord
from hydranet.training.loop import CHECK_EVERY, Progress
from hydranet.training.recipe import Recipe

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_FILES = "events.out.tfevents.*"
# Curves that belong together stand in one chart of the tab Custom Scalars.
_CHARTS = {
    "Training": {
        "top-1, %": ["Multiline", [r"top1/.*"]],
        "loss and its terms": ["Multiline", [r"loss/epoch", r"loss_terms/.*"]],
        "share of images that fire each branch": ["Multiline", [r"branch_load/.*"]],
    }
}


class TensorBoardLog:
    """Writes what a run reports into event files in `folder`; closed by `with` or `close`.

    Every 50 steps: `loss/step`, `learning_rate`. Every epoch, at its last step: `loss/epoch`,
    `loss_terms/…`, `top1/training`, `top1/validation` and `hit_rate` in percent, `branch_load/…` in
    shares of images, `images_per_second`. The recipe, as it was asked for, is there as text.

    A run that begins anew replaces the log that stands there; one that goes on continues it.

    Raises:
        InputError: the package tensorboard is not installed.
    """

    def __init__(self, folder: Path, recipe: Recipe | None = None) -> None:
        try:
            import torch.utils.tensorboard  # noqa: F401  # to fail before any training
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith("tensorboard"):
                raise
            raise InputError(
                "The log needs the package tensorboard, which is not installed. Install it with: "
                "pip install 'hydranet-explorer[tensorboard]'"
            ) from None
        self._folder = folder
        self._recipe = recipe
        self._writer: SummaryWriter | None = None

    def __call__(self, progress: Progress) -> None:
        """Log a step, and an epoch with its last one."""
        writer = self._writer or self._open(progress)
        step = progress.epoch * progress.steps + progress.step - 1
        if progress.record is not None:
            _write_epoch(writer, progress.record, step)
        elif (progress.step - 1) % CHECK_EVERY == 0:
            writer.add_scalar("loss/step", progress.loss, step)
            writer.add_scalar("learning_rate", progress.learning_rate, step)

    def _open(self, first: Progress) -> SummaryWriter:
        from torch.utils.tensorboard import SummaryWriter

        if first.epoch == 0:
            for old in self._folder.glob(_FILES):
                old.unlink()
        done = first.epoch * first.steps
        self._writer = writer = SummaryWriter(str(self._folder), purge_step=done)
        if first.epoch == 0:
            writer.add_custom_scalars(_CHARTS)
            if self._recipe is not None:
                settings = json.dumps(asdict(self._recipe), indent=1)
                writer.add_text("recipe", f"```json\n{settings}\n```")
        return writer

    def close(self) -> None:
        """Write out what is buffered."""
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> TensorBoardLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _write_epoch(writer: SummaryWriter, record: EpochRecord, step: int) -> None:
    scalars = {
        "loss/epoch": record.loss,
        "top1/training": record.train_top1,
        "top1/validation": record.validation_top1,
        "images_per_second": record.images_per_second,
        **{f"loss_terms/{name}": value for name, value in record.loss_terms.items()},
        **{f"branch_load/{b:02}": share for b, share in enumerate(record.branch_load)},
    }
    if record.hit_rate is not None:
        scalars["hit_rate"] = record.hit_rate
    for name, value in scalars.items():
        writer.add_scalar(name, value, step)
    writer.flush()
