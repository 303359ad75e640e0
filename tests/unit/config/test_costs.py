"""Costs are exact integers, and agree with the modules and with an independent counter."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hydranet.config import ArchitectureConfig
from hydranet.costs import Cost, count_costs
from hydranet.errors import InputError
from hydranet.models import HydraNet, build
from hydranet.models.dynamic import DynamicNetwork
from hydranet.published import published_results
from hydranet.registry import list_models, model_config

MODELS = list_models()
DYNAMIC = [name for name in MODELS if model_config(name).is_dynamic]


def counted_macs(model: nn.Module, side: int, **options: Any) -> float:
    """Of one image, by torch's own counter, which counts 2 for each."""
    x = torch.zeros(1, 3, side, side)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(x, **options)
    return counter.get_total_flops() / 2


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "expected", "macs"),
    [
        ("hydra_res_d1", 1_276_680, 26_418_688),
        ("hydra_res_d2", 2_853_576, 59_448_832),
        ("hydra_res_d4", 6_007_368, 125_509_120),
        ("resnet14", 178_356, 26_401_024),
        ("resnet56", 858_868, 125_491_456),
        ("densenet10", 192_676, 58_891_008),
        ("densenet13", 362_740, 106_157_856),
        ("densenet16", 585_652, 166_732_608),
        ("densenet22", 1_190_020, 327_805_824),
        ("densenet28", 2_005_780, 542_110_656),
        ("hydra_dense_d2", 1_985_016, 97_380_864),
        ("hydra_dense_d3", 3_948_840, 179_743_680),
        ("hydra_dense_d4", 6_580_872, 286_768_512),
        ("hydra_dense_d6", 13_849_560, 574_804_224),
        ("ressep_d2", 5_976_936, 765_731_328),
        ("hydra_ressep_d2", 12_479_834, 179_811_200),
        ("multihead_resnet", 905_632, 79_504_384),
        ("multihead_densenet", 979_360, 161_422_464),
    ],
)
def test_known_costs(name: str, expected: int, macs: int) -> None:
    costs = count_costs(model_config(name))
    assert (costs.parameters, costs.routed_macs) == (expected, macs)


def test_known_macs_of_resnet20() -> None:
    assert count_costs(model_config("resnet20")).routed_macs == 40_556_800


@pytest.mark.parametrize(
    ("d", "millions"), [(1, 1.28), (2, 2.85), (3, 4.43), (4, 6.01), (5, 7.58), (6, 9.16), (9, 13.9)]
)
def test_parameters_are_those_that_the_paper_prints(d: int, millions: float) -> None:
    digits = len(str(millions).partition(".")[2])
    parameters = count_costs(model_config(f"hydra_res_d{d}")).parameters
    assert round(parameters / 1e6, digits) == millions


@pytest.mark.parametrize(
    ("name", "published"),
    [(f"densenet{depth}", f"DenseNet-{depth}") for depth in (13, 16, 22, 28)]
    + [(f"hydra_dense_d{n}", f"Hydra-Dense-d{n}") for n in (2, 3, 4, 6)],
)
def test_macs_are_those_read_from_the_figure(name: str, published: str) -> None:
    (figure,) = (row for row in published_results() if row.model == published)
    costs = count_costs(model_config(name))
    assert costs.routed_macs / 1e6 == pytest.approx(figure.macs_m, rel=5e-4)
    if figure.params_m is not None:
        assert costs.parameters / 1e6 == pytest.approx(figure.params_m, abs=0.01)


def test_a_projection_in_hydra_dense_would_be_further_from_the_figure() -> None:
    """Why its branches have none."""
    for n in (2, 3, 4, 6):
        (figure,) = (row for row in published_results() if row.model == f"Hydra-Dense-d{n}")
        costs, features = count_costs(model_config(f"hydra_dense_d{n}")), 48 + 3 * n * 24
        without = abs(costs.routed_macs / 1e6 - figure.macs_m)
        with_one = abs((costs.routed_macs + 4 * features**2) / 1e6 - figure.macs_m)
        assert without < 0.2 * with_one


def test_heads_cost_all_that_is_not_the_trunk() -> None:
    """A multi-head network with one head is the static network."""
    for heads, static in (("multihead_resnet", "resnet20"), ("multihead_densenet", "densenet13")):
        costs = count_costs(model_config(heads, num_branches=1, k=1))
        whole = count_costs(model_config(static))
        assert (costs.parameters, costs.routed_macs) == (whole.parameters, whole.routed_macs)


def check_against_modules(config: ArchitectureConfig) -> None:
    """Parameters and MACs of the whole and of the parts."""
    costs = count_costs(config)
    model = build(config).eval()
    side = config.image_size
    assert costs.parameters == parameters(model)
    assert costs.routed_macs == counted_macs(model, side)
    if not isinstance(model, DynamicNetwork):
        assert costs.all_branches_macs == costs.routed_macs
        return
    assert costs.all_branches_macs == counted_macs(model, side, execution="reference")
    if not isinstance(model, HydraNet):
        return
    assert costs.stem.parameters == parameters(model.stem)
    assert costs.gate.parameters == parameters(model.gate)
    assert {costs.branch.parameters} == {parameters(branch) for branch in model.branches}
    assert costs.combiner.parameters == parameters(model.combiner)
    with torch.no_grad():
        x = model.stem(torch.zeros(1, 3, side, side))
    assert costs.stem.macs == counted_macs(model.stem, side)
    for part, module in ((costs.gate, model.gate), (costs.branch, model.branches[0])):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            module(x)
        assert 2 * part.macs == counter.get_total_flops()


@pytest.mark.parametrize("name", MODELS)
def test_costs_of_every_registered_network(name: str) -> None:
    check_against_modules(model_config(name))


@pytest.mark.parametrize(
    "changes",
    [
        {"image_size": 33},
        {"image_size": 64},
        {"image_size": 9, "num_classes": 2},
        {"num_classes": 10, "widths": (3, 5, 7)},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["resnet8", "resnet14", "hydra_res_d1", "hydra_res_d2"])
def test_costs_of_changed_networks(name: str, changes: dict[str, Any]) -> None:
    check_against_modules(model_config(name, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"image_size": 33},
        {"image_size": 9, "num_classes": 2},
        {"num_classes": 10, "growth": 5, "channels": 7},
        {"image_size": 14, "growth": 1, "channels": 1, "n": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["densenet10", "hydra_dense_d2", "multihead_densenet"])
def test_costs_of_changed_dense_networks(name: str, changes: dict[str, Any]) -> None:
    check_against_modules(model_config(name, **changes))


@pytest.mark.parametrize(("branches", "k"), [(1, 1), (5, 5), (20, 1), (20, 13), (33, 2)])
def test_costs_with_other_branches_and_k(branches: int, k: int) -> None:
    check_against_modules(model_config("hydra_res_d1", num_branches=branches, k=k))


@pytest.mark.parametrize("name", ["hydra_res_d1", "hydra_dense_d2", "multihead_resnet"])
def test_macs_of_every_k(name: str) -> None:
    config = model_config(name, num_branches=6, k=2)
    costs, model = count_costs(config), build(config).eval()
    for k in range(1, 7):
        assert costs.macs(k) == counted_macs(model, 32, k=k)


def test_an_unknown_family_has_no_costs() -> None:
    with pytest.raises(InputError, match="No costs are known"):
        count_costs(ArchitectureConfig())


def test_costs_add() -> None:
    assert Cost(1, 2) + Cost(10, 20) == Cost(11, 22)
