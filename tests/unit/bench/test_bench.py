"""What is timed, in which order, and what the ratios say of it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from hydranet.bench import sgemm
from hydranet.bench.measure import even_routes, measure_all
from hydranet.bench.opening import engines_here, open_variant
from hydranet.bench.ratios import ratios
from hydranet.bench.rounds import Spread, in_turns
from hydranet.bench.runs import Report, Run
from hydranet.bench.subjects import Subject, nearest_static, subject
from hydranet.checkpoints import find_checkpoint
from hydranet.cli import cli
from hydranet.costs import count_costs
from hydranet.engines.folded.branches import WAYS
from hydranet.errors import InputError
from hydranet.registry import model_config


class Clock:
    """A clock that only the jobs move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.calls: list[str] = []
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def job(self, name: str, milliseconds: float) -> Any:
        def run() -> None:
            self.calls.append(name)
            self.now += milliseconds / 1000

        return run


def test_everything_is_timed_once_a_round_there_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    told: list[float] = []
    jobs = [clock.job("slow", 50.0), clock.job("quick", 10.0)]
    found = in_turns(jobs, 3, least_ms=20.0, progress=told.append)
    assert found == [[pytest.approx(50.0)] * 3, [pytest.approx(10.0)] * 3]
    warm, rounds = clock.calls[:4], clock.calls[4:]
    assert warm == ["slow", "slow", "quick", "quick"]
    slow, quick = ["slow"] * 2, ["quick"] * 3  # the first of each is not timed
    assert rounds == slow + quick + quick + slow + slow + quick
    assert told == pytest.approx([n / 8 for n in range(1, 9)])


def test_no_round_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 round, not 0"):
        in_turns([], 0)


def test_the_matrix_product_is_the_fastest_of_those_that_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sgemm, "SIDE", 64)
    rng = np.random.default_rng(0)
    a, b = (rng.random((64, 64), np.float32) for _ in range(2))
    (product,) = sgemm._by_onnx_runtime(a, b)()  # type: ignore[misc]
    np.testing.assert_allclose(product, a @ b, rtol=1e-5)
    clock = Clock(monkeypatch)
    slow, quick = clock.job("slow", 9.0), clock.job("quick", 5.0)
    monkeypatch.setattr(sgemm, "_by_blas", lambda a, b: slow)
    monkeypatch.setattr(sgemm, "_by_onnx_runtime", lambda a, b: quick)
    assert sgemm.matrix_product() is quick
    monkeypatch.undo()
    assert sgemm.SIDE**3 == sgemm.MACS


@pytest.mark.parametrize(("images", "branches", "k"), [(1, 20, 4), (256, 20, 4), (7, 3, 3)])
def test_routes_are_even_and_always_the_same(images: int, branches: int, k: int) -> None:
    fired = even_routes(images, branches, k)
    assert fired.shape == (images, k)
    assert all(len(set(row)) == k for row in fired.tolist())
    np.testing.assert_array_equal(fired, even_routes(images, branches, k))
    if images > 100:
        loads = np.bincount(fired.ravel(), minlength=branches) / images
        assert loads.min() > 0.5 * k / branches


@pytest.mark.parametrize(
    ("name", "static"),
    [
        ("hydra_res_d1", "resnet14"),
        ("hydra_res_d2", "resnet26"),
        ("hydra_res_d4", "resnet56"),
        ("hydra_dense_d2", "densenet13"),
    ],
)
def test_the_static_network_of_nearest_cost(name: str, static: str) -> None:
    assert nearest_static(model_config(name)) == static
    macs = count_costs(model_config(name)).routed_macs
    for other in ("resnet8", "resnet110") if "res" in name else ("densenet10", "densenet28"):
        nearest, far = (count_costs(model_config(n)).routed_macs for n in (static, other))
        assert abs(nearest - macs) < abs(far - macs)


