"""Memory that sessions read and write in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnxruntime

_LINE = 64
"""Bytes of a cache line; vectors that cross two of them load half as fast."""


def aligned(shape: tuple[int, ...], kind: Any = np.float32) -> NDArray[Any]:
    """An array that begins at a cache line; its memory is taken when it is first written."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    memory = np.empty(size + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size].view(kind).reshape(shape)


def value(array: NDArray[Any]) -> onnxruntime.OrtValue:
    """The array as ONNX Runtime's value, on the same memory."""
    import onnxruntime

    return onnxruntime.OrtValue.ortvalue_from_numpy(array)


class Buffer:
    """`array`, and rows of it as ONNX Runtime's values, each made once."""

    def __init__(self, shape: tuple[int, ...], kind: Any = np.float32) -> None:
        self.array = aligned(shape, kind)
        self._values: dict[tuple[int, int], onnxruntime.OrtValue] = {}

    def rows(self, stop: int, start: int = 0) -> onnxruntime.OrtValue:
        """Rows `start` to `stop`."""
        try:
            return self._values[start, stop]
        except KeyError:
            found = self._values[start, stop] = value(self.array[start:stop])
            return found
