"""What `.streamlit/config.toml` says holds of a server that runs."""

from __future__ import annotations

import http.client
import os
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_dashboard import PATIENCE_S, Dashboard
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from app.outside.serving import ROOT, served
from app.outside.visitor import Visitor

STRANGER = "https://stranger.example"
MOST_MB = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"][
    "maxUploadSize"
]


def test_an_upload_needs_the_token_of_its_page(dashboard: Dashboard) -> None:
    with Visitor(dashboard.address) as visitor:
        url = f"{dashboard.address}/_stcore/upload_file/{visitor.session}/some-file"
        request = urllib.request.Request(url, b"x", method="PUT")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=PATIENCE_S)
    assert refused.value.code == 403
    refused.value.close()


def test_a_file_above_the_limit_is_refused_before_it_is_sent(dashboard: Dashboard) -> None:
    with Visitor(dashboard.address) as visitor:
        asked = http.client.HTTPConnection(
            dashboard.address.removeprefix("http://"), timeout=PATIENCE_S
        )
        asked.putrequest("PUT", f"/_stcore/upload_file/{visitor.session}/some-file")
        asked.putheader("X-Xsrftoken", visitor.token)
        asked.putheader("Cookie", visitor.cookies)
        asked.putheader("Content-Length", str((MOST_MB + 1) * 2**20))
        asked.endheaders()
        answer = asked.getresponse()
        assert (answer.status, answer.read()) == (413, b"File too large")
        asked.close()


def test_other_sites_may_neither_read_nor_connect(dashboard: Dashboard) -> None:
    request = urllib.request.Request(f"{dashboard.address}/_stcore/health")
    request.add_header("Origin", STRANGER)
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] is None
    asked = connect(
        dashboard.address.replace("http", "ws") + "/_stcore/stream",
        origin=Origin(STRANGER), subprotocols=[Subprotocol("streamlit")], proxy=None,
        open_timeout=PATIENCE_S, legacy=False,
    )  # fmt: skip
    with pytest.raises(InvalidStatus, match="403"), asked:
        pass


def test_nothing_is_told_to_the_makers_of_streamlit(dashboard: Dashboard) -> None:
    with Visitor(dashboard.address) as visitor:
        assert visitor.told.config.gather_usage_stats is False


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A page that fails, served with our settings; its address and process."""
    page = tmp_path_factory.mktemp("page") / "page.py"
    page.write_text("raise ValueError('what nobody shall see')\n")
    with served(app=page, patience_s=PATIENCE_S) as at:
        yield at.address, at.pid


def test_visitors_see_no_details_of_an_error(failing: tuple[str, int]) -> None:
    with Visitor(failing[0]) as visitor:
        (shown,) = visitor.tree.exception
    assert "nobody" not in str(shown.proto)
    assert "ValueError" not in str(shown.proto)
    assert not shown.proto.stack_trace


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_no_files_are_watched(failing: tuple[str, int]) -> None:
    handles = [os.readlink(path) for path in Path(f"/proc/{failing[1]}/fd").iterdir()]
    assert not [handle for handle in handles if "inotify" in handle]