def test_a_checkpoint_is_taken_before_random_weights(tmp_path: Path, make_checkpoint: Any) -> None:
    make_checkpoint("hydra_res_d1", tmp_path / "zoo")
    found = subject("hydra_res_d1", root=tmp_path / "zoo", folder=tmp_path / "random")
    assert found.trained
    assert found.card.architecture.num_classes == 8
    (tmp_path / "zoo" / "hydra_res_d1").rename(tmp_path / "zoo" / ".previous-hydra_res_d1")
    again = subject("hydra_res_d1", root=tmp_path / "zoo", folder=tmp_path / "random")
    assert again.trained, "a replacement that was cut short leaves the checkpoint before"
    with pytest.raises(InputError, match=r"no network named 'resnet15'.*Did you mean"):
        subject("resnet15", root=tmp_path / "zoo", folder=tmp_path / "random")


def test_random_weights_are_always_the_same_and_disturb_no_other_draw(tmp_path: Path) -> None:
    torch.manual_seed(5)
    undisturbed = torch.rand(3)
    torch.manual_seed(5)
    first = subject("resnet8", root=tmp_path, folder=tmp_path / "a")
    assert torch.equal(torch.rand(3), undisturbed)
    second = subject("resnet8", root=tmp_path, folder=tmp_path / "b")
    assert not first.trained
    assert first.card.weights_sha256 == second.card.weights_sha256
    pixels = np.zeros((1, 32, 32, 3), np.uint8)
    runs = [open_variant(one.checkpoint, "eager").run(pixels).logits for one in (first, second)]
    np.testing.assert_array_equal(*runs)


@pytest.fixture
def networks(tmp_path: Path, make_checkpoint: Any) -> list[Subject]:
    return [
        Subject(find_checkpoint(make_checkpoint(name, tmp_path, model=name)), trained=True)
        for name in ("hydra_res_d1", "resnet8")
    ]


def test_every_network_on_every_engine_at_every_batch_and_k(networks: list[Subject]) -> None:
    engines = [*engines_here(), *(f"eager:{way}" for way in WAYS)]
    report = measure_all(
        networks, engines=engines, batches=(1, 3), ks=(1, 4), rounds=2, least_ms=0.0
    )
    found = {(run.engine, run.model, run.batch, run.k) for run in report.runs}
    assert found == {
        (engine, model, batch, k)
        for engine in engines
        for batch in (1, 3)
        for model, ks in (("hydra_res_d1", (1, 4)), ("resnet8", (None,)))
        for k in ks
    } - {(left.engine, left.model, batch, k) for left in report.left_out
         for batch in (1, 3) for k in (1, 4, None)}  # fmt: skip
    assert all(len(run.ms) == report.rounds == 2 for run in report.runs)
    costs = networks[0].card.costs
    assert {run.macs for run in report.runs if run.k == 1} == {costs.macs(1)}


def test_an_engine_that_does_not_run_a_network_is_left_out(networks: list[Subject]) -> None:
    report = measure_all(
        networks, engines=("eager", "nothing"), batches=(1,), rounds=1, least_ms=0.0
    )
    assert {run.engine for run in report.runs} == {"eager"}
    assert [(left.engine, left.model) for left in report.left_out] == [
        ("nothing", "hydra_res_d1"),
        ("nothing", "resnet8"),
    ]
    with pytest.raises(InputError, match="no engine named 'nothing'"):
        measure_all(networks, engines=("nothing",), batches=(1,))


def test_what_cannot_be_timed_is_refused(networks: list[Subject]) -> None:
    with pytest.raises(InputError, match="at least 1 image, not 0"):
        measure_all(networks, engines=("eager",), batches=(0,))
    with pytest.raises(InputError, match=r"from 1 to 4.*not 5"):
        measure_all(networks, engines=("eager",), batches=(1,), ks=(5,))
    with pytest.raises(InputError, match="Only eager and cuda"):
        open_variant(networks[0].checkpoint, "reference:loop")
    with pytest.raises(InputError, match="loop, gathered"):
        open_variant(networks[0].checkpoint, "eager:magic")


def fixed_report(networks: list[Subject], times: dict[tuple[str, str, int | None], Any]) -> Report:
    """Of batch 2, with the given milliseconds a round for (engine, model, k)."""
    costs = {one.name: one.card.costs for one in networks}
    runs = [
        Run(
            engine=engine, model=model, trained=True, batch=2, k=k, ms=tuple(ms),
            macs=costs[model].routed_macs if k is None else costs[model].macs(k),
        )
        for (engine, model, k), ms in times.items()
    ]  # fmt: skip
    return Report(
        hardware="a test", versions={}, threads=1, measured="now", sgemm=(1.0, 2.0, 4.0),
        runs=runs, left_out=(),
    )  # fmt: skip


