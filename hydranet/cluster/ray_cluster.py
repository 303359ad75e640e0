"""A Ray cluster: one that runs already, by its address, or one of this machine's own.

Nothing is told to the makers of Ray, no dashboard is started, and what workers log stays in Ray's
own files. A cluster that does not answer is found out before Ray tries: it would try for minutes.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import ray

from hydranet.errors import InputError, one_line

STORE_BYTES = 2**28
"""Of shared memory for a cluster of this machine's own, if there is as much: only checkpoints and
lists of what is to be done pass through it."""

_LEAST_STORE_BYTES = 75 * 2**20  # Ray takes no less
_ANSWERS_WITHIN_S = 5.0


def check_address(address: str | None) -> None:
    """Raise InputError unless a cluster's head answers at an address, see `connected`."""
    if address is None or address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise InputError(
            f"The address of a Ray cluster must be host:port or auto, not {address!r}."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWERS_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise InputError(
            f"The Ray cluster {address} cannot be reached: {one_line(error)}. Check host, port and "
            "firewall, or leave out --address to use this machine."
        ) from None


@contextmanager
def connected(address: str | None, *, workers: int | None) -> Iterator[int]:
    """A cluster that work runs on until the context ends; gives the number of `workers`, one for
    each CPU where none is given.

    `address`: host:port of a cluster's head, or "auto" for one that was started on this machine;
    None starts one, which ends with the context.

    Raises:
        InputError: the cluster cannot be reached, or has fewer CPUs than workers.
    """
    check_address(address)
    mine = not ray.is_initialized()
    if mine:
        _begin(address, workers or os.cpu_count() or 1)
    try:
        cpus = int(ray.cluster_resources().get("CPU", 0))
        if (workers or 1) > cpus:
            raise InputError(
                f"The cluster must have a CPU for each worker, but it has {cpus}, and --workers is "
                f"{workers or 1}. Give fewer."
            )
        yield workers or cpus
    finally:
        if mine:
            ray.shutdown()


def _begin(address: str | None, workers: int) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    begin = partial(ray.init, logging_level=logging.CRITICAL, log_to_driver=False)
    try:
        if address is None:
            begin(
                address="local",
                num_cpus=workers,
                num_gpus=0,
                include_dashboard=False,
                object_store_memory=_store_bytes(),
            )
        else:
            begin(address=address)
    except (OSError, RuntimeError, ValueError) as error:
        where = "on this machine" if address is None else address
        raise InputError(
            f"The Ray cluster {where} cannot be reached: {one_line(error)}. Start one with ray "
            "start --head and give its host and port as --address."
        ) from None


def _store_bytes() -> int:
    """As much shared memory as is wanted, if there is room for it."""
    try:
        status = os.statvfs("/dev/shm")
    except (OSError, AttributeError):
        return STORE_BYTES
    free = status.f_bavail * status.f_frsize
    return max(min(STORE_BYTES, int(free * 0.8)), _LEAST_STORE_BYTES)
