"""The paper's ImageNet variant: its shapes, and a step of training at the size of its images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hydranet.config import HydraResSepConfig
from hydranet.data import ImageSet
from hydranet.errors import InputError
from hydranet.models import HydraNet, create_model
from hydranet.training.finish import finish
from hydranet.training.recipe import Recipe
from hydranet.training.run import train_model
from hydranet.training.upcycling import upcycle


def test_shapes_of_the_parts() -> None:
    model = create_model("hydra_ressep_d2").eval()
    assert isinstance(model, HydraNet)
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        seen = model.stem(x)
        assert seen.shape == (1, 256, 14, 14)
        branch = model.branches[49]
        assert branch.body.maps(seen).shape == (1, 128, 7, 7)  # type: ignore[operator,union-attr]
        assert branch(seen).shape == (1, 1024)
        assert model.gate(seen).shape == (1, 50)
    static = create_model("ressep_d2").eval()
    with torch.no_grad():
        assert static.stem(x).shape == (1, 512, 14, 14)


def test_a_step_of_training_at_224_becomes_a_checkpoint(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 3)
    pixels = rng.integers(0, 256, (12, 224, 224, 3), dtype=np.uint8)
    images = ImageSet("noise", pixels, labels, ("a", "b", "c", "d"))
    recipe = Recipe(
        epochs=1, batch_size=8, precision="float32", compile="off", validation_images=4,
        subtasks="random",
    )  # fmt: skip
    options = {"recipe": recipe, "device": torch.device("cpu")}
    run = train_model("hydra_ressep_d2", images, load_network=pytest.fail, **options)  # type: ignore[arg-type]
    assert run.config == HydraResSepConfig(num_classes=4, num_branches=4, k=2)
    assert len(run.history) == 1
    assert np.isfinite(run.history[0].loss)
    test = images.subset(np.arange(4))
    card = finish(run, name="own", test=test, root=tmp_path, device=torch.device("cpu"))
    assert card.costs.num_branches == 4


def test_what_is_narrower_starts_anew() -> None:
    """Stem and branches are narrower than ResSep's, so nothing of it fits; that is no error."""
    shape = {"num_classes": 3, "image_size": 32, "widths": (8, 8, 16, 16), "first": 8}
    hydra = create_model("hydra_ressep_d2", num_branches=2, k=1, **shape)
    assert upcycle(hydra, create_model("ressep_d2", **shape)) == ()
    full = create_model(
        "hydra_ressep_d2", num_branches=2, k=1, stem_width=1.0, branch_width=1.0, **shape
    )
    static = create_model("ressep_d2", **shape)
    assert upcycle(full, static) == ("stem", "body", "output layer")


@pytest.mark.parametrize("field", ["stem_width", "branch_width", "gate_width"])
@pytest.mark.parametrize("value", [0.0, 1.5, True])
def test_widths_are_shares(field: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{field} must be a number above 0 and at most 1"):
        create_model("hydra_ressep_d2", **{field: value})
