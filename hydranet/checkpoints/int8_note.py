"""What int8 costs a network, as it stands on its card. Light."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hydranet.errors import InputError

INT8 = "int8.json"
"""The calibration's file in a checkpoint's folder."""

MOST_FALL = 0.5
"""Points of top-1 that a network may lose and still be offered in int8."""

_HEX = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Int8Note:
    """Measured on the test images, int8 beside single precision with the same weights.

    `calibration_sha256`: of the file int8.json; `images`: how many; `top1`: of int8, in percent;
    `top1_fall`: points below single precision, negative where it is above; `agreement`: answers
    that are the same, in percent; `routes_changed`: images for which other branches fire, likewise.
    """

    calibration_sha256: str
    images: int
    top1: float
    top1_fall: float
    agreement: float
    routes_changed: float

    def __post_init__(self) -> None:
        percent = (self.top1, self.agreement, self.routes_changed)
        if (
            not _HEX.fullmatch(self.calibration_sha256)
            or self.images < 1
            or not all(0 <= value <= 100 for value in percent)
            or not abs(self.top1_fall) <= 100
        ):
            raise InputError(
                "A card's int8 must give the SHA-256 of its calibration, at least one image, and "
                f"percentages, not {self}."
            )

    def check_offered(self, name: str) -> None:
        """Raise InputError where the network loses too much."""
        if self.top1_fall > MOST_FALL:
            raise InputError(
                f"{name} loses {self.top1_fall:.2f} points of top-1 in int8; at most {MOST_FALL} "
                "are let through. Use the engine onnx."
            )

    def words(self, *, routed: bool) -> str:
        """For people: what is lost. `routed`: whether the network has routes that could change."""
        fall = f"{abs(self.top1_fall):.2f} points {'below' if self.top1_fall > 0 else 'above'}"
        if abs(self.top1_fall) < 0.005:
            fall = "as much as"
        routes = (
            ", every route is the same"
            if self.routes_changed == 0
            else f", other branches fire for {self.routes_changed:.2f} % of the images"
        )
        return (
            f"In int8: top-1 {self.top1:.2f} %, {fall} single precision, on {self.images:,} test "
            f"images; {self.agreement:.1f} % of the answers are the same"
            f"{routes if routed else ''}."
        )
