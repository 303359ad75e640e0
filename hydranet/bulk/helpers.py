"""Who else works at the batches: processes, or threads where the engine is not light.

Decoding holds Python's lock, so threads would wait for each other. Each process opens the network's
engine for itself, which takes a third of a second and some 150 MB, and the caller works meanwhile.
The engines on torch stay in this process: one copy of torch is large enough, and a GPU is one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import cache

import pyarrow as pa

from hydranet.bulk.arrow import leave_pandas_out
from hydranet.bulk.batch import Batch, BatchRouter
from hydranet.bulk.routing import Helpers
from hydranet.bulk.rows import Settings
from hydranet.checkpoints import Checkpoint
from hydranet.engines import engine_for, open_engine
from hydranet.errors import InputError

_IN_PROCESSES = ("onnx", "int8")


@contextmanager
def routers(
    checkpoint: Checkpoint, engine: str, settings: Settings, *, count: int
) -> Iterator[tuple[BatchRouter, Helpers | None]]:
    """What routes with the `engine` of that name or with "auto", and `count` helpers that do as it
    does, None where the count is 0. They end with the context, and begin while it is opened.

    Raises:
        InputError: see `open_engine` and `BatchRouter`; or a helper process was killed.
    """
    engine = engine_for(checkpoint, engine)
    settings.check(checkpoint.card)
    if count == 0:
        yield BatchRouter(open_engine(checkpoint, engine), settings), None
    elif engine in _IN_PROCESSES:
        pool = ProcessPoolExecutor(
            count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(checkpoint, engine, settings),
        )
        try:
            for _ in range(count):
                pool.submit(_ready)  # with nothing to do, none would begin
            router = BatchRouter(open_engine(checkpoint, engine), settings)
            yield router, Helpers(count, lambda batch: pool.submit(_route, batch))
        except BrokenProcessPool:
            raise InputError(
                "A helper process was killed before its work was done, perhaps for want of memory. "
                "Start again to go on behind the last whole part; with fewer --threads it takes "
                "less memory."
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
    else:
        router = BatchRouter(open_engine(checkpoint, engine), settings)
        with ThreadPoolExecutor(count) as threads:
            yield router, Helpers(count, lambda batch: threads.submit(router, batch))


_own: list[Callable[[], BatchRouter]] = []
"""In a helper process: gives the router that it has."""


def _begin(checkpoint: Checkpoint, engine: str, settings: Settings) -> None:
    """What a helper process does first. Whoever started it says when it ends, not the keyboard; but
    if that process is killed, so is this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    leave_pandas_out()
    _own.append(cache(lambda: BatchRouter(open_engine(checkpoint, engine), settings)))
    with suppress(InputError):  # whoever started it finds the same, and says so
        _own[0]()


def _ready() -> None:
    """Nothing: a process that has come so far has begun."""


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "only helper processes call this"
    parent.join()
    os._exit(1)


def _route(batch: Batch) -> pa.Table:
    return _own[0]()(batch)
