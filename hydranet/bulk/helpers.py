"""Who else works at the batches: processes, or threads where the engine is not light.

Decoding holds Python's lock, so threads would wait for each other. Each process opens the network's
engine for itself; that takes half a second and some 200 MB, and the caller works meanwhile. The
engines on torch stay in this process: one copy of torch is large enough, and a GPU is one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import pyarrow as pa

from hydranet.bulk.batch import Batch, BatchRouter
from hydranet.bulk.routing import Helpers
from hydranet.bulk.rows import Settings
from hydranet.checkpoints import Checkpoint
from hydranet.engines import open_engine
from hydranet.errors import InputError

_IN_PROCESSES = ("onnx", "int8")
_own: list[BatchRouter] = []
"""In a helper process: the one that it routes with."""


@contextmanager
def helpers(checkpoint: Checkpoint, router: BatchRouter, *, count: int) -> Iterator[Helpers | None]:
    """`count` helpers that do as `router` does, which must be for the network of `checkpoint`; they
    end with the context. None where the count is 0.

    Raises:
        InputError: a helper process was killed.
    """
    if count == 0:
        yield None
    elif router.engine.name in _IN_PROCESSES:
        pool = ProcessPoolExecutor(
            count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(checkpoint, router.engine.name, router.settings),
        )
        try:
            yield Helpers(count, lambda batch: pool.submit(_route, batch))
        except BrokenProcessPool:
            raise InputError(
                "A helper process was killed before its work was done, perhaps for want of memory. "
                "Start again to go on behind the last whole part; with fewer --threads it takes "
                "less memory."
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
    else:
        with ThreadPoolExecutor(count) as threads:
            yield Helpers(count, lambda batch: threads.submit(router, batch))


def _begin(checkpoint: Checkpoint, engine: str, settings: Settings) -> None:
    """What a helper process does first. Whoever started it says when it ends, not the keyboard; but
    if that process is killed, so is this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _own.append(BatchRouter(open_engine(checkpoint, engine), settings))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "only helper processes call this"
    parent.join()
    os._exit(1)


def _route(batch: Batch) -> pa.Table:
    return _own[0](batch)
