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
from torch import Tensor, nn

from hydranet.errors import InputError
from hydranet.files import write_whole
from hydranet.structure import structure
from hydranet.training.history import EpochRecord

_MOMENTUM = "momentum/"
_MODEL = "model/"


def save_state(
    path: Path,
    *,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    history: list[EpochRecord],
    identity: dict[str, Any],
) -> None:
    """Write the state of a run after its last finished epoch.

    `identity` says what the run is (network, recipe, data): a resumed run must have the same.
    """
    tensors = {_MODEL + name: value.contiguous() for name, value in model.state_dict().items()}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for parameter, state in optimizer.state.items():
        if (buffer := state.get("momentum_buffer")) is not None:
            tensors[_MOMENTUM + names[id(parameter)]] = buffer.contiguous()
    meta = {"identity": identity, "history": [vars(record) for record in history]}
    write_whole(path, save(tensors, metadata={"run": json.dumps(meta)}))


def load_state(
    path: Path,
    *,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    identity: dict[str, Any],
) -> list[EpochRecord]:
    """Put a saved state into `model` and `optimizer`; returns the finished epochs.

    Raises:
        InputError: the file is damaged, or belongs to another run.
    """
    try:
        with safe_open(path, framework="pt") as file:
            meta = json.loads((file.metadata() or {})["run"])
            saved_identity, epochs = meta["identity"], meta["history"]
            names = list(file.keys())
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The saved run {path} is damaged ({error}). Start without --resume."
        ) from None
    for key, value in identity.items():
        if (saved := saved_identity.get(key)) != value:
            raise InputError(
                f"The saved run {path} has another {key}: {saved!r}, not {value!r}. "
                "Repeat the settings of that run, or start without --resume."
            )
    weights = {n.removeprefix(_MODEL): t for n, t in tensors.items() if n.startswith(_MODEL)}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:  # a tensor is missing or has another shape
        reason = " ".join(str(error).split())
        raise InputError(
            f"The saved run {path} is damaged ({reason}). Start without --resume."
        ) from None
    for name, parameter in model.named_parameters():
        if (buffer := tensors.get(_MOMENTUM + name)) is not None:
            optimizer.state[parameter]["momentum_buffer"] = buffer.to(parameter.device)
    return [structure(EpochRecord, record, "The saved epoch") for record in epochs]
