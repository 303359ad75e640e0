"""What one core of this machine multiplies and adds at best: a large matrix product. Light."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

SIDE = 2048
MACS = SIDE**3


def matrix_product() -> Callable[[], object]:
    """A function that multiplies two single-precision matrices of `SIDE`, on one thread."""
    rng = np.random.default_rng(0)
    a, b = (rng.random((SIDE, SIDE), np.float32) for _ in range(2))
    out = np.empty_like(a)

    def run() -> None:
        with threadpool_limits(1, user_api="blas"):
            np.matmul(a, b, out=out)

    return run
