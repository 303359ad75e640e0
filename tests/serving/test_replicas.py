"""Two replicas behind nginx, with the file that docs/serving.md tells of."""

from __future__ import annotations

import hashlib
import http.client
import os
import resource
import signal
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from served_dashboard import PATIENCE_S, Dashboard, png

from app.handed_over.roll import thumbnail
from app.outside.proxy import find_nginx, proxied
from app.outside.serving import ROOT, Served, free_port, served
from app.outside.visitor import Lost, Visitor, widget_id
from hydranet.intake.images import decode_image

MOST_MB = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"][
    "maxUploadSize"
]
NAMES = ("first", "second")
COOKIE = "hydranet_replica"
SETTINGS = "network=hydra&k=3"


@dataclass
class Site:
    """`dashboards` by the names that the cookie has for them, and the proxy in front."""

    proxy: Served
    folder: Path
    dashboards: dict[str, Dashboard]
    serving: dict[str, ExitStack]
    checkpoints: Path

    def serve(self, name: str) -> None:
        """Start a replica on the port that is its own."""
        old = self.dashboards[name]
        environment = {"HYDRANET_CHECKPOINTS": str(self.checkpoints), "OMP_NUM_THREADS": "1"}
        port = int(old.address.rpartition(":")[2])
        at = self.serving[name].enter_context(
            served(patience_s=PATIENCE_S, port=port, environment=environment, log=old.log)
        )
        self.dashboards[name] = Dashboard(at.address, at.pid, old.log)

    def visit(self, name: str, **given: Visitor) -> Visitor:
        """A visitor whom this replica serves: visits go to the two in turns."""
        for _ in range(4):
            visitor = Visitor(self.proxy.address, query=SETTINGS, **given)
            if replica_of(visitor) == name:
                return visitor
            visitor.close()
        raise AssertionError(f"four visits, and none to {name}")

    def served_by(self, name: str, visitor: Visitor) -> bool:
        """Whether that replica has computed for this visitor, as its log has it."""
        session = hashlib.sha256(visitor.session.encode()).hexdigest()[:12]
        return any(line.get("session") == session for line in self.dashboards[name].lines())


@pytest.fixture(scope="module")
def nginx() -> str:
    """Its path; CI fails where it is missing, elsewhere its tests are skipped."""
    if path := find_nginx():
        return path
    if os.environ.get("HYDRANET_REQUIRE_NGINX"):
        pytest.fail("nginx is missing, and HYDRANET_REQUIRE_NGINX asks for it")
    pytest.skip("no nginx on this machine")


@pytest.fixture(scope="module")
def site(nginx: str, checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("nginx")
    ports = free_port(), free_port()
    dashboards = {
        name: Dashboard(f"http://127.0.0.1:{port}", 0, tmp_path_factory.mktemp(name) / "lines")
        for name, port in zip(NAMES, ports, strict=True)
    }
    with ExitStack() as all_of_it:
        serving = {name: all_of_it.enter_context(ExitStack()) for name in NAMES}
        site = Site(Served("", 0), folder, dashboards, serving, checkpoints)
        for name in NAMES:
            site.serve(name)
        with files_of_at_most(2**13):
            site.proxy = all_of_it.enter_context(proxied(nginx, ports, folder))
        yield site


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """What is started within can write no larger file."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def replica_of(visitor: Visitor) -> str:
    return next(c.value or "" for c in visitor._cookies if c.name == COOKIE)


def upload(visitor: Visitor, seed: int, side: int = 32) -> bytes:
    """Hand over a picture; what the page then shows of it."""
    content = png(seed, side)
    visitor.upload(widget_id(visitor.tree, "file_uploader", "upload"), [(f"{seed}.png", content)])
    return thumbnail(decode_image(content, name="")).encode()


def k(visitor: Visitor) -> list[float]:
    """Where the page sets the slider, other than at the network's own k."""
    return list(next(one.proto.value for one in visitor.tree.slider if one.key == "k"))


def words(visitor: Visitor) -> str:
    shown = (*visitor.tree.markdown, *visitor.tree.caption, *visitor.tree.info)
    return " ".join(str(element.value) for element in shown)


def test_visitors_stay_with_their_replica_and_see_their_own(site: Site) -> None:
    with ExitStack() as visits:
        visitors = [visits.enter_context(site.visit(name)) for name in NAMES * 3]
        pictures = [upload(visitor, seed) for seed, visitor in enumerate(visitors)]
        for visitor, picture, name in zip(visitors, pictures, NAMES * 3, strict=True):
            visitor.choose("slider", "k", 1)
            assert not visitor.tree.error
            assert [other for other in pictures if visitor.shows(other)] == [picture]
            assert site.served_by(name, visitor)
            assert replica_of(visitor) == name


def test_health_is_asked_through_it_and_counters_are_not(site: Site) -> None:
    with site.visit("first") as visitor:
        visitor.go(f"{site.proxy.address}/health")
        with pytest.raises(OSError, match="404") as refused:
            visitor.go(f"{site.proxy.address}/metrics")
        refused.value.close()  # type: ignore[attr-defined] # an HTTPError
        assert "hydranet_predictions_total" in site.dashboards["first"].get("/metrics")


def test_a_large_upload_never_touches_the_disk(site: Site) -> None:
    """The replica can write no byte to any file, nginx no more than its own small ones."""
    pid = site.dashboards["second"].pid
    limit = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        with site.visit("second") as visitor:
            picture = upload(visitor, 20, side=1500)
            assert visitor.shows(picture)
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


def test_a_file_above_the_limit_is_refused_in_the_servers_own_words(site: Site) -> None:
    with site.visit("first") as visitor:
        asked = http.client.HTTPConnection(
            site.proxy.address.removeprefix("http://"), timeout=PATIENCE_S
        )
        asked.putrequest("PUT", f"/_stcore/upload_file/{visitor.session}/some-file")
        asked.putheader("X-Xsrftoken", visitor.token)
        asked.putheader("Cookie", visitor.cookies)
        asked.putheader("Content-Length", str((MOST_MB + 1) * 2**20))
        asked.endheaders()
        answer = asked.getresponse()
        assert (answer.status, answer.read()) == (413, b"File too large")
        asked.close()


def test_when_one_is_killed_its_visitors_go_on_at_the_other(site: Site) -> None:
    with site.visit("first") as one, site.visit("second") as other:
        ones, others = upload(one, 30), upload(other, 31)
        session = other.session
        os.kill(site.dashboards["first"].pid, signal.SIGKILL)
        with pytest.raises(Lost):
            one.choose("slider", "k", 4)

        address = f"{SETTINGS}&image={hashlib.sha256(png(30)).hexdigest()}"
        with Visitor(site.proxy.address, query=address, like=one) as again:
            assert replica_of(again) == "second"
            assert k(again) == [3], "the address holds it"
            assert not again.tree.error
            assert "an image that is not here" in words(again)
            assert not any(map(again.shows, (ones, others)))
            upload(again, 30)
            assert again.shows(ones)
            assert site.served_by("second", again)

            other.choose("slider", "k", 2)
            assert (other.session, other.shows(others)) == (session, True)
            assert not other.shows(ones)

            # One that comes back takes nobody away from where their sessions are.
            site.serve("first")
            new = upload(again, 32)
            assert again.shows(new)
            assert replica_of(again) == "second"
            with site.visit("first") as visitor:
                assert not any(map(visitor.shows, (ones, others, new)))
