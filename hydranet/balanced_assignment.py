"""Classes given to centroids at the least total distance, all centroids getting as many. Light.

A transportation problem, solved exactly by successive shortest augmenting paths (Ahuja, Magnanti,
Orlin, "Network Flows", 1993, chapter 9). A path runs over centroids, of which there are few, not
over classes: so with many classes it is faster than a linear assignment problem of one row a class
and one column a place. Tests compare the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FULL = np.inf


def assign_balanced(distances: NDArray[np.floating]) -> NDArray[np.int64]:
    """The assignment of C classes to N centroids of least total distance, of equal sizes.

    `distances`: (C, N), finite, C ≥ N. Each centroid gets ⌊C/N⌋ classes or, where N does not divide
    C, one more.
    """
    return _Assignment(np.asarray(distances, np.float64)).solve()


class _Assignment:
    """Classes are placed one by one; each pushes on others along the cheapest path to a place."""

    def __init__(self, distances: NDArray[np.float64]) -> None:
        classes, centroids = distances.shape
        self.distances = distances
        self.least, self.most = classes // centroids, -(-classes // centroids)
        self.subtask = np.full(classes, -1, np.int64)
        self.sizes = np.zeros(centroids, np.int64)
        self.push = np.full((centroids, centroids), np.inf)  # the cost of a class from a to b
        self.pushed = np.zeros((centroids, centroids), np.int64)  # the class that would move
        # A place that must be filled is worth more than any detour on the way to it.
        self.reward = 1.0 + 4 * centroids * float(np.abs(distances).max())

    def solve(self) -> NDArray[np.int64]:
        """(C,) int64."""
        for index in range(len(self.subtask)):
            self._place(index)
        return self.subtask

    def _place(self, index: int) -> None:
        cost, before = self._cheapest(self.distances[index])
        end = np.where(
            self.sizes < self.least, -self.reward, np.where(self.sizes < self.most, 0.0, _FULL)
        )
        here = int((cost + end).argmin())
        self.sizes[here] += 1
        changed = [here]
        while (source := int(before[here])) >= 0:
            self.subtask[self.pushed[source, here]] = here
            changed.append(source)
            here = source
        self.subtask[index] = here
        for centroid in changed:
            self._refresh(centroid)

    def _cheapest(
        self, start: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The cost of a path that ends at each centroid, and the centroid before it or -1.

        Bellman and Ford: costs of pushing can be negative, but no cycle's is.
        """
        cost, before = start.copy(), np.full(len(start), -1, np.int64)
        slack = 1e-12 * self.reward / len(start)
        for _ in range(len(start)):
            through = cost[:, None] + self.push  # (N, N) from a to b
            source = through.argmin(axis=0)
            found = through[source, np.arange(len(cost))]
            better = found < cost - slack
            if not better.any():
                break
            cost[better], before[better] = found[better], source[better]
        return cost, before

    def _refresh(self, centroid: int) -> None:
        """The cheapest class of a centroid to push to each other one."""
        members = np.flatnonzero(self.subtask == centroid)
        extra = self.distances[members] - self.distances[members, centroid][:, None]  # (m, N)
        cheapest = extra.argmin(axis=0)
        self.push[centroid] = extra[cheapest, np.arange(extra.shape[1])]
        self.push[centroid, centroid] = np.inf
        self.pushed[centroid] = members[cheapest]
