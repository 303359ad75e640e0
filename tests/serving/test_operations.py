"""Health, counters and log lines of a dashboard that is served."""

from __future__ import annotations

import json
import resource
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families
from served_dashboard import PATIENCE_S, Dashboard, png

from app.outside.visitor import Visitor, widget_id

SECRET = "a-name-nobody-shall-read.png"


def uploaded(visitor: Visitor, *files: tuple[str, bytes]) -> str:
    """Upload on Inspect; all text of the page."""
    visitor.upload(widget_id(visitor.tree, "file_uploader", "upload"), files)
    return " ".join(str(element.value) for element in visitor.tree.markdown)


def counted(dashboard: Dashboard) -> dict[tuple[str, str], float]:
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(dashboard.get("/metrics"))
        for sample in family.samples
        if "le" not in sample.labels
    }


def test_the_health_check_proves_that_a_network_answers(dashboard: Dashboard) -> None:
    body = json.loads(dashboard.get("/health"))
    assert body["status"] == "ok"
    assert body["checkpoint"] == "static", "the cheapest one is asked"
    assert body["answer"].startswith("class ")
    assert (body["checkpoints"], body["left_out"]) == (2, 0)


def test_other_addresses_are_the_pages_own(dashboard: Dashboard) -> None:
    """Which is why a probe must read the body."""
    assert "<html" in dashboard.get("/healthy")
    posted = urllib.request.Request(f"{dashboard.address}/health", b"", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="405") as refused:
        urllib.request.urlopen(posted, timeout=PATIENCE_S)
    refused.value.close()


def test_predictions_waits_refusals_and_memory_are_counted(dashboard: Dashboard) -> None:
    before = counted(dashboard)
    with Visitor(dashboard.address) as visitor:
        uploaded(visitor, ("a.png", png(1)), ("broken.png", png(2)[:50]))
        assert [error.value for error in visitor.tree.error]
    after = counted(dashboard)

    def more(name: str, label: str = "") -> float:
        return after[name, label] - before[name, label]

    assert more("hydranet_predictions_total") >= 1
    assert more("hydranet_refusals_total", "file") == 1
    assert more("hydranet_wait_seconds_count", "short") >= 1
    assert after["process_resident_memory_bytes", ""] > 20e6


def test_lines_say_level_session_and_request_and_nothing_of_the_image(dashboard: Dashboard) -> None:
    with Visitor(dashboard.address) as one, Visitor(dashboard.address) as other:
        for seed, visitor in enumerate((one, other), 10):
            uploaded(visitor, (SECRET, png(seed)), ("broken-" + SECRET, b"\x89PNG no picture"))
        sessions = {one.session, other.session}
    lines = dashboard.lines()
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    computed = [line for line in lines if line["message"] == "computed" and "session" in line]
    assert len({line["session"] for line in computed}) >= 2
    assert all(line["request"] for line in computed)
    assert len({line["request"] for line in computed}) > 2
    text = dashboard.log.read_text()
    for hidden in (SECRET, "127.0.0.1", *sessions):
        assert hidden not in text
    assert max(map(len, text.splitlines())) < 2000, "no line is long enough to hold a picture"


def test_an_upload_never_touches_the_disk(dashboard: Dashboard) -> None:
    """The server cannot write a byte to any new file, and takes a large picture all the same."""
    limit = resource.prlimit(dashboard.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(dashboard.pid, resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        with Visitor(dashboard.address) as visitor:
            content = png(20, side=1500)
            assert len(content) > 2**22, "larger than what the web server keeps in memory by itself"
            assert "2 of 2" in uploaded(visitor, ("large.png", content))
            assert not visitor.tree.error
    finally:
        resource.prlimit(dashboard.pid, resource.RLIMIT_FSIZE, limit)
