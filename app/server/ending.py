"""An end in good order: on SIGTERM, work in hand is answered or refused in words, within 5 s.

Short work is finished. Long work is refused at its next step, and so is whoever waits or comes
later. Pages that run are let come to their end, and then there is a moment for what they say to
reach the browsers before connections are closed. What still runs after that (one step of long work
may be slow) ends with the process: it writes nothing. The environment variable HYDRANET_ENDING_S
gives another time than 4.5 s for all of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from types import FrameType

from app.cores.admission import Admission
from app.server import runs
from app.server.logs import log

SENTENCE = (
    "The server is being restarted, so this was not computed. The page connects again by itself; "
    "then do it once more. Images that you uploaded have to be uploaded again."
)
ENDING_S = 4.5
_DELIVER_S = 0.5
_CLOSE_S = 1.0


def end_in_good_order(admission: Admission) -> None:
    """On SIGTERM or SIGINT, close `admission` and only then let the web server end.

    In the main thread, after the web server has set its own handlers.
    """
    loop = asyncio.get_running_loop()
    most = float(os.environ.get("HYDRANET_ENDING_S", ENDING_S))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    tasks: set[asyncio.Task[None]] = set()

    async def end(number: int) -> None:
        log.info("ending: no new work is taken up", extra={"fields": {"signal": number}})
        admission.close(SENTENCE)
        in_words = await asyncio.to_thread(runs.wait_until_none, most - _DELIVER_S - _CLOSE_S)
        await asyncio.sleep(_DELIVER_S)
        log.info("ended", extra={"fields": {"all_answered_or_refused": in_words}})
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, None)

    def caught(number: int, frame: FrameType | None) -> None:
        for one, handler in handlers.items():  # a second signal is the web server's own
            signal.signal(one, handler)
        last = threading.Timer(most, os._exit, args=(128 + number,))
        last.daemon = True
        last.start()
        loop.call_soon_threadsafe(lambda: tasks.add(loop.create_task(end(number))))

    for number in handlers:
        signal.signal(number, caught)
