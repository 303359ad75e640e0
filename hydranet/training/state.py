"""What is kept of a run after every epoch, so that a killed run goes on where it stopped.

One safetensors file: weights, momentum buffers, and as metadata the finished epochs. It is written
beside itself and moved into place, so that it is whole or not there. No pickle.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from hydranet.errors import InputError
from hydranet.files import write_whole
from hydranet.models.network import Network
from hydranet.structure import shown, structure, unique
from hydranet.training.history import EpochRecord
from hydranet.training.optimiser import trained_tensors

_MOMENTUM = "momentum/"
_MODEL = "model/"
_TYPES = {torch.float32: "F32", torch.int64: "I64"}


def save_state(
    path: Path,
    *,
    model: Network,
    optimizer: torch.optim.Optimizer,
    history: list[EpochRecord],
    identity: dict[str, Any],
) -> None:
    """Write the state of a run after its last finished epoch.

    `identity` says what the run is (network, recipe, data): a resumed run must have the same.
    """
    tensors = {_MODEL + name: _alone(value) for name, value in model.state_dict().items()}
    for trained in trained_tensors(model):
        if (buffer := optimizer.state[trained.tensor].get("momentum_buffer")) is not None:
            for name, values in trained.split(buffer).items():
                tensors[_MOMENTUM + name] = _alone(values)
    meta = {"identity": identity, "history": [vars(record) for record in history]}
    write_whole(path, save(tensors, metadata={"run": json.dumps(meta)}))


def load_state(
    path: Path,
    *,
    model: Network,
    optimizer: torch.optim.Optimizer,
    identity: dict[str, Any],
) -> list[EpochRecord]:
    """Put a saved state into `model` and `optimizer`; returns the finished epochs.

    Raises:
        InputError: the file is damaged, or belongs to another run.
    """
    try:
        with safe_open(path, framework="pt") as file:
            meta = json.loads((file.metadata() or {})["run"], object_pairs_hook=unique)
            saved_identity, epochs = dict(meta["identity"]), list(meta["history"])
            _check_identity(path, saved_identity, identity)
            _check_tensors(file, model)
            names = list(file.keys())
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in names}
        history = [structure(EpochRecord, record, "The saved epoch") for record in epochs]
    except InputError:
        raise
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"The saved run {path} is damaged ({error}). Start without --resume."
        ) from None
    weights = {n.removeprefix(_MODEL): t for n, t in tensors.items() if n.startswith(_MODEL)}
    model.load_state_dict(weights)
    for trained in trained_tensors(model):
        if all(_MOMENTUM + name in tensors for name in trained.names):
            buffer = torch.zeros_like(trained.tensor)
            for name, values in trained.split(buffer).items():
                values.copy_(tensors[_MOMENTUM + name])
            optimizer.state[trained.tensor]["momentum_buffer"] = buffer
    return history


def _alone(value: Tensor) -> Tensor:
    """In memory of its own, as a file of tensors wants it; a stacked branch's lies in its stack."""
    value = value.contiguous()
    whole = value.untyped_storage().nbytes() == value.nbytes
    return value if whole else value.clone()


def _check_identity(path: Path, saved: dict[str, Any], identity: dict[str, Any]) -> None:
    for key, value in identity.items():
        if (found := saved.get(key)) != value:
            raise InputError(
                f"The saved run {path} has another {key}: {_difference(found, value)}. "
                "Repeat the settings of that run, or start without --resume."
            )


def _difference(saved: object, wanted: object) -> str:
    """In words, where two dictionaries differ field by field."""
    if not isinstance(saved, dict) or not isinstance(wanted, dict):
        return f"{shown(saved)}, not {shown(wanted)}"
    fields = [name for name in wanted if saved.get(name) != wanted[name]]
    differ = [f"{name} {shown(saved.get(name))}, not {shown(wanted[name])}" for name in fields]
    return "; ".join(differ) or f"it adds {shown(sorted(set(saved) - set(wanted)))}"


def _check_tensors(file: Any, model: Network) -> None:
    """Raise ValueError unless the open file holds the model's tensors, and at most a momentum
    buffer beside each parameter, in their shapes and types. Nothing is read."""
    state = model.state_dict()
    momentum = {_MOMENTUM + name: state[name] for name, _ in model.named_parameters()}
    weights = {_MODEL + name: value for name, value in state.items()}
    names = set(file.keys())
    if wrong := sorted((set(weights) - names) | (names - set(weights) - set(momentum))):
        raise ValueError(f"it lacks or adds the tensor {shown(wrong[0])}")
    expected = weights | momentum
    for name in names:
        found, value = file.get_slice(name), expected[name]
        if found.get_shape() != list(value.shape) or found.get_dtype() != _TYPES[value.dtype]:
            raise ValueError(f"the tensor {shown(name)} has another shape or type")
