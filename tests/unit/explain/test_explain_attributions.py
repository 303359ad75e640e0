"""Attributions: what each method must satisfy, on every family of networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from explain_networks import SIDE, WITH_MAPS, picture, targets_of, tiny

from hydranet.errors import InputError
from hydranet.explain import attribute, estimate_seconds
from hydranet.explain.feature_maps import body_maps, branch_maps
from hydranet.explain.grad_cam import CutAtMaps
from hydranet.explain.methods import METHODS
from hydranet.explain.parts import fired_branches, private_clone
from hydranet.explain.targets import (
    BranchShare,
    ClassLogit,
    GateMargin,
    GateScore,
    TargetFunction,
)
from hydranet.models import DynamicNetwork, HydraNet
from hydranet.registry import model_config

NAMES = [method.name for method in METHODS]
GRAD_CAM, PATH, SMOOTH, OCCLUSION = NAMES


@pytest.fixture(scope="module")
def hydra() -> HydraNet:
    model = tiny()
    assert isinstance(model, HydraNet)
    return model


@pytest.mark.parametrize("name", WITH_MAPS, ids=lambda name: model_config(name).family)
def test_every_target_of_every_family(name: str) -> None:
    """The cut for Grad-CAM changes nothing, and every method gives one finite value a pixel."""
    model, x = tiny(name), picture()
    targets, route = targets_of(model, x)
    maps = branch_maps(model, x, 0) if isinstance(model, DynamicNetwork) else body_maps(model, x)
    one_pixel = maps.shape[1:] == (1, 1)
    for target in targets:
        with torch.no_grad():
            batch = torch.cat([x, picture(1)])
            whole = TargetFunction(private_clone(model), target, route)(batch)
            cut = CutAtMaps(private_clone(model), target, route)(batch)
        torch.testing.assert_close(cut, whole, atol=1e-5, rtol=1e-5)
        assert whole.shape == (2,)
        for method in NAMES:
            found = attribute(model, x, target, method, route=route)
            assert found.values.shape == (SIDE, SIDE)
            assert found.values.dtype == np.float32
            assert np.isfinite(found.values).all()
            if method != GRAD_CAM or not one_pixel:  # Grad-CAM keeps what is positive: maybe none
                assert np.abs(found.values).max() > 0, (target, method)
            assert found.score == pytest.approx(float(whole[0]), abs=1e-5)
            assert (found.method, found.target) == (method, target)
            assert (found.delta is None) == (method != PATH)
            assert bool(found.baseline) == (method in (PATH, OCCLUSION))


def test_experts_are_explained_by_their_answer_alone() -> None:
    """Each token's route is held still; what one expert or a score would be has no one number."""
    model, x = tiny("moe_vit"), picture()
    for method in NAMES:
        if method == GRAD_CAM:
            with pytest.raises(InputError, match="no feature maps"):
                attribute(model, x, ClassLogit(2), method)
            continue
        found = attribute(model, x, ClassLogit(2), method)
        assert np.isfinite(found.values).all()
        assert np.abs(found.values).max() > 0
        if method == PATH:
            assert found.relative_delta is not None
            assert found.relative_delta < 0.2
    for target in (BranchShare(0, 2), GateScore(0), GateMargin(0, 1)):
        with pytest.raises(InputError, match="Every token of this network"):
            attribute(model, x, target, OCCLUSION)


def test_targets_are_what_the_forward_gives(hydra: HydraNet) -> None:
    x = picture()
    (logit, share, score, margin), route = targets_of(hydra, x)
    with torch.no_grad():
        out = hydra(x)
        shares = hydra.combiner.shares(out.features, out.route.weights)[0]  # (k, C)
    best, second = out.route.indices[0].tolist()
    refused = max({0, 1, 2, 3} - {best, second}, key=lambda b: float(out.gate_scores[0, b]))
    expected = [
        out.logits[0, 2], shares[1, 2], out.gate_scores[0, second],
        out.gate_scores[0, second] - out.gate_scores[0, refused],
    ]  # fmt: skip
    for target, value in zip((logit, share, score, margin), expected, strict=True):
        found = attribute(hydra, x, target, GRAD_CAM, route=route)
        assert found.score == pytest.approx(float(value), abs=1e-5)


