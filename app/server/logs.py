"""Log lines: one JSON object a line on standard error, with level, session and request.

What strangers bring never stands in a line: of an error only its type and the places in the code
are written, not its message, which may name a file. A session is written as a hash: Streamlit's own
id lets whoever knows it take up a session that lost its connection.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import sys
import threading
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import streamlit.logger
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils import script_run_context

_ROOT = Path(__file__).parents[2]
_ACCESS = "uvicorn.access"  # off: it would write visitors' addresses and what theirs ask for
_DIGITS = 12
_PLACES = 8
_REQUEST: ContextVar[str | None] = ContextVar("request", default=None)

log = logging.getLogger("hydranet")


def write_lines() -> None:
    """From now on everything that this process logs is written as lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # Streamlit gives each of its loggers, also those it makes later, a handler with a text format.
    streamlit.logger.setup_formatter = _leave_to_root
    for name in list(logging.root.manager.loggerDict):
        if name != _ACCESS:
            _leave_to_root(logging.getLogger(name))
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # else: addresses of visitors
    # It warns of every cached function that is called for no page, which the health check does.
    logging.getLogger(script_run_context.__name__).setLevel(logging.ERROR)
    logging.captureWarnings(True)
    threading.excepthook = _unhandled


def _leave_to_root(logger: logging.Logger) -> None:
    logger.handlers.clear()
    logger.propagate = True


def _unhandled(error: threading.ExceptHookArgs) -> None:
    log.error(
        "a thread ended with an error",
        exc_info=(error.exc_type, error.exc_value or error.exc_type(), error.exc_traceback),
    )


def begin_request() -> str:
    """What this thread logs from now on belongs to a new request; its id."""
    request = secrets.token_hex(_DIGITS // 2)
    _REQUEST.set(request)
    return request


def session() -> str | None:
    """The visitor's session that this thread works for, as lines name it."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return None
    return hashlib.sha256(context.session_id.encode()).hexdigest()[:_DIGITS]


class Lines(logging.Formatter):
    """A record as one line of JSON. `extra={"fields": {…}}` adds fields of one's own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (visitor := session()) is not None:
            line["session"] = visitor
            if _REQUEST.get() is None:  # a fragment runs in a thread that began no request
                begin_request()
        if (request := _REQUEST.get()) is not None:
            line["request"] = request
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["at"] = _places(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False, default=str)


def _places(trace: TracebackType | None) -> list[str]:
    """Where an error came from, innermost last: file, line and function of the last few calls, no
    values."""
    return [
        f"{_relative(frame.filename)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)[-_PLACES:]
    ]


def _relative(path: str) -> str:
    file = Path(path)
    return str(file.relative_to(_ROOT)) if file.is_relative_to(_ROOT) else file.name
