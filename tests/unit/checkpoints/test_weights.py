"""Weights are read without torch, and are those that torch reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hydranet.checkpoints import find_checkpoint, load_model
from hydranet.checkpoints.weight_shapes import weight_shapes
from hydranet.checkpoints.weights import read_weights
from hydranet.models import build
from hydranet.registry import list_models, model_config


@pytest.mark.parametrize("name", list_models())
def test_shapes_are_those_of_the_network(name: str) -> None:
    config = model_config(name)
    with torch.device("meta"):
        state = build(config).state_dict()
    assert weight_shapes(config) == {key: tuple(value.shape) for key, value in state.items()}


@pytest.mark.parametrize("model", ["resnet8", "hydra_res_d1", "hydra_dense_d2", "multihead_resnet"])
def test_arrays_are_torchs(tmp_path: Path, make_checkpoint: Any, model: str) -> None:
    make_checkpoint("a", tmp_path, model=model)
    checkpoint = find_checkpoint("a", tmp_path)
    state = load_model(checkpoint).state_dict()
    weights = read_weights(checkpoint)
    floating = {key for key, value in state.items() if value.is_floating_point()}
    assert set(weights) == floating
    for key, value in weights.items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, state[key].numpy())
