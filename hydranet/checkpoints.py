"""Checkpoints: `<name>/model.safetensors`, `card.json`, `routes.parquet` and, from all that were
measured since it is known, `class_features.parquet`; listed, loaded, written.

Light until a model is loaded. Weights are stored in half precision and run in single precision.
Nothing is allocated before the card, the file's size and every tensor's shape are known to fit.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from hydranet.card import Card, read_card
from hydranet.class_features import CLASS_FEATURES, ClassFeatures, write_class_features
from hydranet.errors import InputError
from hydranet.files import write_whole
from hydranet.int8_note import INT8, Int8Note
from hydranet.route_log import RouteLog, read_route_log, write_route_log

if TYPE_CHECKING:
    from hydranet.models import Network


def _usual_folder() -> Path:
    if named := os.environ.get("HYDRANET_CHECKPOINTS"):
        return Path(named)
    checkout = Path(__file__).parent.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout / "checkpoints"
    return user_data_path("hydranet", appauthor=False) / "checkpoints"


CHECKPOINTS = _usual_folder()
"""Where checkpoints lie unless a caller says otherwise: where the environment variable
HYDRANET_CHECKPOINTS points; in a checkout, its folder `checkpoints`; else, since a package holds
none, the user's own folder for data, on Linux ~/.local/share/hydranet/checkpoints."""

WEIGHTS, CARD, ROUTES = "model.safetensors", "card.json", "routes.parquet"
FILES = (WEIGHTS, CARD, ROUTES, CLASS_FEATURES, INT8)
"""What a checkpoint's folder holds; class features are not in those from before they were known, a
calibration only where the network has been quantised."""
_NONE_YET = (
    "There is none yet: train one with hydranet train, fetch one with hydranet fetch, or point the "
    "environment variable HYDRANET_CHECKPOINTS at a folder that has some, such as checkpoints/ of "
    "the project's repository."
)
_PREVIOUS = ".previous-"
_HEADER_BYTES = 2**26  # ample for the names and shapes of the tensors


@dataclass(frozen=True)
class Checkpoint:
    """A folder whose card has been read and checked."""

    name: str
    folder: Path
    card: Card


@dataclass(frozen=True)
class DamagedCheckpoint:
    """A folder that is left out, and why, as a sentence."""

    name: str
    reason: str


def list_checkpoints(
    root: Path = CHECKPOINTS,
) -> tuple[list[Checkpoint], list[DamagedCheckpoint]]:
    """All checkpoints under `root` by name, and those that are left out.

    A checkpoint is listed only when its weights have the hash on its card and its route log can be
    read; a file that has not changed since the last call is not read again, so that a page opens
    as fast with thirty checkpoints as with three.

    Examples:
        >>> good, damaged = list_checkpoints()
        >>> "resnet8" in [checkpoint.name for checkpoint in good]
        True
    """
    good: list[Checkpoint] = []
    damaged: list[DamagedCheckpoint] = []
    if not root.is_dir():
        return good, damaged
    folders = {path.name.removeprefix(_PREVIOUS) for path in root.iterdir() if path.is_dir()}
    for name in sorted(name for name in folders if not name.startswith(".")):
        try:
            checkpoint = find_checkpoint(name, root)
            check_files(checkpoint)
            good.append(checkpoint)
        except InputError as error:
            damaged.append(DamagedCheckpoint(name, str(error)))
    return good, damaged


def check_files(checkpoint: Checkpoint) -> None:
    """Raise InputError unless weights and route log are those that were written."""
    weights, routes = checkpoint.folder / WEIGHTS, checkpoint.folder / ROUTES
    try:
        if _sha256(weights, weights.stat().st_mtime_ns) != checkpoint.card.weights_sha256:
            raise changed_weights(checkpoint)
        _read_once(routes, routes.stat().st_mtime_ns)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}.") from None


def changed_weights(checkpoint: Checkpoint) -> InputError:
    """What is said of weights that are not those on the card."""
    return InputError(
        f"{WEIGHTS} of {checkpoint.name} does not have the SHA-256 on its card: the file is "
        "damaged or was changed. Fetch or train it again."
    )


@lru_cache(maxsize=256)
def _sha256(path: Path, modified_ns: int) -> str:
    """Of a file's bytes; `modified_ns` makes a changed file another key."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=256)
def _read_once(path: Path, modified_ns: int) -> None:
    """Raise InputError unless the route log can be read; see `_sha256` for `modified_ns`."""
    read_route_log(path)


@lru_cache(maxsize=256)
def _card(path: Path, modified_ns: int, size: int) -> Card:
    """Read and checked; see `_sha256` for `modified_ns`."""
    return read_card(path)


def _card_of(folder: Path) -> Card:
    path = folder / CARD
    try:
        stat = path.stat()
    except OSError:
        return read_card(path)  # which says what is wrong
    return _card(path, stat.st_mtime_ns, stat.st_size)


def find_checkpoint(name_or_folder: str | Path, root: Path = CHECKPOINTS) -> Checkpoint:
    """The checkpoint of that name under `root`, or in that folder.

    Raises:
        InputError: there is none, its card does not fit, or its weights are missing or not of
            the size that the card says.
    """
    folder = Path(name_or_folder)
    if len(folder.parts) == 1 and not folder.is_absolute():
        folder = root / folder
    if not folder.is_dir():
        previous = folder.with_name(_PREVIOUS + folder.name)
        if not previous.is_dir():  # stands only if a replacement was cut short
            names = [p.name for p in sorted(folder.parent.glob("[!.]*")) if p.is_dir()]
            there = f"There are: {', '.join(names)}." if names else _NONE_YET
            raise InputError(f"There is no checkpoint {folder.name!r} in {folder.parent}. {there}")
        folder = previous
    card = _card_of(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise InputError(f"{WEIGHTS} is missing.")
    least = 2 * card.costs.parameters
    if (size := weights.stat().st_size) < least:
        raise InputError(
            f"{WEIGHTS} has {size:,} bytes, but {card.costs.parameters:,} parameters need at least "
            f"{least:,}; the file is cut short or the card belongs to another network."
        )
    if size > (most := 8 * card.costs.parameters + _HEADER_BYTES):
        raise InputError(
            f"{WEIGHTS} has {size:,} bytes, but {card.costs.parameters:,} parameters need at most "
            f"{most:,}; the card belongs to another network."
        )
    return Checkpoint(folder.name.removeprefix(_PREVIOUS), folder, card)


def load(name_or_folder: str | Path, root: Path = CHECKPOINTS) -> Network:
    """The network of the checkpoint of that name or in that folder; see `load_model`.

    Examples:
        >>> model = load("resnet8")
        >>> model.card.name, model.training
        ('resnet8', False)

    Raises:
        InputError: there is none, or it is damaged.
    """
    return load_model(find_checkpoint(name_or_folder, root))


def load_model(checkpoint: Checkpoint) -> Network:
    """The network of a checkpoint, in eval mode, single precision, with its card as `.card`.

    Raises:
        InputError: the weights do not have the hash on the card, or do not fit the architecture.
    """
    import torch
    from safetensors.torch import load as load_tensors

    from hydranet.models import build
    from hydranet.weights import fitting, read_checked

    content = read_checked(checkpoint)
    with torch.device("meta"):
        model = build(checkpoint.card.architecture)
    with fitting(checkpoint):
        tensors = load_tensors(content)
    state = {
        name: value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
    }
    model.load_state_dict(state, assign=True)
    model.card = checkpoint.card
    model.requires_grad_(False)
    model.eval()
    return model


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
    previous = target.with_name(_PREVIOUS + target.name)
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
