"""Many visitors at once on one dashboard, for some minutes: is each answered rightly, and soon?

    python benchmarks/load.py --visitors 20 --minutes 5
    python benchmarks/load.py --visitors 8 --minutes 30 --stay 60

Visitors speak to the server as pages do, but without browsers, which would need the processor for
themselves. Each uploads a picture of its own, and then again and again chooses another k, asks for
an attribution, and compares the picture and the answer that it is shown with what it must be. With
`--stay`, each leaves after so many seconds and another one comes. Prints JSON; the exit code is 1
if there was an error, a lost session or a foreign image.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import hydranet
from app.handed_over.roll import thumbnail
from app.outside.proxy import find_nginx, proxied
from app.outside.serving import free_port, served
from app.outside.visitor import Lost, Visitor, widget_id
from hydranet.machine import cores, hardware, versions
from hydranet.models import Network

NETWORK = "hydra_res_d1"
METHODS = ("grad-cam", "integrated gradients")
KS = (1, 2, 3, 4, 6, 8)
_MEMORY_EVERY_S = 5.0
_OFFERED = b"This takes about "
_EXPLAINED = b"**Which pixels "
_ATTRIBUTES = 0.2


@dataclass
class Seen:
    """What all visitors saw together; times in seconds."""

    visits: int = 0
    first: list[float] = field(default_factory=list)
    uploads: list[float] = field(default_factory=list)
    switches: list[float] = field(default_factory=list)
    attributions: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    cpu_s: float = 0.0


@dataclass(frozen=True)
class Picture:
    """One visitor's own: the file, what the filmstrip shows of it, and for each k the words in
    which the page answers."""

    content: bytes
    thumbnail: bytes
    answers: dict[int, bytes]


@dataclass(frozen=True)
class Visits:
    """What one visitor does until `ends`; `stay` and `looks` in seconds."""

    address: str
    number: int
    pictures: list[Picture]
    ends: float
    stay: float | None
    looks: float


def main() -> None:
    """Serve, let visitors come, and print what they saw."""
    parser = argparse.ArgumentParser(description="Many visitors at once on one dashboard.")
    parser.add_argument("--visitors", type=int, default=20, help="at the same time")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--stay", type=float, help="seconds until one leaves and another comes")
    parser.add_argument(
        "--looks", type=float, default=1.0, help="seconds that one looks at a page on average"
    )
    parser.add_argument(
        "--replicas", type=int, choices=(1, 2), default=1, help="2: behind nginx, one a core"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)  # the cores are the server's
    pictures = [picture(seed, hydranet.load(NETWORK)) for seed in range(given.visitors)]
    seen = Seen()
    with _serving(given.replicas) as (address, pids):
        ends = time.monotonic() + 60 * given.minutes
        before = sum(map(_cpu_s, pids))
        watch = threading.Thread(target=_watch, args=(pids, ends, seen))
        watch.start()
        with ThreadPoolExecutor(given.visitors) as pool:
            for number in range(given.visitors):
                visits = Visits(address, number, pictures, ends, given.stay, given.looks)
                pool.submit(_come_and_go, visits, seen)
        watch.join()
        seen.cpu_s = sum(map(_cpu_s, pids)) - before
    print(json.dumps(_said(seen, given), indent=1))
    nothing = not (seen.switches and seen.attributions)
    sys.exit(bool(seen.errors or seen.lost or seen.foreign or nothing))


def picture(seed: int, model: Network) -> Picture:
    """A picture that no other visitor has, and what a user alone is answered on it."""
    small = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((640, 480))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    assert model.card is not None, "a loaded network has its card"
    answers = {}
    for k in KS:
        (found,) = hydranet.predict(model, [image], k=k, runs=1)
        best, probability = found.top(1)[0]
        name = model.card.class_names[best].replace("_", " ")
        answers[k] = f"#### {name}, {100 * probability:.0f} %".encode()
    return Picture(buffer.getvalue(), thumbnail(image).encode(), answers)


@contextmanager
def _serving(replicas: int) -> Iterator[tuple[str, list[int]]]:
    """The address to visit, and the processes that serve it."""
    if replicas == 1:
        with served() as at:
            yield at.address, [at.pid]
        return
    nginx = find_nginx()
    if nginx is None:
        sys.exit("Two replicas need nginx, which is not installed.")
    ports = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as all_of_it:
        os.chmod(folder, 0o755)  # nginx's workers are another user
        pids, every = [], os.sched_getaffinity(0)
        for port, core in zip(ports, sorted(every), strict=False):
            os.sched_setaffinity(0, {core})  # what is started has it too
            pids.append(all_of_it.enter_context(served(port=port)).pid)
        os.sched_setaffinity(0, every)
        proxy = all_of_it.enter_context(proxied(nginx, ports, Path(folder)))
        yield proxy.address, pids


def _come_and_go(visits: Visits, seen: Seen) -> None:
    """One visit after the other until the time is over."""
    draw = random.Random(visits.number)
    while time.monotonic() < visits.ends:
        leaves = visits.ends
        if visits.stay is not None:
            leaves = min(leaves, time.monotonic() + visits.stay)
        try:
            _visit(visits, leaves, draw, seen)
        except Lost as error:
            seen.lost.append(str(error))
        except Exception as error:  # whatever it is, it is counted, and another visit follows
            seen.errors.append(f"{type(error).__name__}: {error}")
            time.sleep(visits.looks)


def _visit(visits: Visits, leaves: float, draw: random.Random, seen: Seen) -> None:
    number, pictures = visits.number, visits.pictures
    mine = pictures[number]
    started = time.perf_counter()
    with Visitor(visits.address, query=f"network={NETWORK}") as visitor:
        seen.visits += 1
        seen.first.append(time.perf_counter() - started)
        uploader = widget_id(visitor.tree, "file_uploader", "upload")
        seen.uploads.append(visitor.upload(uploader, [(f"{number}.png", mine.content)]))
        while time.monotonic() < leaves:
            k = draw.choice(KS)
            seen.switches.append(visitor.choose("slider", "k", k))
            _look(visitor, number, k, pictures, seen)
            if draw.random() < _ATTRIBUTES:
                _attribute(visitor, number, draw.choice(METHODS), seen)
                _look(visitor, number, k, pictures, seen)
                visitor.choose("button_group", "view", "Parts")
            time.sleep(draw.expovariate(1 / visits.looks))


def _attribute(visitor: Visitor, number: int, method: str, seen: Seen) -> None:
    began = time.perf_counter()
    visitor.choose("button_group", "view", "Why")
    visitor.choose("selectbox", "method", method)
    if visitor.shows(_OFFERED):  # it would take long, so the page asks first
        visitor.press("start_why")
    seen.attributions.append(time.perf_counter() - began)
    if not visitor.shows(_EXPLAINED):
        seen.errors.append(f"visitor {number} sees no attribution")


def _look(visitor: Visitor, number: int, k: int, pictures: list[Picture], seen: Seen) -> None:
    """Is this one's own picture there, nobody else's, and the answer that it must have?"""
    tree = visitor.tree
    seen.errors += [str(shown.value) for shown in (*tree.error, *tree.exception)]
    if not visitor.shows(pictures[number].thumbnail):
        seen.foreign.append(f"visitor {number} does not see the picture of its own")
    if not visitor.shows(pictures[number].answers[k]):
        seen.foreign.append(f"visitor {number} is not answered {pictures[number].answers[k]!r}")
    for other, theirs in enumerate(pictures):
        if other != number and visitor.shows(theirs.thumbnail):
            seen.foreign.append(f"visitor {number} sees the picture of visitor {other}")


def _watch(pids: list[int], ends: float, seen: Seen) -> None:
    """Resident memory of what serves, in megabytes, over seconds."""
    started = time.monotonic()
    while time.monotonic() < ends:
        megabytes = round(sum(map(_resident_mb, pids)), 1)
        seen.memory.append((round(time.monotonic() - started, 1), megabytes))
        time.sleep(_MEMORY_EVERY_S)


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1e3


def _cpu_s(pid: int) -> float:
    """Seconds that a process has computed (Linux)."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _said(seen: Seen, given: argparse.Namespace) -> dict[str, Any]:
    kinds = ("first", "uploads", "switches", "attributions")
    return {
        "hardware": hardware(),
        "cores": cores(),
        "versions": versions(),
        "visitors": given.visitors,
        "minutes": given.minutes,
        "stay_s": given.stay,
        "looks_s": given.looks,
        "replicas": given.replicas,
        "visits": seen.visits,
        "seconds": {kind: _spread(getattr(seen, kind)) for kind in kinds},
        "cpu_s_of_the_server": round(seen.cpu_s, 1),
        "errors": seen.errors[:20],
        "lost": seen.lost[:20],
        "foreign": seen.foreign[:20],
        "memory_mb_after_5_minutes": next((mb for s, mb in seen.memory if s >= 300), None),
        "memory_mb_at_the_end": seen.memory[-1][1],
        "memory_mb": seen.memory[:: max(1, len(seen.memory) // 40)],
    }


def _spread(seconds: list[float]) -> dict[str, float] | None:
    if len(seconds) < 2:
        return None
    return {
        "median": round(statistics.median(seconds), 3),
        "p95": round(statistics.quantiles(seconds, n=20)[-1], 3),
        "max": round(max(seconds), 3),
        "n": len(seconds),
    }


if __name__ == "__main__":
    main()
