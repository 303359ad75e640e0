"""What the charts of shares, feature maps and other routes hold, and what a click sets."""

from __future__ import annotations

import numpy as np
import pytest

from app.charts.choices import change_bars, subsets_scatter
from app.charts.feature_maps import maps_picture, montage, silent, strongest
from app.charts.shares import BIAS, share_bars
from app.intake import take_sample
from hydranet.checkpoints import load
from hydranet.routing.choices import every_subset, single_changes
from hydranet.routing.examination import examine
from hydranet.routing.switchboard import Examined


@pytest.fixture(scope="module")
def examined() -> Examined:
    """A sample photo, seen by the shipped HydraNet."""
    return examine(load("hydra_res_d1"), take_sample("rocket").image)


ROUTES = [(16,), (16, 10, 5, 12), tuple(range(20))]


@pytest.mark.parametrize("fired", ROUTES)
def test_shares_and_bias_add_up_to_the_logit(examined: Examined, fired: tuple[int, ...]) -> None:
    found = examined.answer(fired)
    for asked in (found.best, 0, 99):
        rival = next(c for c, _ in found.top(2) if c != asked)
        names = ("asked", "rival")
        for bars, c in zip(
            share_bars(found, examined.output_bias, asked, rival, names).data,
            (asked, rival),
            strict=True,
        ):
            assert bars.x[-1] == BIAS
            assert sum(bars.y) == pytest.approx(float(found.logits[c]), abs=1e-4)


def test_the_switched_answer_is_the_networks_own(examined: Examined) -> None:
    """Shares are exact of the network, not only of themselves."""
    from hydranet.prediction import predict

    image = take_sample("rocket").image
    found = predict(load("hydra_res_d1"), [image], branches=(16, 3, 7), runs=1)[0]
    assert np.allclose(examined.answer((16, 3, 7)).logits, found.logits, atol=1e-4)


def test_change_bars_say_what_one_branch_does(examined: Examined) -> None:
    found = examined.answer((16, 10, 5, 12))
    probability = float(found.probabilities[found.best])
    changes = single_changes(examined, found.fired, found.best)
    names = [str(c) for c in range(100)]
    (bars,) = change_bars(changes, probability, found.best, names).data
    assert list(bars.x) == [str(b) for b in range(20)]
    without = examined.answer((10, 5, 12))
    expected = 100 * (float(without.probabilities[found.best]) - probability)
    assert bars.y[16] == pytest.approx(expected, abs=1e-3)
    assert bars.hovertext[16].startswith("Without branch 16")
    assert bars.hovertext[0].startswith("With branch 0")
    assert (bars.text[16] == "★") == (without.best != found.best)
    assert len(bars.marker.color[16]) == len("#rrggbb")
    assert len(bars.marker.color[0]) == len("#rrggbbaa"), "what did not fire is pale"


def test_scatter_holds_every_route_and_rings_the_one_that_ran(examined: Examined) -> None:
    found = examined.answer((16, 10, 5, 12))
    subsets = every_subset(examined, found.fired, found.best)
    routes, ring, *best = subsets_scatter(subsets, found.best, [str(c) for c in range(100)]).data
    assert len(routes.x) == 2 ** len(subsets.pool) - 1
    assert ring.y[0] == pytest.approx(100 * float(found.probabilities[found.best]), abs=1e-3)
    assert ring.x[0] == pytest.approx(found.macs / 1e6)
    assert routes.customdata[subsets.chosen].split() == sorted(
        (str(b) for b in found.fired), key=int
    )
    if best:
        assert best[0].y[0] > ring.y[0]
        assert best[0].x[0] <= ring.x[0]


def test_montage_puts_channel_after_channel_with_gaps() -> None:
    maps = np.arange(5 * 2 * 3, dtype=np.float32).reshape(5, 2, 3)
    picture = montage(maps, across=4)
    assert picture.shape == (2 * 3 - 1, 4 * 4 - 1)
    assert np.array_equal(picture[:2, :3], maps[0])
    assert np.array_equal(picture[:2, 4:7], maps[1])
    assert np.array_equal(picture[3:, :3], maps[4])
    assert np.isnan(picture[2]).all()
    assert np.isnan(picture[3:, 4:]).all()


def test_maps_of_a_part_share_one_scale_that_fits_their_signs() -> None:
    maps = np.zeros((3, 2, 2), np.float32)
    maps[1] = 2.0
    (heat,) = maps_picture(maps, "maps").data
    assert (heat.zmin, heat.zmax) == (0.0, 2.0)
    assert silent(maps) == 2
    assert strongest(maps) == 1
    maps[2] = -4.0
    (heat,) = maps_picture(maps, "maps").data
    assert (heat.zmin, heat.zmax) == (-4.0, 4.0)
    assert strongest(maps) == 2


def test_a_figure_of_many_maps_stays_small() -> None:
    maps = np.random.default_rng(0).random((64, 16, 16), dtype=np.float32)
    assert len(maps_picture(maps, "maps").to_json()) < 200_000
