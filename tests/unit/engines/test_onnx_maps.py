"""Feature maps from ONNX graphs are those of the torch modules, part by part."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydranet.checkpoints import find_checkpoint, load_model
from hydranet.engines.onnx.maps import feature_maps, part_names
from hydranet.errors import InputError
from hydranet.explain.feature_maps import body_maps, branch_maps, gate_maps, stem_maps
from hydranet.prediction import network_input

MODELS = ["resnet14", "hydra_res_d1", "multihead_resnet", "densenet10", "multihead_densenet"]
PIXELS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize("model", MODELS)
def test_every_part_has_the_maps_of_the_torch_modules(
    model: str, tmp_path: Path, make_checkpoint: Any
) -> None:
    checkpoint = find_checkpoint(make_checkpoint("tiny", tmp_path, model=model))
    network = load_model(checkpoint)
    _, x = network_input(checkpoint.card, PIXELS)
    whole = {"stem": stem_maps, "gate": gate_maps, "last stage": body_maps}
    names = part_names(checkpoint.card)
    assert len(names) == {"static": 2, "heads": 5, "gated": 6}[_kind(model)]
    for part in names:
        if part in whole:
            expected = whole[part](network, x)
        else:
            expected = branch_maps(network, x, int(part.removeprefix("branch ")))
        found = feature_maps(checkpoint, PIXELS, part)
        assert (found.shape, found.dtype) == (expected.shape, np.float32)
        assert np.allclose(found, expected, rtol=0, atol=1e-4 * max(1, np.abs(expected).max()))


def _kind(model: str) -> str:
    if model.startswith("multihead"):
        return "heads"
    return "gated" if model.startswith("hydra") else "static"


@pytest.mark.parametrize(
    ("model", "part"),
    [("resnet8", "gate"), ("resnet8", "branch 0"), ("hydra_res_d1", "branch 4"),
     ("hydra_res_d1", "last stage"), ("multihead_resnet", "gate")],
)  # fmt: skip
def test_a_part_that_is_not_there_is_refused_with_those_that_are(
    model: str, part: str, tmp_path: Path, make_checkpoint: Any
) -> None:
    checkpoint = find_checkpoint(make_checkpoint("tiny", tmp_path, model=model))
    with pytest.raises(InputError, match=rf"no part '{part}'. Its parts are: stem, "):
        feature_maps(checkpoint, PIXELS, part)


def test_an_image_of_another_size_is_refused(tmp_path: Path, make_checkpoint: Any) -> None:
    checkpoint = find_checkpoint(make_checkpoint("tiny", tmp_path))
    with pytest.raises(InputError, match="16×16×3"):
        feature_maps(checkpoint, PIXELS[:8], "stem")


def test_no_torch_is_needed(tmp_path: Path, make_checkpoint: Any) -> None:
    folder = make_checkpoint("tiny", tmp_path)
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from hydranet.checkpoints import find_checkpoint\n"
        "from hydranet.engines.onnx.maps import feature_maps\n"
        "pixels = np.zeros((16, 16, 3), np.uint8)\n"
        "print(feature_maps(find_checkpoint(sys.argv[1]), pixels, 'gate').shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "(8, 4, 4)\n", done.stderr
