"""What the web server has beside Streamlit's own: `/health`, `/metrics`, lines, an orderly end."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config

from app.cores.computing import ADMISSION
from app.handed_over.own_files import remove_left_behind
from app.server import counters
from app.server.ending import end_in_good_order
from app.server.garbage import collect_in_background
from app.server.health import Health
from app.server.logs import begin_request, log, write_lines
from app.server.sign_in import check_secrets
from app.server.warm_up import warm_up
from hydranet.errors import InputError
from hydranet.optional import in_words

if TYPE_CHECKING:
    from streamlit.starlette import App

_FRESH = {"Cache-Control": "no-store"}


def _ask_a_network() -> dict[str, Any]:
    from app.server.probe import ask_a_network  # what it loads shall not hold up the start

    return ask_a_network()


_HEALTH = Health(_ask_a_network)


def health(request: Request) -> Response:
    """200 where a network answers, else 503 with the reason."""
    request_id = begin_request()
    state = _HEALTH.state()
    if not state.healthy:
        log.error("not healthy", extra={"fields": state.body})
    return JSONResponse(
        state.body, 200 if state.healthy else 503, {**_FRESH, "X-Request-ID": request_id}
    )


def metrics(request: Request) -> Response:
    """The counters, for Prometheus."""
    try:
        return Response(counters.as_text(), 200, _FRESH, counters.CONTENT_TYPE)
    except InputError as error:
        return PlainTextResponse(str(error), 503, _FRESH)


ROUTES = [Route("/health", health), Route("/metrics", metrics)]
"""Plain functions: Starlette runs them in threads, out of the way of the connections."""


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    """Before the first visitor and after the last."""
    write_lines()
    try:
        check_secrets()
    except InputError as error:
        log.critical(str(error))
        raise
    # Starlette would write uploads above one megabyte to the disk; images stay in memory.
    MultiPartParser.spool_max_size = 2**20 * int(config.get_option("server.maxUploadSize") + 1)
    if threading.current_thread() is threading.main_thread():
        end_in_good_order(ADMISSION)
    remove_left_behind()
    warm_up()
    collect_in_background()
    log.info("started")
    yield


def show_refusal(error: Exception) -> bool:
    """A sentence that no page has caught is shown all the same, and one for a missing package that
    only some features need; any other error is not shown."""
    said = in_words(error) if isinstance(error, ModuleNotFoundError) else error
    if not isinstance(said, InputError):
        return False
    from app.views.notices import refused

    refused(str(said))
    return True
