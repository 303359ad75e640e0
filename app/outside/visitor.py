"""A visitor without a browser, for tests and for measuring load: speaks to a served dashboard as
the page in a browser does, over a WebSocket, and holds what the page would show.

Many of them fit on one machine, where a browser each would use all of it.
"""

from __future__ import annotations

import http.cookiejar
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1.element_tree import ElementTree, parse_tree_from_messages
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

_XSRF = "_streamlit_xsrf"
_RUN_S = 180.0
_DONE = ForwardMsg.FINISHED_SUCCESSFULLY


class Lost(RuntimeError):
    """The server closed the connection, or did not answer in time."""


class Visitor:
    """One visit to the dashboard at `address`, on the page `page` ("": the first one).

    `session`: its id; `token`: what uploads need; `told`: what the server says when a run begins;
    `query`: what stands behind the question mark of the page's address; `sent_to`: where the page
    sent its visitor for sign-in.
    """

    def __init__(
        self, address: str, page: str = "", query: str = "", *, like: Visitor | None = None
    ) -> None:
        """`like`: one whose browser this one uses, so that what it has signed in to still holds."""
        self._address = address
        self._cookies: http.cookiejar.CookieJar = (
            like._cookies if like else http.cookiejar.CookieJar()
        )
        self._http = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self._http.open(f"{address}/_stcore/health", timeout=_RUN_S).close()
        self.token = next((c.value or "" for c in self._cookies if c.name == _XSRF), "")
        self._open = ExitStack()
        self._socket = self._open.enter_context(
            connect(
                address.replace("http", "ws", 1) + "/_stcore/stream",
                origin=Origin(address),
                subprotocols=[Subprotocol("streamlit"), Subprotocol(self.token)],
                proxy=None,
                additional_headers={"Cookie": self.cookies},
                max_size=None,
                open_timeout=_RUN_S,
                legacy=False,
            )
        )
        self._shown: dict[tuple[int, ...], ForwardMsg] = {}
        self._widgets: dict[str, WidgetState] = {}
        self._seen: set[tuple[int, ...]] = set()
        self._page_hash = ""
        self.session = ""
        self.told = NewSession()
        self.query = query
        self.sent_to = ""
        self.run(page_name=page)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Leave the page."""
        self._open.close()

    @property
    def cookies(self) -> str:
        """As a browser would send them."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)

    @property
    def tree(self) -> ElementTree:
        """What the page shows now."""
        return parse_tree_from_messages([self._shown[path] for path in sorted(self._shown)])

    def run(self, *changes: WidgetState, page_name: str = "", fragment: str = "") -> float:
        """Have the page run with changed widgets; the seconds until it rests."""
        started = time.perf_counter()
        self.begin(*changes, page_name=page_name, fragment=fragment)
        self.rest()
        return time.perf_counter() - started

    def choose(self, kind: str, key: str, value: object) -> float:
        """Set a widget of that kind and key, or take one of its options as the page words it; the
        seconds until the page rests. KeyError where there is none."""
        return self.run(_chosen(_find(self.tree, kind, key), value))

    def press(self, key: str) -> float:
        """Press a button; the seconds until the page rests. KeyError where there is none."""
        button = widget_id(self.tree, "button", key)
        return self.run(WidgetState(id=button, trigger_value=True))

    def shows(self, content: bytes) -> bool:
        """Whether the page shows something that holds these bytes, in text or in a picture."""
        return any(content in message.SerializeToString() for message in self._shown.values())

    def go(self, url: str) -> str:
        """Open an address by HTTP, wherever it leads; where it led."""
        with self._http.open(url, timeout=_RUN_S) as answer:
            return str(answer.url)

    def begin(self, *changes: WidgetState, page_name: str = "", fragment: str = "") -> None:
        """Ask for a run and do not wait for it."""
        for change in changes:
            self._widgets[change.id] = change
        asked = BackMsg()
        asked.rerun_script.query_string = self.query
        asked.rerun_script.page_script_hash = self._page_hash
        asked.rerun_script.page_name = page_name
        asked.rerun_script.fragment_id = fragment
        asked.rerun_script.widget_states.widgets.extend(self._widgets.values())
        self._socket.send(asked.SerializeToString())
        for change in changes:
            if change.WhichOneof("value") == "trigger_value":
                del self._widgets[change.id]  # a press is over once it was told

    def rest(self, patience_s: float = _RUN_S) -> None:
        """Take in what the server sends until the page rests."""
        self._take_in(_is_rest, patience_s)

    def upload(self, uploader_id: str, files: Iterable[tuple[str, bytes]]) -> float:
        """Hand files to a file uploader; the seconds until the page rests."""
        started = time.perf_counter()
        given = list(files)
        asked = BackMsg()
        asked.file_urls_request.request_id = uuid.uuid4().hex
        asked.file_urls_request.session_id = self.session
        asked.file_urls_request.file_names.extend(name for name, _ in given)
        self._socket.send(asked.SerializeToString())
        urls = self._take_in(
            lambda message: message.WhichOneof("type") == "file_urls_response", _RUN_S
        ).file_urls_response.file_urls
        state = WidgetState(id=uploader_id)
        for (name, content), url in zip(given, urls, strict=True):
            self._put(url.upload_url, name, content)
            info = state.file_uploader_state_value.uploaded_file_info.add()
            info.name, info.size, info.file_id = name, len(content), url.file_id
            info.file_urls.CopyFrom(url)
        self.run(state)
        return time.perf_counter() - started

    def _put(self, path: str, name: str, content: bytes) -> None:
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        request = urllib.request.Request(self._address + path, body, method="PUT")
        request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        request.add_header("X-Xsrftoken", self.token)
        self._http.open(request, timeout=_RUN_S).close()

    def _take_in(self, wanted: Callable[[ForwardMsg], bool], patience_s: float) -> ForwardMsg:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                content = self._socket.recv(max(0.0, deadline - time.monotonic()), decode=False)
            except (ConnectionClosed, OSError) as error:  # a time-out is an OSError too
                raise Lost(f"{type(error).__name__}: {error}") from error
            message = ForwardMsg.FromString(content)
            self._hold(message)
            if wanted(message):
                return message

    def _hold(self, message: ForwardMsg) -> None:
        """What a page does with a message."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.told = message.new_session
            self.session = message.new_session.initialize.session_id
            self._page_hash = message.new_session.page_script_hash
            self._seen = set()
        elif kind == "delta" and message.delta.WhichOneof("type") != "new_transient":
            path = tuple(message.metadata.delta_path)
            if message.delta.WhichOneof("type") == "new_element" or path in self._seen:
                self._drop_inside(path)  # what takes a block's place has nothing of it
            self._shown[path] = message
            self._seen.add(path)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auth_redirect":
            self.sent_to = message.auth_redirect.url
        elif kind == "script_finished" and message.script_finished == _DONE:
            self._shown = {path: self._shown[path] for path in self._seen}

    def _drop_inside(self, path: tuple[int, ...]) -> None:
        for inner in [one for one in self._shown if one[: len(path)] == path and one != path]:
            del self._shown[inner]
            self._seen.discard(inner)


def _is_rest(message: ForwardMsg) -> bool:
    """Whether the page rests after this message."""
    if message.WhichOneof("type") != "script_finished":
        return False
    return message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN


def widget_id(tree: ElementTree, kind: str, key: str) -> str:
    """The id of the widget of that kind whose key begins so; KeyError where there is none."""
    return str(_find(tree, kind, key).proto.id)


def _chosen(widget: Any, value: object) -> WidgetState:
    """What a page sends when that value is chosen.

    For widgets with options Streamlit's own testing asks the script how it words them, and the
    script is the server's.
    """
    if not getattr(widget, "options", None):
        state: WidgetState = widget.set_value(value)._widget_state
        return state
    if value not in widget.options:
        raise KeyError(f"{widget.key} has no option {value!r}, but {', '.join(widget.options)}.")
    if widget.type == "button_group":
        state = WidgetState(id=widget.id)
        state.string_array_value.data.append(str(value))
        return state
    return WidgetState(id=widget.id, string_value=str(value))


def _find(tree: ElementTree, kind: str, key: str) -> Any:
    for element in tree.get(kind):
        if (element.key or "").startswith(key):
            return element
    raise KeyError(f"There is no {kind} {key!r} on the page.")
