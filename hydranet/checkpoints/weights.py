"""The weights file of a checkpoint, checked before anything is allocated, as arrays. Light.

Half precision as stored becomes single precision as it runs. A network of torch's is made of the
same file by `checkpoints.load_model`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from hydranet.checkpoints.folders import WEIGHTS, Checkpoint, changed_weights
from hydranet.checkpoints.weight_shapes import COUNTER, Shape, weight_shapes
from hydranet.errors import InputError
from hydranet.structure import shown, unique

Weights = Mapping[str, NDArray[np.floating]]
"""The tensors that a network computes with, under torch's names."""


def read_weights(checkpoint: Checkpoint) -> Weights:
    """The weights of a checkpoint in single precision.

    Raises:
        InputError: the file does not have the hash on the card, or does not fit the architecture.
    """
    content = read_checked(checkpoint)
    with fitting(checkpoint):
        return arrays_of(content)


def arrays_of(content: bytes) -> Weights:
    """The weights in a file that `read_checked` read."""
    return {
        name: value.astype(np.float32)
        for name, value in load(content).items()
        if not name.endswith(COUNTER)
    }


def read_checked(checkpoint: Checkpoint) -> bytes:
    """The file's bytes, of which hash, names, shapes and types are right; see `read_weights`."""
    try:
        content = (checkpoint.folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise InputError(f"{WEIGHTS} of {checkpoint.name} cannot be read: {error}") from None
    if hashlib.sha256(content).hexdigest() != checkpoint.card.weights_sha256:
        raise changed_weights(checkpoint)
    with fitting(checkpoint):
        _check_header(content, weight_shapes(checkpoint.card.architecture), checkpoint.name)
    return content


@contextmanager
def fitting(checkpoint: Checkpoint) -> Iterator[None]:
    """What goes wrong inside means that the file does not fit."""
    try:
        yield
    except InputError:
        raise
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{WEIGHTS} of {checkpoint.name} does not fit: {error}") from None


def _check_header(content: bytes, expected: dict[str, Shape], name: str) -> None:
    """Raise InputError unless the file's tensors have the expected names, shapes and types."""
    length = int.from_bytes(content[:8], "little")
    header = dict(json.loads(content[8 : 8 + length], object_pairs_hook=unique))
    header.pop("__metadata__", None)
    if wrong := sorted(set(header) ^ set(expected)):
        raise InputError(f"{WEIGHTS} of {name} lacks or adds the tensor {shown(wrong[0])}.")
    for tensor, shape in expected.items():
        if tuple(header[tensor]["shape"]) != shape:
            raise InputError(
                f"{WEIGHTS} of {name} holds {tensor} as {shown(header[tensor]['shape'])}, but the "
                f"architecture on its card needs {list(shape)}."
            )
        kind = "I64" if tensor.endswith(COUNTER) else "F16"
        if (found := header[tensor]["dtype"]) != kind:
            raise InputError(
                f"{WEIGHTS} of {name} holds {tensor} as {shown(found)}, not as {kind}."
            )
