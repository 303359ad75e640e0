"""Feature maps are what the network computes on its way to its answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from explain_networks import WITH_MAPS, picture, tiny

from hydranet.explain import body_maps, branch_maps, gate_maps, stem_maps
from hydranet.models import DynamicNetwork
from hydranet.registry import model_config
from hydranet.routing.routes import PADDING


@pytest.mark.parametrize("name", WITH_MAPS, ids=lambda name: model_config(name).family)
def test_maps_lead_to_the_answer(name: str) -> None:
    model, x = tiny(name), picture()
    stem = stem_maps(model, x)
    assert stem.dtype == np.float32
    assert stem.ndim == 3
    with torch.no_grad():
        output = model(x)
        np.testing.assert_allclose(stem, model.stem(x)[0], atol=1e-6)
        if not isinstance(model, DynamicNetwork):
            pooled = torch.from_numpy(body_maps(model, x)).mean(dim=(1, 2))
            torch.testing.assert_close(model.head(pooled), output[0], atol=1e-5, rtol=1e-5)
            return
        for slot, branch in enumerate(output.route.indices[0].tolist()):
            if branch == PADDING:
                continue
            pooled = torch.from_numpy(branch_maps(model, x, branch)).mean(dim=(1, 2))
            feature = model.cut(branch)[1](pooled)
            torch.testing.assert_close(feature, output.features[0, slot], atol=1e-5, rtol=1e-5)
        if hasattr(model.gate, "score"):
            pooled = torch.from_numpy(gate_maps(model, x)).mean(dim=(1, 2))
            scores = model.gate.score(pooled)
            torch.testing.assert_close(scores, output.gate_scores[0], atol=1e-5, rtol=1e-5)


def test_a_branch_that_does_not_fire_has_maps_too() -> None:
    model, x = tiny(), picture()
    with torch.no_grad():
        (refused,) = {0, 1, 2, 3} - set(model(x, k=3).route.indices[0].tolist())
    assert branch_maps(model, x, refused).shape == (5, 4, 4)


def test_a_network_in_training_is_seen_as_it_would_answer() -> None:
    model, x = tiny(), picture()
    expected = stem_maps(model, x)
    model.train()
    np.testing.assert_array_equal(stem_maps(model, x), expected)
    assert model.training
