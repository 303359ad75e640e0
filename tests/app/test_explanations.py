"""Attributions as the pages get them: kept by all that they hang on, cancelled without a trace."""

from __future__ import annotations

import io
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from app import explanations, torch_services
from app.cores import admission
from app.cores.computing import ADMISSION, telling
from app.cores.kept import Kept
from app.inspection import Inspection, inspect
from app.intake import Intake, take_in
from hydranet.checkpoints import list_checkpoints
from hydranet.errors import InputError
from hydranet.explain.methods import METHODS
from hydranet.explain.targets import BranchShare, ClassLogit, GateScore
from hydranet.routing.switchboard import Switchboard

NAMES = [method.name for method in METHODS]


class Stopped(BaseException):
    """As Streamlit's own: no Exception, so that nobody catches it by accident."""


def photo(colour: str = "teal") -> Intake:
    image = Image.new("RGB", (20, 20), colour)
    image.paste("orange", (4, 4, 12, 12))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return take_in(buffer.getvalue(), "photo.png")


@pytest.fixture
def tiny(tmp_path: Path, make_checkpoint, monkeypatch: pytest.MonkeyPatch) -> Inspection:
    monkeypatch.setattr(explanations, "_KEPT", Kept(64))
    make_checkpoint("tiny", tmp_path)
    (checkpoint,), _ = list_checkpoints(tmp_path)
    return inspect(checkpoint, photo(), Switchboard(k=2))


@pytest.mark.parametrize("method", NAMES)
def test_branches_add_up_to_the_whole(tiny: Inspection, method: str) -> None:
    best = tiny.found.best
    targets = [ClassLogit(best), *(BranchShare(b, best) for b in tiny.found.fired)]
    whole, *parts = explanations.explain(tiny, targets, method)
    assert sum(part.values for part in parts) == pytest.approx(whole.values, abs=1e-5)


def test_the_score_is_that_of_the_page(tiny: Inspection) -> None:
    best, fired = tiny.found.best, tiny.found.fired
    targets = [ClassLogit(best), BranchShare(fired[1], best), GateScore(fired[0])]
    logit, share, score = explanations.explain(tiny, targets, "grad-cam")
    assert logit.score == pytest.approx(tiny.found.logits[best], abs=1e-4)
    assert share.score == pytest.approx(tiny.found.shares[1, best], abs=1e-4)
    assert score.score == pytest.approx(tiny.found.gate_scores[fired[0]], abs=1e-4)


def test_a_second_look_computes_nothing(tiny: Inspection) -> None:
    targets = [ClassLogit(0)]
    assert explanations.known(tiny, targets, "grad-cam") is None
    first = explanations.explain(tiny, targets, "grad-cam")
    again = explanations.known(tiny, targets, "grad-cam")
    assert again is not None
    assert again[0] is first[0]
    assert explanations.estimate_seconds(tiny, targets, "grad-cam") == 0


def test_route_image_target_and_method_have_results_of_their_own(tiny: Inspection) -> None:
    explanations.explain(tiny, [ClassLogit(0)], "grad-cam")
    other_route = inspect(tiny.checkpoint, tiny.intake, Switchboard(k=3))
    other_image = inspect(tiny.checkpoint, photo("red"), Switchboard(k=2))
    assert explanations.known(other_route, [ClassLogit(0)], "grad-cam") is None
    assert explanations.known(other_image, [ClassLogit(0)], "grad-cam") is None
    assert explanations.known(tiny, [ClassLogit(1)], "grad-cam") is None
    assert explanations.known(tiny, [ClassLogit(0)], "occlusion") is None


@pytest.mark.parametrize("method", NAMES)
@pytest.mark.parametrize("at", [0.0, 0.5])
def test_cancelling_frees_the_core_and_leaves_nothing(
    tiny: Inspection, method: str, at: float
) -> None:
    free = ADMISSION.free
    model = torch_services.network(tiny.checkpoint)
    hooks = [len(m._forward_hooks) + len(m._backward_hooks) for m in model.modules()]

    def stop(part: float) -> None:
        if part >= at:
            raise Stopped

    with pytest.raises(Stopped):
        explanations.explain(tiny, [ClassLogit(0)], method, stop)
    assert ADMISSION.free == free
    assert explanations.known(tiny, [ClassLogit(0)], method) is None
    assert hooks == [len(m._forward_hooks) + len(m._backward_hooks) for m in model.modules()]
    assert all(p.grad is None for p in model.parameters())
    assert explanations.explain(tiny, [ClassLogit(0)], method)[0].values.any()


def test_what_was_finished_before_a_cancel_is_kept(tiny: Inspection) -> None:
    targets = [ClassLogit(0), ClassLogit(1)]

    def stop(part: float) -> None:
        if part > 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        explanations.explain(tiny, targets, "occlusion", stop)
    assert explanations.known(tiny, targets[:1], "occlusion")
    assert explanations.known(tiny, targets, "occlusion") is None


def test_who_waits_for_a_core_can_give_up(
    tiny: Inspection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "PATIENCE_S", 0.01)
    told: list[int] = []

    def stop(before: int) -> None:
        told.append(before)
        raise Stopped

    free = ADMISSION.free
    with ExitStack() as taken:
        for _ in range(free):
            taken.enter_context(ADMISSION.turn())
        with pytest.raises(Stopped), telling(stop):
            explanations.explain(tiny, [ClassLogit(0)], "grad-cam")
    assert told == [0]
    assert ADMISSION.free == free


def test_between_its_batches_others_go_first(tiny: Inspection) -> None:
    """On a server of one core: somebody comes while an explanation runs, and is done before it."""
    order: list[str] = []
    came = threading.Event()

    def come() -> None:
        came.set()
        with ADMISSION.turn():
            order.append("the other")

    def progress(part: float) -> None:
        if not came.is_set():
            other.start()
            while not ADMISSION._line:
                time.sleep(0.001)

    other = threading.Thread(target=come)
    with ExitStack() as taken:
        for _ in range(ADMISSION.free - 1):
            taken.enter_context(ADMISSION.turn())
        explanations.explain(tiny, [ClassLogit(0)], "occlusion", progress)
        order.append("the explanation")
    other.join(20)
    assert order == ["the other", "the explanation"]


def test_a_missing_package_is_named_in_a_sentence(
    tiny: Inspection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    free = ADMISSION.free
    with pytest.raises(InputError, match=r"needs Captum.*pip install captum"):
        explanations.explain(tiny, [ClassLogit(0)], "occlusion")
    assert ADMISSION.free == free


def test_progress_never_falls_and_ends_at_one(tiny: Inspection) -> None:
    told: list[float] = []
    explanations.explain(tiny, [ClassLogit(0), ClassLogit(1)], "integrated gradients", told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_the_store_forgets_what_was_not_used_for_longest() -> None:
    store: Kept[int, str] = Kept(2)
    store.put(1, "one")
    store.put(2, "two")
    store.get(1)
    store.put(3, "three")
    assert (store.get(1), store.get(2), store.get(3)) == ("one", None, "three")
    assert len(store) == 2
