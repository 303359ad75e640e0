"""What the first visitor would wait for, done before there is one: the page Inspect is imported,
its first network opened and asked for the first sample photo, and what stands beside the answer
read and timed.

No more than that: what only another page or an explanation needs is loaded when it is asked for.
"""

from __future__ import annotations

import inspect as python_inspect
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
    from app.inspection import inspect, own_board
    from app.intake import take_sample
    from app.views import look, sign_in  # noqa: F401 # these draw nothing before they are called
    from app.views.inspect import answer, filmstrip, sections  # noqa: F401 # as above
    from app.views.inspect.controls import first_of
    from app.views.inspect.cost import baseline_of, cost_table
    from app.views.inspect.source import FIRST_SAMPLE

    good, _ = services.checkpoints()
    if not good:
        return
    checkpoint = first_of(good)
    board = own_board(checkpoint.card)
    inspection = inspect(checkpoint, take_sample(FIRST_SAMPLE), board)
    network_picture(checkpoint.card, inspection.found, board=board).to_json()
    feature_maps(inspection, "stem")
    services.route_log_if_any(checkpoint)
    cost_table(inspection, baseline_of(inspection))
    # Streamlit asks for the stack at its first element, and Python then looks up the file of every
    # module that is loaded, once: a third of the first visitor's wait.
    python_inspect.stack()