def test_ratios_are_taken_round_by_round(networks: list[Subject]) -> None:
    hydra, static = (one.card.costs for one in networks)
    report = fixed_report(
        networks,
        {
            ("eager", "hydra_res_d1", 2): (1.0, 2.0, 8.0),
            ("eager", "hydra_res_d1", 4): (2.0, 4.0, 8.0),
            ("eager", "resnet8", None): (1.0, 4.0, 4.0),
        },
    )
    found = {ratio.line: ratio for ratio in ratios(report, networks) if ratio.line != "sgemm"}
    cost = hydra.routed_macs / static.routed_macs
    tax = [cost * 1.0, cost * 2.0, cost * 0.5]
    assert found["tax"].value == Spread(
        pytest.approx(tax[0]), pytest.approx(tax[2]), pytest.approx(tax[1]), 3
    )
    assert found["tax"].holds is (tax[0] >= 0.95)
    saved = hydra.routed_macs / hydra.all_branches_macs
    assert found["saved"].value == Spread(
        pytest.approx(2 * saved), pytest.approx(saved), pytest.approx(2 * saved), 3
    )
    assert set(found) == {"tax", "saved"}
    sgemm = next(r for r in ratios(report, networks) if r.line == "sgemm")
    rate = hydra.routed_macs * 2 / 1e6
    assert sgemm.value.median == pytest.approx(sorted([rate, rate / 4, rate / 32])[1])
    assert sgemm.holds is None


def test_the_claim_is_of_each_on_its_own_fastest_engine(
    tmp_path: Path, make_checkpoint: Any
) -> None:
    two = [
        Subject(find_checkpoint(make_checkpoint(name, tmp_path, model=name)), trained=True)
        for name in ("hydra_res_d2", "resnet56")
    ]
    report = fixed_report(
        two,
        {
            ("eager", "hydra_res_d2", 2): (3.0, 3.0, 3.0),
            ("onnx", "hydra_res_d2", 2): (2.0, 2.0, 2.0),
            ("int8", "hydra_res_d2", 2): (1.0, 1.0, 1.0),
            ("eager", "resnet56", None): (5.0, 5.0, 5.0),
            ("onnx", "resnet56", None): (6.0, 6.0, 6.0),
        },
    )
    found = {ratio.line: ratio for ratio in ratios(report, two)}
    assert (found["claim"].engine, found["claim"].value.median) == ("onnx, eager", 2.5)
    assert found["claim"].holds
    assert found["int8"].value.median == 2.0


def test_the_command(tmp_path: Path, make_checkpoint: Any) -> None:
    for name in ("hydra_res_d1", "resnet8"):
        make_checkpoint(name, tmp_path, model=name)
    arguments = ["bench", "hydra_res_d1", "--engine", "eager", "--batch", "1", "--batch", "2"]
    arguments += ["--rounds", "1", "--checkpoints", str(tmp_path)]
    done = CliRunner().invoke(cli, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["sgemm_gmacs_per_s"] > 0
    assert {(r["model"], r["batch"], r["k"]) for r in report["runs"]} == {
        (model, batch, k)
        for batch in (1, 2)
        for model, ks in (("hydra_res_d1", (2, 4)), ("resnet8", (None,)))
        for k in ks
    }
    for run in report["runs"]:
        assert set(run["ms_per_image"]) == {"median", "min", "max"}
        expected = run["macs"] / run["ms_per_image"]["median"] / 1e6
        assert run["gmacs_per_s"] == pytest.approx(expected)
    assert {ratio["line"] for ratio in report["ratios"]} == {"tax", "saved", "sgemm"}
    table = CliRunner().invoke(cli, arguments, env={"COLUMNS": "160"})
    assert "resnet8" in table.stdout
    assert "tax ≥ 0.95" in table.stdout


def test_an_unknown_network_is_a_sentence() -> None:
    done = CliRunner().invoke(cli, ["bench", "resnet15"])
    assert isinstance(done.exception, InputError)
    assert "no network named 'resnet15'" in str(done.exception)