@pytest.mark.parametrize("method", NAMES)
def test_the_shares_of_the_branches_add_up_to_the_logit(hydra: HydraNet, method: str) -> None:
    """All methods are linear in what they explain; the bias explains no pixel."""
    x = picture()
    with torch.no_grad():
        route = hydra(x).route
    whole = attribute(hydra, x, ClassLogit(3), method).values
    parts = [
        attribute(hydra, x, BranchShare(branch, 3), method, route=route).values
        for branch in fired_branches(route)
    ]
    np.testing.assert_allclose(sum(parts), whole, atol=1e-5)
    assert np.abs(parts[0] - whole).max() > 1e-3


def test_integrated_gradients_are_complete(hydra: HydraNet) -> None:
    x = picture()
    targets, route = targets_of(hydra, x)
    for target in targets:
        with torch.no_grad():
            function = TargetFunction(private_clone(hydra), target, route)
            difference = float(function(x) - function(torch.zeros_like(x)))
        found = attribute(hydra, x, target, PATH, route=route, steps=512)
        assert found.delta is not None
        assert found.relative_delta is not None
        total = float(found.values.sum())
        assert total == pytest.approx(difference, abs=0.02 * abs(difference))
        assert found.delta == pytest.approx(total - difference, abs=1e-4)
        assert found.relative_delta == pytest.approx(
            abs(found.delta / difference), rel=0.05, abs=1e-4
        )


def test_the_convergence_delta_shows_too_few_steps(hydra: HydraNet) -> None:
    coarse, fine = (attribute(hydra, picture(), ClassLogit(2), PATH, steps=s) for s in (1, 256))
    assert coarse.relative_delta is not None
    assert fine.relative_delta is not None
    assert coarse.relative_delta > 10 * fine.relative_delta


def test_grad_cam_by_hand(hydra: HydraNet) -> None:
    """Selvaraju et al., equations 1 and 2, summed over the fired branches, without the ReLU."""
    x = picture()
    stem = hydra.stem(x)
    route = hydra(x).route
    coarse = torch.zeros(1, 1, SIDE // 4, SIDE // 4)
    for branch, weight in zip(fired_branches(route), route.weights[0], strict=True):
        maps = hydra.branches[branch].body.maps(stem).detach().requires_grad_()
        feature = hydra.branches[branch].projection(maps.mean(dim=(2, 3)))
        logit = weight * feature[0] @ hydra.combiner.output.weight[4]
        (gradient,) = torch.autograd.grad(logit, maps)
        coarse += (gradient.mean(dim=(2, 3), keepdim=True) * maps.detach()).sum(dim=1, keepdim=True)
    expected = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bilinear")[0, 0]
    found = attribute(hydra, x, ClassLogit(4), GRAD_CAM).values
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.min() < 0 < found.max()


def test_occlusion_by_hand(hydra: HydraNet) -> None:
    """The mean, over the patches that cover a pixel, of what the target loses."""
    x = picture()
    route = hydra(x).route
    total, covered = torch.zeros(SIDE, SIDE), torch.zeros(SIDE, SIDE)
    for top in range(SIDE - 1):
        for left in range(SIDE - 1):
            hidden = x.clone()
            patch = (slice(top, top + 2), slice(left, left + 2))
            hidden[:, :, *patch] = 0
            total[patch] += (hydra(x, route=route).logits - hydra(hidden, route=route).logits)[0, 1]
            covered[patch] += 1
    found = attribute(hydra, x, ClassLogit(1), OCCLUSION).values
    np.testing.assert_allclose(found, total / covered, atol=1e-5)


def test_smooth_grad_draws_its_noise_from_its_seed(hydra: HydraNet) -> None:
    first, again, other = (
        attribute(hydra, picture(), ClassLogit(2), SMOOTH, seed=seed).values for seed in (5, 5, 6)
    )
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 1e-4


@pytest.mark.parametrize("method", NAMES)
def test_an_estimate_is_of_the_right_size(hydra: HydraNet, method: str) -> None:
    """Loose: a busy machine may be many times slower from one moment to the next."""
    x = picture()
    took = attribute(hydra, x, ClassLogit(2), method).seconds
    estimate = estimate_seconds(hydra, x, ClassLogit(2), method)
    assert took / 100 < estimate < took * 100
