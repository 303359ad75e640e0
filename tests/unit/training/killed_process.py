"""What each of two processes runs for test_elastic.py; started by torchrun, no test itself.

`killed_process.py OUT DATA NETWORK [EPOCH]`: trains by the command line on streamed shards. The
second process of the first start is killed at the second step of EPOCH of the last network.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from typing import Any

import torch
from torch import Tensor

from hydranet.cli import main
from hydranet.models import HydraNet
from hydranet.training.distributed import is_restarted
from hydranet.training.step import TrainingStep

OUT, DATA, NETWORK, *EPOCH = sys.argv[1:]
steps = 0


def train_or_die(self: TrainingStep, *arguments: Any, epoch: int, **options: Any) -> Tensor:
    """As the loop's own step, until the moment has come."""
    global steps
    steps += [epoch] == [*map(int, EPOCH)] and isinstance(self.model, HydraNet)
    if steps == 2 and os.environ["RANK"] == "1" and not is_restarted():
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *arguments, epoch=epoch, **options)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(200)  # before the test gives up: where each of them waits
    torch.set_num_threads(1)
    step = TrainingStep.__call__
    TrainingStep.__call__ = train_or_die  # type: ignore[method-assign]
    sys.argv = [
        "hydranet", "train", NETWORK, "--data", DATA, "--epochs", "3", "--batch-size", "8",
        "--validation-images", "6", "--image-size", "8", "--compile", "off", "--precision",
        "float32", "--device", "cpu", "--threads", "1", "--checkpoints", f"{OUT}/checkpoints",
        "--runs", f"{OUT}/runs",
    ]  # fmt: skip
    main()
