"""The simulation of the gate's load gives what can be counted by hand."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def gate_load(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "benchmarks"))
    return importlib.import_module("gate_load")


def test_even_loads_leave_nobody_idle(gate_load: ModuleType) -> None:
    load, copies = np.array([8, 8, 8, 8]), gate_load.evenly(4, 8)
    assert copies.tolist() == [2, 2, 2, 2]
    found = gate_load.idle(load, copies, images=16, shared=0.5)
    assert (found.branches, found.whole) == (0, 0)


def test_all_wait_for_the_fullest_device(gate_load: ModuleType) -> None:
    """8 rows on one device, 4 on the other: the second waits half of the time. With stem and gate,
    for 8 images on 2 devices as much as 4 rows each, it is 4 of all in all 2 × 12."""
    found = gate_load.idle(np.array([8, 4]), np.array([1, 1]), images=8, shared=1.0)
    assert found.branches == pytest.approx(1 - 12 / 16)
    assert found.whole == pytest.approx(4 / 24)


def test_devices_follow_the_load(gate_load: ModuleType) -> None:
    assert gate_load.by_load(np.array([30, 10, 20]), 6).tolist() == [3, 1, 2]
    assert gate_load.evenly(3, 4).tolist() == [2, 1, 1]
    with pytest.raises(ValueError, match="3 branches need as many devices, not 2"):
        gate_load.evenly(3, 2)


def test_a_capacity_drops_what_is_above_it(gate_load: ModuleType) -> None:
    load, copies = np.array([8, 4]), np.array([1, 1])
    idle, lost = gate_load.dropped(load, copies, 1.0)  # the mean is 6: 2 of 12 rows are dropped
    assert (idle, lost) == (pytest.approx(1 - 10 / 12), pytest.approx(2 / 12))
    idle, lost = gate_load.dropped(load, copies, 2.0)
    assert (idle, lost) == (pytest.approx(1 - 12 / 16), 0)


def test_steps_are_drawn_as_they_say(gate_load: ModuleType) -> None:
    label = np.repeat(np.arange(20, dtype=np.int32), 10)
    steps = list(gate_load.of_few_classes(label, 50))
    assert len(steps) == gate_load.STEPS
    assert all(len(np.unique(label[step])) <= gate_load.SAME_CLASSES for step in steps)
    assert {len(step) for step in gate_load.mixed(200, 64)} == {64}


def test_the_shipped_networks_are_simulated(gate_load: ModuleType) -> None:
    found = gate_load.simulate("hydra_res_d1", 64)
    assert sum(found["load"]) == pytest.approx(1)
    for run in found["runs"]:
        assert 0 <= run["idle_branches"]["min"] <= run["idle_branches"]["max"] < 1
        assert run["idle_whole"]["median"] < run["idle_branches"]["median"]
        assert all(
            a["dropped"] >= b["dropped"]
            for a, b in zip(run["capacity"], run["capacity"][1:], strict=False)
        )
    mixed = {
        (run["placement"], run["batch"]): run["idle_branches"]["median"]
        for run in found["runs"] if run["order"] == "mixed"
    }  # fmt: skip
    assert mixed["by load", 16384] < mixed["evenly", 16384]
    assert mixed["by load", 16384] < mixed["by load", 64]
