"""Whether the dashboard can do what it is for: one of its networks answers now.

A page that loads proves little, since Streamlit answers any path. So an image is run through a
network. What was found counts for a while: whoever asks again and again keeps the server no busier
than one who asks once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.server.logs import log
from hydranet.errors import InputError

KEPT_S = 10.0


@dataclass(frozen=True)
class State:
    """Whether the dashboard is `healthy`, and what to say of it, as JSON values."""

    healthy: bool
    body: dict[str, Any]


class Health:
    """Asks `probe` at most once in `kept_s` seconds, one at a time, and says what came of it."""

    def __init__(self, probe: Callable[[], dict[str, Any]], *, kept_s: float = KEPT_S) -> None:
        self._probe = probe
        self._kept_s = kept_s
        self._lock = threading.Lock()
        self._found: tuple[float, State] | None = None

    def state(self) -> State:
        """As it is now, or was a moment ago; waits for the probe, else at once."""
        with self._lock:
            if self._found is None or time.monotonic() - self._found[0] > self._kept_s:
                state = self._look()
                self._found = time.monotonic(), state
            return self._found[1]

    def _look(self) -> State:
        try:
            return State(True, {"status": "ok", **self._probe()})
        except InputError as error:
            return _failing(str(error))
        except Exception as error:  # whatever it is, the answer is that the dashboard is not well
            log.exception("the health check found an error")
            return _failing(f"{type(error).__name__} while a network was asked; see the log.")


def _failing(reason: str) -> State:
    return State(False, {"status": "failing", "reason": reason})
