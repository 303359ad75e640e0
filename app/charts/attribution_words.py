"""What a map of attributions means and shows, in words. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROWS = ("upper", "middle", "lower")
_COLUMNS = ("left", "centre", "right")

_MEANING = {
    "grad-cam": "Grad-CAM weighs the last feature maps by how much the number hangs on them. It is "
    "coarse: a few cells, enlarged to the image.",
    "integrated gradients": "Integrated gradients share out the difference between this image and "
    "the mean training image among the pixels.",
    "gradient × SmoothGrad": "Gradient × pixel, as the mean over 32 noisy copies of the image: "
    "which way the number would move next.",
    "occlusion": "Occlusion puts a patch of the mean training image in each place: a pixel has "
    "what the number loses by that.",
}


def meaning(method: str) -> str:
    """How a method comes to its values, in a sentence or two."""
    return _MEANING.get(method, "")


def map_text(title: str, values: NDArray[np.float32]) -> str:
    """Where the map is strongest, for and against: of nine fields of the image."""
    fields = [
        (f"{row} {column}", cell)
        for row, band in zip(_ROWS, np.array_split(values, 3, axis=0), strict=True)
        for column, cell in zip(_COLUMNS, np.array_split(band, 3, axis=1), strict=True)
    ]
    parts = []
    for sign, word in ((1, "for"), (-1, "against")):
        strength = [float(np.clip(sign * cell, 0, None).sum()) for _, cell in fields]
        if (total := sum(strength)) > 0:
            best = int(np.argmax(strength))
            share = 100 * strength[best] / total
            parts.append(f"{share:.0f} percent of what speaks {word} lies {fields[best][0]}")
    return f"Map of {title}: {'; '.join(parts) or 'nothing counts'}."
