"""What the first visitor would wait for, done before there is one: the page Inspect is imported,
and its first network opened and asked for the first sample photo.

No more than that: what only another page or an explanation needs is loaded when it is asked for.
"""

from __future__ import annotations

import time

from app.server.logs import log
from hydranet.errors import InputError
from hydranet.optional import in_words


def warm_up() -> None:
    """As far as it goes: what is wrong with a checkpoint is said to visitors."""
    started = time.perf_counter()
    try:
        _look_once()
    except InputError as error:
        log.warning(str(error))
    except ModuleNotFoundError as error:  # pages say so themselves, where it is needed
        if (said := in_words(error)) is None:
            raise
        log.warning(str(said))
    log.info("warmed up", extra={"fields": {"seconds": round(time.perf_counter() - started, 2)}})


def _look_once() -> None:
    from app import services
    from app.charts.network import network_picture
    from app.feature_maps import feature_maps
    from app.inspection import inspect
    from app.intake import take_sample
    from app.views.inspect import sections  # noqa: F401 # draws nothing before it is called
    from app.views.inspect.controls import first_of
    from app.views.inspect.source import FIRST_SAMPLE
    from hydranet.switchboard import Switchboard

    good, _ = services.checkpoints()
    if not good:
        return
    checkpoint = first_of(good)
    costs = checkpoint.card.costs
    board = Switchboard(k=costs.k) if costs.num_branches else None
    inspection = inspect(checkpoint, take_sample(FIRST_SAMPLE), board)
    network_picture(checkpoint.card, inspection.found, board=board).to_json()
    feature_maps(inspection, "stem")
