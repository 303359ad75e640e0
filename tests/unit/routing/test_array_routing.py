"""One image is routed without arrays, and exactly as it is in a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hydranet.routing.arrays import choose

SCORES = {
    "spread": np.random.default_rng(0).normal(0, 3, (1, 12)),
    "all alike": np.zeros((1, 12)),
    "some alike": np.array([[1.0, 2.0, 2.0, 1.0, 2.0, 0.0]]),
    "far apart": np.array([[-1e30, 1e30, 0.0, 88.0, -88.0, 1e30]]),
    "one branch": np.array([[0.5]]),
    "no number": np.array([[0.0, np.nan, 1.0, 2.0, 3.0, 4.0]]),
    "infinite": np.array([[0.0, np.inf, 1.0, -np.inf, 3.0, 4.0]]),
}


def as_in_a_batch(scores: NDArray[np.float32], **how: Any) -> list[NDArray[Any]]:
    both = np.concatenate([scores, scores])
    if "fired" in how:
        how["fired"] = np.concatenate([how["fired"]] * 2)
    return [values[:1] for values in choose(both, **how)]


@pytest.mark.parametrize("kind", SCORES)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_one_image_is_routed_as_in_a_batch(kind: str) -> None:
    scores = SCORES[kind].astype(np.float32)
    branches = scores.shape[1]
    ways: list[dict[str, Any]] = [{"k": k} for k in range(1, branches + 1)]
    ways += [{"k": branches, "threshold": threshold} for threshold in (0.05, 0.3, 1.0)]
    for given in ([0], [3, -1, 1], [5, 2, 0, 1, 4], [-1, 4, -1, 5]):
        if max(given) < branches:
            ways.append({"k": 1, "fired": np.array([given])})
    for how in ways:
        found: list[NDArray[Any]] = list(choose(scores, **how))
        expected = as_in_a_batch(scores, **how)
        for a, b in zip(found, expected, strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_array_equal(found[0], expected[0], err_msg=str(how))
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-6, err_msg=str(how))
