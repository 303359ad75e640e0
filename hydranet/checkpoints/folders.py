"""Folders of checkpoints: `<name>/model.safetensors`, `card.json`, `routes.parquet` and, from all
that were measured since it is known, `class_features.parquet`; found, listed and checked. Light.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hydranet.checkpoints.card import Card, read_card
from hydranet.checkpoints.int8_note import INT8
from hydranet.errors import InputError
from hydranet.evaluation.class_features import CLASS_FEATURES
from hydranet.evaluation.route_log import read_route_log


def _usual_folder() -> Path:
    if named := os.environ.get("HYDRANET_CHECKPOINTS"):
        return Path(named)
    checkout = Path(__file__).parents[2]
    if (checkout / "pyproject.toml").is_file():
        return checkout / "checkpoints"
    from platformdirs import user_data_path

    return user_data_path("hydranet", appauthor=False) / "checkpoints"


CHECKPOINTS = _usual_folder()
"""Where checkpoints lie unless a caller says otherwise: where the environment variable
HYDRANET_CHECKPOINTS points; in a checkout, its folder `checkpoints`; else, since a package holds
none, the user's own folder for data, on Linux ~/.local/share/hydranet/checkpoints."""

WEIGHTS, CARD, ROUTES = "model.safetensors", "card.json", "routes.parquet"
FILES = (WEIGHTS, CARD, ROUTES, CLASS_FEATURES, INT8)
"""What a checkpoint's folder holds; class features are not in those from before they were known, a
calibration only where the network has been quantised."""
KEPT_OUT = "weights.md"
"""Stands in place of weights that are too large to lie beside their card: what makes them."""
_MOST_OF_NOTE = 2_000
_NONE_YET = (
    "There is none yet: train one with hydranet train, fetch one with hydranet fetch, or point the "
    "environment variable HYDRANET_CHECKPOINTS at a folder that has some, such as checkpoints/ of "
    "the project's repository."
)
PREVIOUS = ".previous-"
"""Before the name of a folder that is being replaced."""
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
    as fast with thirty checkpoints as with three. Those whose weights are kept out are in neither
    list, see `list_kept_out`.

    Examples:
        >>> good, damaged = list_checkpoints()
        >>> "resnet8" in [checkpoint.name for checkpoint in good]
        True
    """
    good: list[Checkpoint] = []
    damaged: list[DamagedCheckpoint] = []
    if not root.is_dir():
        return good, damaged
    folders = {path.name.removeprefix(PREVIOUS) for path in root.iterdir() if path.is_dir()}
    for name in sorted(name for name in folders if not name.startswith(".")):
        if _is_kept_out(root / name):
            continue
        try:
            checkpoint = find_checkpoint(name, root)
            check_files(checkpoint)
            good.append(checkpoint)
        except InputError as error:
            damaged.append(DamagedCheckpoint(name, str(error)))
    return good, damaged


def list_kept_out(root: Path = CHECKPOINTS) -> list[Checkpoint]:
    """By name, those of which only the card and the route log are here, and a note that says what
    makes the weights. They can be compared, but not run."""
    found = []
    for folder in sorted(root.glob(f"[!.]*/{KEPT_OUT}")):
        if _is_kept_out(folder.parent):
            with suppress(InputError):  # a card that cannot be read tells nothing
                found.append(Checkpoint(folder.parent.name, folder.parent, _card_of(folder.parent)))
    return found


def _is_kept_out(folder: Path) -> bool:
    return (folder / KEPT_OUT).is_file() and not (folder / WEIGHTS).exists()


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


def standing_folder(folder: Path) -> Path | None:
    """Where the checkpoint of `folder` stands; None where there is none.

    That is `folder`, unless its replacement was cut short: then the one before, under its own name.
    """
    previous = folder.parent / (PREVIOUS + folder.name)
    # os.path, to which a name that no file system takes is none that stands there
    return next((place for place in (folder, previous) if os.path.isdir(place)), None)


def is_free(folder: Path) -> bool:
    """Whether a new checkpoint in `folder` would take no other's place."""
    return not os.path.lexists(folder) and standing_folder(folder) is None


def find_checkpoint(name_or_folder: str | Path, root: Path = CHECKPOINTS) -> Checkpoint:
    """The checkpoint of that name under `root`, or in that folder.

    Raises:
        InputError: there is none, its card does not fit, or its weights are missing or not of
            the size that the card says.
    """
    if not str(name_or_folder):
        raise InputError("A checkpoint needs a name or a folder, but what is given is empty.")
    folder = Path(name_or_folder)
    if folder.name in ("", ".."):  # `.` and the like, which are folders but name none
        folder = Path(os.path.abspath(folder))
    elif len(folder.parts) == 1:
        folder = root / folder
    name, standing = folder.name, standing_folder(folder)
    if standing is None:
        names = [p.name for p in sorted(folder.parent.glob("[!.]*")) if p.is_dir()]
        there = f"There are: {', '.join(names)}." if names else _NONE_YET
        raise InputError(f"There is no checkpoint {name!r} in {folder.parent}. {there}")
    folder = standing
    card = _card_of(folder)
    weights = folder / WEIGHTS
    if _is_kept_out(folder):
        note = (folder / KEPT_OUT).read_text(errors="replace")[:_MOST_OF_NOTE]
        raise InputError(f"The weights of {name} are not here. {' '.join(note.split())}")
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
    return Checkpoint(name.removeprefix(PREVIOUS), folder, card)
