"""What a part of a network made of an image, channel by channel. Draws nothing.

Where pages are answered by the onnx engine, its graphs give the maps too; else torch does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import services
from app.cores.computing import once
from app.cores.kept import Kept
from app.services import Key, key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.inspection import Inspection

_KEPT: Kept[tuple[Key, str], NDArray[np.float32]] = Kept(64)


def feature_maps(inspection: Inspection, part: str) -> NDArray[np.float32]:
    """(channels, h, w) of a part: "stem", "gate", "branch 3" or "last stage".

    Raises:
        InputError: the network has no such part, or it takes a package that is missing.
    """
    asked = key(inspection.checkpoint, inspection.intake), part
    if services.engine(inspection.checkpoint).name == "onnx":
        from hydranet.engines.onnx.maps import feature_maps as maps

        return once(_KEPT, asked, lambda: maps(inspection.checkpoint, inspection.pixels, part))
    return _of_torch(inspection, asked)


def _of_torch(inspection: Inspection, asked: tuple[Key, str]) -> NDArray[np.float32]:
    from app.torch_services import network

    model = network(inspection.checkpoint)
    from hydranet.explain import feature_maps as maps
    from hydranet.prediction import network_input

    whole = {"stem": maps.stem_maps, "gate": maps.gate_maps, "last stage": maps.body_maps}
    part = asked[1]

    def compute() -> NDArray[np.float32]:
        _, x = network_input(inspection.card, inspection.pixels)
        if part in whole:
            return whole[part](model, x)
        return maps.branch_maps(model, x, int(part.removeprefix("branch ")))

    return once(_KEPT, asked, compute)
