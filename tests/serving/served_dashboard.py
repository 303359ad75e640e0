"""What tests of a served dashboard share."""

from __future__ import annotations

import io
import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PATIENCE_S = 180


@dataclass(frozen=True)
class Dashboard:
    """One that is served at `address` by the process `pid` and logs into the file `log`."""

    address: str
    pid: int
    log: Path

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE_S) as answer:
            return str(answer.read().decode())

    def lines(self) -> list[dict[str, Any]]:
        """What it logged, each line read as JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def png(seed: int, side: int = 32) -> bytes:
    """A picture that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
