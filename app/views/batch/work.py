"""The work on a batch, as steps that can be stopped between any two."""

from __future__ import annotations

from dataclasses import dataclass

from app.batch import Batch
from app.views.steps import go_through
from hydranet.bulk.rows import Settings
from hydranet.checkpoints import Checkpoint


def work(batch: Batch, checkpoint: Checkpoint, settings: Settings) -> None:
    """Route what is not routed yet; InputError if the checkpoint is damaged."""
    batch.set_up(checkpoint, settings)
    go_through(_Routing(batch, checkpoint, settings), key="batch")


@dataclass(frozen=True)
class _Routing:
    batch: Batch
    checkpoint: Checkpoint
    settings: Settings

    @property
    def done(self) -> int:
        return len(self.batch.rows)

    @property
    def goal(self) -> int:
        return self.batch.goal

    @property
    def total(self) -> int:
        return len(self.batch.items)

    def advance(self) -> None:
        self.batch.advance(self.checkpoint, self.settings)

    def stop(self) -> None:
        self.batch.stop()

    def go_on(self) -> None:
        self.batch.go_on()
