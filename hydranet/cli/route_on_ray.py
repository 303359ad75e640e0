"""`hydranet route --engine ray`: the same by the workers of a Ray cluster."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hydranet.bulk.parts import Summary
    from hydranet.bulk.remote import Place
    from hydranet.bulk.rows import Settings
    from hydranet.checkpoints import Checkpoint

RAY = "ray"
"""What stands for a cluster among the engines, which each run on one machine."""


def route_on_ray(
    checkpoint: Checkpoint,
    inputs: Sequence[Place],
    out: Place,
    settings: Settings,
    *,
    part_images: int,
    address: str | None,
    workers: int | None,
) -> Summary:
    """Check everything, then route `inputs` into `out`; for the rest see `hydranet.cluster`.

    Raises:
        InputError: the settings do not fit the network; the cluster, an input or `out` cannot be
            reached; or there is nothing to route.
    """
    from hydranet.bulk import sources
    from hydranet.cluster.plan import plan
    from hydranet.cluster.ray_cluster import check_address, connected
    from hydranet.cluster.results import Results

    settings.check(checkpoint.card)
    check_address(address)
    sources.check_inputs(inputs)
    planned = plan(inputs, without=out, part_images=part_images)
    results = Results(out)
    results.claim(checkpoint.card, settings, planned)
    with (
        redirect_stdout(sys.stderr),  # where Ray prints that it has lost a worker
        connected(address, workers=workers) as count,
    ):
        from hydranet.cluster.route import route_on_cluster  # Ray Data: while processes begin

        return route_on_cluster(
            checkpoint, planned, results, settings,
            workers=count, progress=sys.stderr.isatty(),
        )  # fmt: skip
