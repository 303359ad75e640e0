"""The ranges of a network's values, beside its weights, and what int8 costs it. Light: no onnx.

`int8.json` lies in the checkpoint's folder; its hash and what was measured with it stand on the
card. Like the rest of a checkpoint it may come from a stranger.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hydranet.checkpoints.int8_note import INT8
from hydranet.errors import InputError
from hydranet.structure import shown, structure, unique

if TYPE_CHECKING:
    from hydranet.checkpoints import Checkpoint

FORMAT = 1
_MOST_BYTES = 4 * 2**20
_MOST_VALUE = 1e9


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How a network becomes int8.

    `ranges`: by piece ("network" of a static one; else "stem", "branch 0", …) and value, the least
    and the most that was seen; `method`: how, one of `calibrate.METHODS`; `images`: on how many
    training images; `float_gate`: stem and gate stay in single precision, so that routes stay the
    same.
    """

    weights_sha256: str
    method: str
    images: int
    float_gate: bool
    ranges: dict[str, dict[str, tuple[float, ...]]]

    def __post_init__(self) -> None:
        for piece, spans in self.ranges.items():
            for name, span in spans.items():
                if len(span) != 2 or not -_MOST_VALUE <= span[0] <= span[1] <= _MOST_VALUE:
                    raise InputError(
                        f"{INT8} must give each value its least and its most, but {shown(name)} of "
                        f"{shown(piece)} has {shown(span)}."
                    )

    def to_bytes(self) -> bytes:
        """The file."""
        return (json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n").encode()


def read_calibration(checkpoint: Checkpoint) -> tuple[Calibration, str]:
    """The calibration of a checkpoint, and the SHA-256 of its file.

    Raises:
        InputError: there is none, int8 costs the network too much, or the file is damaged or of
            other weights.
    """
    card, name = checkpoint.card, checkpoint.name
    if card.int8 is None:
        raise InputError(
            f"{name} has not been quantised, so the engine int8 cannot run it. Do it once with: "
            f"hydranet quantise {name} --data DIR"
        )
    card.int8.check_offered(name)
    content = _read(checkpoint.folder / INT8, name)
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.int8.calibration_sha256:
        raise InputError(
            f"{INT8} of {name} does not have the SHA-256 on its card: the file is damaged or was "
            f"changed. Fetch it again, or run: hydranet quantise {name} --data DIR"
        )
    found = calibration_from(content, name)
    if found.weights_sha256 != card.weights_sha256:
        raise InputError(
            f"{INT8} of {name} was made for other weights. Run: hydranet quantise {name} --data DIR"
        )
    return found, digest


def calibration_from(content: bytes, name: str) -> Calibration:
    """What `Calibration.to_bytes` wrote for the checkpoint `name`; InputError where it did not."""
    try:
        data = json.loads(content, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{INT8} of {name} cannot be read ({error}). Fetch it again.") from None
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        raise InputError(f"{INT8} of {name} must have format {FORMAT}. Fetch it again.")
    return structure(Calibration, data, INT8)


def _read(path: Path, name: str) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{INT8} of {name} is larger than {_MOST_BYTES >> 20} MiB.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{INT8} of {name} cannot be read: {error.strerror}. Fetch it again, or run: "
            f"hydranet quantise {name} --data DIR"
        ) from None
