"""A vision transformer with experts: every token's route, its cost, and everything around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from hydranet.checkpoints import list_checkpoints, load
from hydranet.config import MoeViTConfig, config_from_json
from hydranet.costs import count_costs
from hydranet.data import ImageSet
from hydranet.data.batches import Batches
from hydranet.data.normalisation import Normalisation
from hydranet.engines import answers, open_engine
from hydranet.errors import InputError
from hydranet.evaluation.labelled import evaluate
from hydranet.models.counted import counted_costs
from hydranet.models.moe_vit import MoeViT
from hydranet.prediction import predict
from hydranet.registry import model_config
from hydranet.routing.examination import examine
from hydranet.routing.routes import PADDING
from hydranet.routing.switchboard import Switchboard
from hydranet.routing.token_switchboard import ExaminedTokens

SHAPE: dict[str, Any] = {
    "patch": 4, "dim": 8, "depth": 2, "heads": 2, "num_branches": 4, "k": 2, "num_classes": 5,
    "image_size": 16,
}  # fmt: skip


def network(**changes: Any) -> MoeViT:
    torch.manual_seed(0)
    model = MoeViT(MoeViTConfig(**{**SHAPE, **changes}))
    with torch.no_grad():
        model.gate.score.weight.mul_(4)
    return model.eval()


def test_each_token_runs_its_k_best_experts_weighted_by_the_router() -> None:
    model, x = network(), torch.randn(3, 3, 16, 16)
    with torch.no_grad():
        output = model(x)
        tokens = model.stem(x)  # (B·T, D)
        shares = model.gate(tokens).softmax(dim=1)
        added = torch.zeros_like(tokens)
        for row, (fired, weights) in enumerate(
            zip(output.route.indices.tolist(), output.route.weights, strict=True)
        ):
            assert fired == shares[row].argsort(descending=True)[:2].tolist()
            torch.testing.assert_close(weights, shares[row][fired])
            for expert, weight in zip(fired, weights, strict=True):
                added[row] += weight * model.branches[expert](tokens[row])
        mean = (tokens + added).view(3, 16, 8).mean(dim=1)
        torch.testing.assert_close(output.logits, model.combiner.output(mean))
    assert len(output.route.indices) == 3 * 16


def test_a_router_learns_even_where_one_expert_runs() -> None:
    model = network(k=1)
    model(torch.randn(2, 3, 16, 16)).logits.sum().backward()
    grad = model.gate.score.weight.grad
    assert grad is not None
    assert grad.abs().max() > 0


@pytest.mark.parametrize(
    "changes", [{}, {"k": 1}, {"depth": 1}, {"heads": 1, "mlp": 3}, {"patch": 8}, {"dim": 4}]
)
def test_costs_are_those_that_an_independent_counter_counts(changes: dict[str, Any]) -> None:
    model = network(**changes)
    costs = count_costs(model.config)
    assert costs == counted_costs(model.config)
    assert costs.parameters == sum(p.numel() for p in model.parameters())
    for k in (1, 2, 4):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(torch.randn(1, 3, 16, 16), k=k)
        assert counter.get_total_flops() == 2 * costs.macs(k)


def test_costs_of_the_registered_one() -> None:
    costs = count_costs(model_config("moe_vit"))
    assert (costs.parameters, costs.routed_macs, costs.rows) == (730_092, 35_743_104, 64)


def test_an_image_is_charged_for_the_experts_that_its_tokens_ran() -> None:
    model = network()
    costs = count_costs(model.config)
    x = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        shares = model.gate(model.stem(x)).softmax(dim=1).sort(dim=1).values
        threshold = float(shares[:, -2].median())
        with FlopCounterMode(display=False) as counter:
            output = model(x, threshold=threshold)
    view = model.image_view(output)
    ran = view.fired[0] != PADDING
    spent = costs.branch_macs(view.fired[0][ran].tolist(), view.rows[0][ran].tolist())
    assert counter.get_total_flops() == 2 * (costs.always + sum(spent))
    assert 16 < int(view.rows.sum()) < 32


def test_shares_of_an_image_are_exact() -> None:
    model, x = network(), torch.randn(3, 3, 16, 16)
    with torch.no_grad():
        output = model(x)
        view = model.image_view(output)
        rest = model.combiner.output(model.combiner.mean(model.stem(x)))
        shares = model.combiner.shares(view.features, view.weights)
    torch.testing.assert_close(shares.sum(dim=1) + rest, output.logits)
    torch.testing.assert_close(view.gate_scores.softmax(dim=1).sum(dim=1), torch.ones(3))
    assert (view.weights[:, :-1] >= view.weights[:, 1:]).all(), "what counts most stands first"


def test_a_configuration_reads_back_and_checks_itself() -> None:
    config = MoeViTConfig(**SHAPE)
    assert config_from_json(config.to_json()) == config
    for wrong, sentence in (
        ({"heads": 3}, "8 is no multiple of 3"),
        ({"image_size": 18}, "18 pixels are no multiple of 4"),
        ({"k": 5}, "k, with 4 branches"),
        ({"depth": 0}, "depth must be a whole number from 1 to 64, not 0"),
    ):
        with pytest.raises(InputError, match=sentence):
            MoeViTConfig(**{**SHAPE, **wrong})


@pytest.fixture
def stored(tmp_path: Path, make_checkpoint: Callable[..., Path]) -> Any:
    make_checkpoint("experts", tmp_path, model="moe_vit", shape=SHAPE)
    (found,), damaged = list_checkpoints(tmp_path)
    assert not damaged
    return found


@pytest.mark.parametrize("name", ["reference", "eager", "auto"])
@pytest.mark.parametrize("k", [None, 1, 4])
def test_engines_agree(stored: Any, name: str, k: int | None) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    engine = open_engine(stored, name)
    found = engine.run(pixels, k=k)
    model = load(stored.folder)
    x = model.card.normalisation.apply(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    with torch.no_grad():
        output = model(x, k=k, execution="reference")
    np.testing.assert_allclose(found.logits, output.logits.numpy(), atol=1e-4)
    for answer in answers(engine, found):
        assert answer.macs == stored.card.costs.macs(k or 2)
        assert len(answer.fired) == len(answer.branch_macs) == len(set(answer.fired))


def test_a_switchboard_is_what_a_forward_gives(stored: Any) -> None:
    model = load(stored.folder)
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    examined = examine(model, pixels)
    assert isinstance(examined, ExaminedTokens)
    for k in (1, 2, 3):
        found = examined.run(Switchboard(k=k))
        (again,) = predict(model, [pixels], k=k, runs=1)
        np.testing.assert_allclose(found.logits, again.logits, atol=1e-5)
        assert (found.fired, found.macs) == (again.fired, again.macs)
        np.testing.assert_allclose(found.weights, again.weights, atol=1e-6)
        assert found.tokens is not None
        assert found.tokens.shape == (16, k)
    off = examined.run(Switchboard(k=2, off=frozenset({1})))
    (again,) = predict(model, [pixels], branches=[0, 2, 3], runs=1)
    np.testing.assert_allclose(off.logits, again.logits, atol=1e-5)
    np.testing.assert_allclose(examined.answer((0, 2, 3)).logits, again.logits, atol=1e-5)
    assert 1 not in off.fired
    masks = np.array([[True, False, True, True], [True] * 4])
    one, every = examined.probabilities(masks)
    np.testing.assert_allclose(one, off.probabilities, atol=1e-6)
    np.testing.assert_allclose(every, examined.run(Switchboard(k=2)).probabilities, atol=1e-6)
    assert examined.macs(masks).tolist() == [stored.card.costs.macs(2)] * 2


def test_evaluation_says_which_experts_count_most() -> None:
    model = network()
    rng = np.random.default_rng(0)
    images = ImageSet(
        "noise", rng.integers(0, 256, (40, 16, 16, 3), np.uint8), np.arange(40) % 5,
        tuple("abcde"),
    )  # fmt: skip
    normalisation = Normalisation((0.5,) * 3, (0.25,) * 3)
    found = evaluate(model, Batches(images, normalisation, device=torch.device("cpu")))
    assert found.routes.fired is not None
    assert found.routes.fired.shape == (40, 2)
    assert sum(found.metrics.branch_load) == pytest.approx(2, abs=0.01)
    assert found.metrics.dynamic == []
    assert len(found.metrics.top1_by_k) == 4
    assert found.class_features.mean.shape == (5, 8)
