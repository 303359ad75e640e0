"""Checkpoints written, whole or not at all. Light until weights are encoded."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hydranet.checkpoints.card import Card
from hydranet.checkpoints.folders import CARD, FILES, PREVIOUS, ROUTES, WEIGHTS, Checkpoint
from hydranet.checkpoints.int8_note import INT8, Int8Note
from hydranet.errors import InputError
from hydranet.evaluation.class_features import (
    CLASS_FEATURES,
    ClassFeatures,
    write_class_features,
)
from hydranet.evaluation.route_log import RouteLog, write_route_log
from hydranet.files import write_whole

if TYPE_CHECKING:
    from hydranet.models import Network


def encode_weights(model: Network) -> tuple[bytes, str]:
    """The weights as safetensors in half precision, and the SHA-256 of those bytes."""
    from safetensors.torch import save

    tensors = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    content = save(tensors)
    return content, hashlib.sha256(content).hexdigest()


def write_checkpoint(
    root: Path,
    *,
    card: Card,
    weights: bytes,
    routes: RouteLog,
    class_features: ClassFeatures | None = None,
    calibration: bytes | None = None,
) -> Path:
    """Write the folder `root/<card.name>` whole or not at all, in place of one that stands there.

    `calibration`: the file that the card's `int8` belongs to.

    Raises:
        InputError: the folder cannot be written or the disk is full; what stood there still does.
    """
    with replaced_folder(root, card.name) as part:
        write_whole(part / WEIGHTS, weights)
        write_whole(part / CARD, _card_bytes(card))
        write_route_log(part / ROUTES, routes)
        if class_features is not None:
            write_class_features(part / CLASS_FEATURES, class_features)
        if calibration is not None:
            write_whole(part / INT8, calibration)
    return root / card.name


def add_int8(checkpoint: Checkpoint, note: Int8Note, calibration: bytes) -> None:
    """Put a calibration into a checkpoint, and what it costs on the card; the rest stays.

    Raises:
        InputError: the folder cannot be written; what stood there still does.
    """
    card = replace(checkpoint.card, int8=note)
    with replaced_folder(checkpoint.folder.parent, checkpoint.name) as part:
        for name in FILES:
            if (file := checkpoint.folder / name).is_file():
                write_whole(part / name, file.read_bytes())
        write_whole(part / CARD, _card_bytes(card))
        write_whole(part / INT8, calibration)


def _card_bytes(card: Card) -> bytes:
    return (json.dumps(card.to_json(), indent=1, ensure_ascii=False) + "\n").encode()


@contextmanager
def replaced_folder(root: Path, name: str) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `root/name` if nothing is raised.

    Raises:
        InputError: the folder cannot be made or moved; what stood there still does.
    """
    target = root / name
    try:
        root.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".part-{name}-", dir=root))
    except OSError as error:
        raise InputError(
            f"{target} could not be written ({error.strerror}). Choose another folder or name."
        ) from None
    try:
        part.chmod(0o755)
        yield part
        _put_in_place(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put_in_place(part: Path, target: Path) -> None:
    """Rename `part` to `target`; what stood there is kept until that is done."""
    previous = target.with_name(PREVIOUS + target.name)
    try:
        if target.exists():
            shutil.rmtree(previous, ignore_errors=True)
            target.rename(previous)
        part.rename(target)
    except OSError as error:
        if previous.exists() and not target.exists():
            previous.rename(target)
        raise InputError(
            f"{target} could not be written ({error.strerror}). What stood there is untouched."
        ) from None
    shutil.rmtree(previous, ignore_errors=True)
