"""An end in good order: SIGTERM ends the server soon, and work in hand is answered or refused."""

from __future__ import annotations

import os
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from served_dashboard import PATIENCE_S
from streamlit.proto.WidgetStates_pb2 import WidgetState

from app.cores.admission import Admission
from app.outside.serving import Served, served
from app.outside.visitor import Lost, Visitor, widget_id
from app.server.ending import ENDING_S, SENTENCE
from app.views.text import plain
from hydranet.errors import InputError

LONG = {"num_classes": 8, "image_size": 96}


# The line


@pytest.fixture
def busy() -> Iterator[tuple[Admission, threading.Event]]:
    """One core on which somebody computes until the event is set."""
    admission, over = Admission(1), threading.Event()

    def compute() -> None:
        with admission.turn():
            over.wait(PATIENCE_S)

    worker = threading.Thread(target=compute)
    worker.start()
    while admission.free:
        time.sleep(0.001)
    yield admission, over
    over.set()
    worker.join()


def test_whoever_waits_is_refused_and_short_work_is_finished(
    busy: tuple[Admission, threading.Event],
) -> None:
    admission, over = busy
    said: list[str] = []

    def come() -> None:
        try:
            with admission.turn():
                said.append("computed")
        except InputError as error:
            said.append(str(error))

    waiting = threading.Thread(target=come)
    waiting.start()
    while not admission._line:
        time.sleep(0.001)
    admission.close("closed")
    waiting.join(PATIENCE_S)
    assert said == ["closed"]
    assert not admission.wait_until_idle(0.01), "who computes is not interrupted"
    over.set()
    assert admission.wait_until_idle(PATIENCE_S)
    with pytest.raises(InputError, match="closed"), admission.turn():
        pass


def test_long_work_is_refused_at_its_next_step() -> None:
    admission = Admission(2)

    def work() -> None:
        with admission.turn(long=True) as turn:
            turn.give_way()
            admission.close("closed")
            turn.give_way()

    with pytest.raises(InputError, match="closed"):
        work()
    assert admission.wait_until_idle(0)


# The server


@contextmanager
def at_long_work(
    tmp_path: Path, make_checkpoint: Callable[..., Path], **environment: str
) -> Iterator[tuple[Served, Visitor]]:
    """A dashboard and a visitor for whom it does occlusion on a large network."""
    root = tmp_path / "checkpoints"
    make_checkpoint("slow", root, model="resnet110", shape=LONG)
    environment |= {"HYDRANET_CHECKPOINTS": str(root), "OMP_NUM_THREADS": "1"}
    with (
        served(patience_s=PATIENCE_S, environment=environment, log=tmp_path / "lines") as at,
        Visitor(at.address, query="view=Why&method=occlusion") as visitor,
    ):
        before = long_works(at)
        start = widget_id(visitor.tree, "button", "start_why")
        visitor.begin(WidgetState(id=start, trigger_value=True))
        while long_works(at) == before:
            time.sleep(0.05)
        yield at, visitor


def long_works(at: Served) -> float:
    with urllib.request.urlopen(f"{at.address}/metrics", timeout=PATIENCE_S) as answer:
        text = answer.read().decode()
    return float(text.split('hydranet_wait_seconds_count{work="long"} ')[1].split()[0])


def test_work_in_hand_is_refused_in_words(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    """With ample time to end: other tests may run beside this one."""
    with at_long_work(tmp_path, make_checkpoint, HYDRANET_ENDING_S="60") as (at, visitor):
        os.kill(at.pid, signal.SIGTERM)
        visitor.rest(PATIENCE_S)
        assert [error.value for error in visitor.tree.error] == [plain(SENTENCE)]
        with pytest.raises(Lost):
            visitor.rest(PATIENCE_S)
        wait_until_gone(at.pid)
    assert '"all_answered_or_refused": true' in (tmp_path / "lines").read_text()


def test_it_ends_in_time_whatever_it_does(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    with at_long_work(tmp_path, make_checkpoint) as (at, _):
        began = time.monotonic()
        os.kill(at.pid, signal.SIGTERM)
        wait_until_gone(at.pid)
        assert time.monotonic() - began < 2 * ENDING_S, "twice: other tests may run beside it"


def wait_until_gone(pid: int) -> None:
    """Until the process, a child of this one, has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.02)
