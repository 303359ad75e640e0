"""The engine that the rest of the package sees: `open_int8` gives what does the work."""

from __future__ import annotations

from hydranet.checkpoints import Checkpoint
from hydranet.engines.int8.calibration import Calibration, read_calibration
from hydranet.engines.int8.program import open_int8
from hydranet.engines.runner import RunnerEngine


class Int8Engine(RunnerEngine):
    """See `hydranet.engines.engine.Engine`. `size`: bytes of its graphs.

    `calibration`: another than the one that lies with the checkpoint, with the hash of its bytes.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        threads: int = 1,
        calibration: tuple[Calibration, str] | None = None,
    ) -> None:
        given, digest = calibration or read_calibration(checkpoint)
        runner, self.size = open_int8(checkpoint, given, digest, threads=threads)
        super().__init__("int8", checkpoint.card, runner)
