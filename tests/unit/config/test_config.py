"""Configurations: what is written is what is read, and what does not fit is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hydranet.config import HydraConfig, config_from_json
from hydranet.errors import InputError
from hydranet.registry import list_models, model_config


@pytest.mark.parametrize("name", list_models())
def test_round_trip(name: str) -> None:
    config = model_config(name, num_classes=7, image_size=24)
    again = config_from_json(json.loads(json.dumps(config.to_json())))
    assert again == config
    assert type(again) is type(config)


@pytest.mark.parametrize("name", list_models())
def test_the_static_network_that_each_is_made_of(name: str) -> None:
    config = model_config(name, num_classes=7, image_size=24)
    static = config.static
    assert not static.is_dynamic or static is config
    assert static.static is static
    assert (static.num_classes, static.image_size) == (7, 24)
    assert (static is config) == (not isinstance(config, HydraConfig))


@pytest.mark.parametrize(
    ("name", "title", "static"),
    [
        ("resnet14", "ResNet-14", "ResNet-14"),
        ("hydra_res_d2", "Hydra-Res-d2", "ResNet-14"),
        ("densenet22", "DenseNet-22", "DenseNet-22"),
        ("hydra_dense_d6", "Hydra-Dense-d6", "DenseNet-22"),
        ("multihead_resnet", "multi-head ResNet-20", "ResNet-20"),
        ("multihead_densenet", "multi-head DenseNet-13", "DenseNet-13"),
        ("early_exit_resnet", "early-exit ResNet-20", "early-exit ResNet-20"),
    ],
)
def test_titles(name: str, title: str, static: str) -> None:
    config = model_config(name)
    assert (config.title, config.static.title) == (title, static)


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("densenet13", {"growth": 0}, "growth must be a whole number from 1"),
        ("densenet13", {"channels": 2.5}, "channels must be a whole number"),
        ("densenet13", {"n": 65}, "n must be a whole number from 1 to 64, not 65"),
        ("hydra_dense_d2", {"k": 21}, "k, with 20 branches, must be .* from 1 to 20, not 21"),
        ("multihead_resnet", {"num_branches": 3}, "k, with 3 branches, must be .* to 3, not 4"),
        ("multihead_resnet", {"widths": (1, 2)}, "widths must be 3 channel counts"),
        ("multihead_densenet", {"widths": (1, 2, 3)}, "multihead_densenet cannot be changed so"),
    ],
)
def test_values_that_do_not_fit(name: str, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        model_config(name, **changes)


def test_unknown_families_list_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"one of backbone, densenet, .*resnet, .*not ''"):
        config_from_json({"family": ""})
