"""Memory that sessions read and write in place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

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
    """`array`, and parts of it as ONNX Runtime's values, each made once."""

    def __init__(self, shape: tuple[int, ...], kind: Any = np.float32) -> None:
        self.array = aligned(shape, kind)
        self._rows: dict[tuple[int, int], onnxruntime.OrtValue] = {}
        self._shaped: dict[tuple[int, ...], Shaped] = {}

    def rows(self, stop: int, start: int = 0) -> onnxruntime.OrtValue:
        """Rows `start` to `stop`."""
        try:
            return self._rows[start, stop]
        except KeyError:
            found = self._rows[start, stop] = value(self.array[start:stop])
            return found

    def shaped(self, *shape: int) -> Shaped:
        """As many numbers as it takes, from the first one on, in that shape."""
        try:
            return self._shaped[shape]
        except KeyError:
            array = self.array.reshape(-1)[: math.prod(shape)].reshape(shape)
            found = self._shaped[shape] = Shaped(array, value(array))
            return found


class Shaped(NamedTuple):
    """An array, and the same memory as ONNX Runtime's value."""

    array: NDArray[Any]
    value: onnxruntime.OrtValue
