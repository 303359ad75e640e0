"""An end in good order: SIGTERM ends the server soon, and work in hand is answered or refused."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served_dashboard import PATIENCE_S
from streamlit.proto.WidgetStates_pb2 import WidgetState

from app.admission import Admission
from app.server.ending import LAST_S, SENTENCE
from app.serving import Served, served
from app.visitor import Lost, Visitor, widget_id
from hydranet.errors import InputError

LONG = {"num_classes": 8, "image_size": 48}


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


@pytest.fixture
def served_slowly(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> Iterator[tuple[Served, Path]]:
    """A dashboard whose network is so large that occlusion takes it many seconds."""
    make_checkpoint("slow", tmp_path / "checkpoints", model="resnet110", shape=LONG)
    log = tmp_path / "lines"
    environment = {"HYDRANET_CHECKPOINTS": str(tmp_path / "checkpoints"), "OMP_NUM_THREADS": "1"}
    with served(patience_s=PATIENCE_S, environment=environment, log=log) as at:
        yield at, log


def test_work_in_hand_is_refused_in_words_and_the_server_ends(
    served_slowly: tuple[Served, Path],
) -> None:
    at, log = served_slowly
    with Visitor(at.address, query="view=Why&method=occlusion") as visitor:
        start = widget_id(visitor.tree, "button", "start_why")
        visitor.begin(WidgetState(id=start, trigger_value=True))
        while '"computed"' not in log.read_text():
            time.sleep(0.05)
        began = time.monotonic()
        os.kill(at.pid, signal.SIGTERM)
        visitor.rest(PATIENCE_S)
        assert [error.value for error in visitor.tree.error] == [SENTENCE.replace(".", r"\.")]
        with pytest.raises(Lost):
            visitor.rest(PATIENCE_S)
        _gone(at.pid)
        assert time.monotonic() - began < 2 * LAST_S, "twice its time: other tests run too"
    assert '"all_answered_or_refused": true' in log.read_text()


def _gone(pid: int) -> None:
    """Wait until the process, a child of this one, has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.02)
