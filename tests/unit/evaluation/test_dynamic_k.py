"""The curve from the log is what a network does when its threshold is set."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hydranet.costs import count_costs
from hydranet.errors import InputError
from hydranet.evaluation.dynamic_k import branches_kept, dynamic_curve
from hydranet.models import HydraNet, create_model


def test_the_log_gives_what_a_forward_with_the_threshold_gives() -> None:
    torch.manual_seed(0)
    model = create_model(
        "hydra_res_d1", num_classes=5, num_branches=6, k=4, widths=(4, 4, 8), image_size=16
    )
    assert isinstance(model, HydraNet)
    model.eval()
    x, labels = torch.randn(60, 3, 16, 16), torch.randint(5, (60,))
    with torch.no_grad():
        model.gate.score.weight.mul_(8)
        scores = model(x).gate_scores
        by_k = [model(x, k=k).logits.argmax(dim=1) == labels for k in range(1, 7)]
        thresholds = (0.0, 0.1, 0.2, 0.3, 1.0)
        costs = count_costs(model.config)
        points = dynamic_curve(
            scores.numpy(), torch.stack(by_k, dim=1).numpy(), costs, thresholds=thresholds
        )
        for point in points:
            output = model(x, k=4, threshold=point.threshold)
            counts = output.route.counts
            assert point.mean_branches == pytest.approx(float(counts.float().mean()), abs=1e-4)
            macs = np.mean([costs.macs(int(count)) for count in counts])
            assert point.mean_macs == pytest.approx(float(macs), rel=1e-5)
            right = 100 * float((output.logits.argmax(dim=1) == labels).float().mean())
            assert point.top1 == pytest.approx(right, abs=0.01)
    assert [p.mean_branches for p in points] == sorted(p.mean_branches for p in points)[::-1]
    assert points[0].mean_branches == 4
    assert points[-1].mean_branches == 1
    assert 1 < points[1].mean_branches < 4


def test_the_best_branch_always_runs() -> None:
    assert branches_kept(np.zeros((3, 4)), 2, 0.9).tolist() == [1, 1, 1]


def test_scores_and_verdicts_need_one_shape() -> None:
    costs = count_costs(create_model("hydra_res_d1").config)
    with pytest.raises(InputError, match=r"\(2, 20\) and \(2, 4\)"):
        dynamic_curve(np.zeros((2, 20)), np.zeros((2, 4), bool), costs)
