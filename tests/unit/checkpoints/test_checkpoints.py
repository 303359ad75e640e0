"""Checkpoints: what was written is what is loaded; what is damaged is left out, with a sentence."""

from __future__ import annotations

import hashlib
import json
import os
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from hydranet.checkpoints import (
    encode_weights,
    find_checkpoint,
    folders,
    list_checkpoints,
    load,
    write_checkpoint,
    writing,
)
from hydranet.checkpoints.card import MOST_TRAININGS, Card, card_from_json, read_card
from hydranet.errors import InputError
from hydranet.evaluation.route_log import RouteLog
from hydranet.models import build

NO_ROUTES = RouteLog(np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.float16))


@pytest.fixture
def folder(tmp_path: Path, make_checkpoint: Any) -> Path:
    """A good HydraNet named victim, with another good checkpoint on either side of it."""
    make_checkpoint("a", tmp_path)
    make_checkpoint("z", tmp_path, model="resnet8")
    return make_checkpoint("victim", tmp_path)


def edit(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / "card.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def write_weights(folder: Path, content: bytes) -> None:
    """New weights with their hash put on the card."""
    (folder / "model.safetensors").write_bytes(content)
    edit(folder, lambda d: d.update(weights_sha256=hashlib.sha256(content).hexdigest()))


def change_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_tensors((folder / "model.safetensors").read_bytes())
    change(tensors)
    write_weights(folder, save_tensors(tensors))


@pytest.mark.parametrize("name", ["hydra_res_d1", "resnet8"])
def test_what_is_loaded_is_what_was_written_rounded(
    tmp_path: Path, make_checkpoint: Any, name: str
) -> None:
    card = read_card(make_checkpoint("template", tmp_path, model=name) / "card.json")
    model = build(card.architecture)
    with torch.no_grad():
        model(torch.randn(16, 3, 16, 16))
    weights, digest = encode_weights(model)
    card = card_from_json({**card.to_json(), "name": "mine", "weights_sha256": digest})
    write_checkpoint(tmp_path, card=card, weights=weights, routes=NO_ROUTES)
    good, damaged = list_checkpoints(tmp_path)
    assert ([c.name for c in good], damaged) == (["mine", "template"], [])
    loaded = load("mine", tmp_path)
    assert loaded.card == card
    assert not any(module.training for module in loaded.modules())
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().float())
    model.eval()
    x = torch.randn(5, 3, 16, 16)
    expected, found = model(x), loaded(x)
    if name != "resnet8":
        expected, found = expected.logits, found.logits
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


def test_a_checkpoint_is_found_by_name_and_by_folder(folder: Path) -> None:
    for place in ("victim", folder, str(folder)):
        found = find_checkpoint(place, folder.parent)
        assert (found.name, found.folder) == ("victim", folder)


def test_an_unknown_checkpoint_lists_the_names(folder: Path) -> None:
    with pytest.raises(InputError, match=r"no checkpoint 'nowhere'.*There are: a, victim, z\."):
        load("nowhere", folder.parent)


def test_no_checkpoint_yet(tmp_path: Path) -> None:
    assert list_checkpoints(tmp_path / "none") == ([], [])
    with pytest.raises(InputError, match="There is none yet"):
        load("x", tmp_path)


@pytest.mark.parametrize("name", ["a", "z"])
def test_card_round_trip(folder: Path, name: str) -> None:
    card = read_card(folder.parent / name / "card.json")
    assert card_from_json(json.loads(json.dumps(card.to_json()))) == card
    assert isinstance(card, Card)


def test_a_card_of_too_many_trainings_is_refused(folder: Path) -> None:
    card = read_card(folder / "card.json")
    whole = replace(card, before=card.trainings * MOST_TRAININGS)
    assert card_from_json(json.loads(json.dumps(whole.to_json()))) == whole
    with pytest.raises(InputError, match="at most 20 trainings before its own, not 21"):
        replace(card, before=card.trainings * (MOST_TRAININGS + 1))


def test_subtasks_of_a_card(folder: Path) -> None:
    card = read_card(folder / "card.json")
    assert card.subtasks == [[0, 4], [1, 5], [2, 6], [3, 7]]
    assert read_card(folder.parent / "z" / "card.json").subtasks == []


def put(*keys: str | int, value: Any) -> Callable[[Path], None]:
    """Damage that sets one entry of the card."""

    def change(data: Any) -> None:
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return lambda folder: edit(folder, change)


def drop(key: str) -> Callable[[Path], None]:
    return lambda folder: edit(folder, lambda data: data.pop(key))


UNLISTED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no card": (lambda f: (f / "card.json").unlink(), r"card\.json is missing"),
    "card is a folder": (
        lambda f: ((f / "card.json").unlink(), (f / "card.json").mkdir()), "cannot be read",
    ),
    "bad json": (lambda f: (f / "card.json").write_text("{"), "cannot be read"),
    "no text": (lambda f: (f / "card.json").write_bytes(b"\xff\xfe{"), "cannot be read"),
    "deep json": (lambda f: (f / "card.json").write_text("[" * 10**6), "cannot be read"),
    "list": (lambda f: (f / "card.json").write_text("[1]"), "format 1, not None"),
    "large": (lambda f: (f / "card.json").write_bytes(b" " * 5 * 2**20), "larger than 4 MiB"),
    "format": (put("format", value=2), "format 1, not 2"),
    "unknown field": (put("colour", value="red"), "no field 'colour'"),
    "unknown field inside": (put("recipe", "dropout", value=1), r"recipe has no field 'dropout'"),
    "missing field": (drop("data"), "needs a field data"),
    "missing architecture": (drop("architecture"), "architecture must be a mapping"),
    "wrong type": (put("test", "top1", value="70"), r"test\.top1 must be a finite number"),
    "too large a number": (put("test", "top1", value=10**400), "must be a finite number"),
    "not a number": (put("test", "top1", value=float("nan")), "must be a finite number"),
    "impossible": (put("test", "top1", value=170.0), "0 to 100 percent"),
    "family": (put("architecture", "family", value="vit"), "must be one of .* not 'vit'"),
    "family is a list": (put("architecture", "family", value=[]), "family"),
    "k above N": (put("architecture", "k", value=5), "from 1 to 4, not 5"),
    "a million branches": (put("architecture", "num_branches", value=10**6), "1 to 1024, not 1000"),
    "wide": (put("architecture", "widths", value=[4, 4, 10**9]), "from 1 to 4096"),
    "costs": (put("costs", "parameters", value=1), "costs are not those of its architecture"),
    "macs": (put("costs", "macs", "routed", value=1), "costs are not those"),
    "class names": (put("class_names", value=["one"]), "names 1 classes for 8 outputs"),
    "no subtasks": (put("subtask_of_class", value=None), "gives subtasks for a HydraNet"),
    "subtask": (put("subtask_of_class", 3, value=4), "one of 4 subtasks"),
    "metrics": (put("test", "top1_by_k", value=[1.0]), "one entry for each branch"),
    "deviation": (put("normalisation", "std", value=[1, 1, 0]), "positive deviations"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), r"safetensors is missing"),
    "few weights": (
        lambda f: (f / "model.safetensors").write_bytes(b"x" * 100), "100 bytes, .* cut short",
    ),
    "many weights": (  # a sparse file: it takes no room on the disk
        lambda f: os.truncate(f / "model.safetensors", 2**33), "need at most .* another network",
    ),
    "empty folder": (lambda f: [p.unlink() for p in f.iterdir()], r"card\.json is missing"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNLISTED)
def test_a_damaged_card_is_left_out_and_others_stay(folder: Path, kind: str) -> None:
    damage, sentence = UNLISTED[kind]
    damage(folder)
    good, damaged = list_checkpoints(folder.parent)
    assert [c.name for c in good] == ["a", "z"]
    assert [d.name for d in damaged] == ["victim"]
    with pytest.raises(InputError, match=sentence) as caught:
        load("victim", folder.parent)
    assert str(caught.value) == damaged[0].reason
    assert "\n" not in damaged[0].reason
    assert damaged[0].reason.endswith((".", ")"))


def cut_short(folder: Path) -> None:
    """Still as large as the parameters need, so that only the hash tells."""
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-3])


def flip_a_bit(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def header(text: str) -> Callable[[Path], None]:
    content = len(text).to_bytes(8, "little") + text.encode() + bytes(100_000)
    return lambda folder: write_weights(folder, content)


UNLOADABLE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut short": (cut_short, "does not have the SHA-256 on its card"),
    "one bit": (flip_a_bit, "SHA-256"),
    "hash": (put("weights_sha256", value="0" * 64), "SHA-256"),
    "shape": (
        lambda f: change_tensors(f, lambda t: t.update({"stem.conv.weight": torch.zeros(4, 3, 3)})),
        r"stem\.conv\.weight as \[4, 3, 3\], but .* needs \[4, 3, 3, 3\]",
    ),
    "type": (
        lambda f: change_tensors(
            f, lambda t: t.update({"stem.bn.bias": torch.zeros(4, dtype=torch.int64)})
        ),
        r"stem\.bn\.bias as 'I64', not as F16",
    ),
    "extra tensor": (
        lambda f: change_tensors(f, lambda t: t.update(extra=torch.zeros(1))),
        "lacks or adds the tensor 'extra'",
    ),
    "missing tensor": (
        lambda f: change_tensors(f, lambda t: t.pop("gate.score.bias")),
        r"lacks or adds the tensor 'gate\.score\.bias'",
    ),
    "no safetensors": (lambda f: write_weights(f, b"\xff" * 100_000), "does not fit"),
    "header is a number": (header("5"), "does not fit"),
    "header is a list": (header("[1]"), "does not fit"),
    "deep header": (header("[" * 50_000), "does not fit"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNLOADABLE)
def test_damaged_weights_do_not_load(folder: Path, kind: str) -> None:
    damage, sentence = UNLOADABLE[kind]
    damage(folder)
    with pytest.raises(InputError, match=sentence) as caught:
        load("victim", folder.parent)
    assert "victim" in str(caught.value)
    assert load("a", folder.parent) is not None


def test_a_huge_network_is_refused_at_once(folder: Path) -> None:
    """The largest that a configuration may say, with its true costs: 10^13 parameters."""
    from hydranet.config import HydraResConfig
    from hydranet.costs import count_costs

    config = HydraResConfig(
        d=64, num_branches=1024, k=2, widths=(4096,) * 3, num_classes=8, image_size=1024
    )
    costs = count_costs(config)

    def change(data: dict[str, Any]) -> None:
        data["architecture"] = config.to_json()
        data["costs"] = {"parameters": costs.parameters, "macs": costs.macs_json()}
        for split in ("test", "validation"):
            for name in ("top1_by_k", "top5_by_k", "hit_rate_by_k", "branch_load"):
                data[split][name] = [1.0] * 1024

    edit(folder, change)
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(InputError, match="the card belongs to another network"):
        load("victim", folder.parent)
    seconds = time.perf_counter() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert costs.parameters > 10**13
    assert seconds < 0.5
    assert peak < 20 * 2**20


def rewritten(folder: Path) -> dict[str, Any]:
    """Arguments that write the checkpoint again, under another data name."""
    data = read_card(folder / "card.json").to_json()
    data["data"]["name"] = "second"
    weights = (folder / "model.safetensors").read_bytes()
    return {"card": card_from_json(data), "weights": weights, "routes": NO_ROUTES}


def state_of(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_checkpoint_is_replaced_whole(folder: Path) -> None:
    write_checkpoint(folder.parent, **rewritten(folder))
    card = load("victim", folder.parent).card
    assert card is not None
    assert card.data.name == "second"
    assert sorted(p.name for p in folder.parent.iterdir()) == ["a", "victim", "z"]


@pytest.mark.parametrize("at", ["model.safetensors", "card.json"])
def test_a_full_disk_leaves_what_stood_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    before = state_of(folder.parent)
    real = writing.write_whole

    def full(path: Path, content: bytes) -> None:
        if path.name == at:
            raise InputError("The disk is full.")
        real(path, content)

    monkeypatch.setattr(writing, "write_whole", full)
    with pytest.raises(InputError, match="disk is full"):
        write_checkpoint(folder.parent, **rewritten(folder))
    assert state_of(folder.parent) == before
    assert sorted(p.name for p in folder.parent.iterdir()) == ["a", "victim", "z"]


def test_a_move_that_fails_leaves_what_stood_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of(folder.parent)
    arguments, real = rewritten(folder), Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.startswith(".part-"):
            raise PermissionError(13, "Permission denied")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(InputError, match="could not be written"):
        write_checkpoint(folder.parent, **arguments)
    assert state_of(folder.parent) == before


def test_a_replacement_that_was_cut_short_is_still_listed_and_loaded(folder: Path) -> None:
    """A machine that stopped between the two moves leaves only the previous checkpoint."""
    folder.rename(folder.with_name(".previous-victim"))
    (folder.parent / ".part-victim-abc").mkdir()
    good, damaged = list_checkpoints(folder.parent)
    assert ([c.name for c in good], damaged) == (["a", "victim", "z"], [])
    assert load("victim", folder.parent).card is not None
    arguments = rewritten(folder.with_name(".previous-victim"))
    write_checkpoint(folder.parent, **arguments)
    assert not folder.with_name(".previous-victim").exists()


def test_a_root_that_is_a_file(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("here")
    with pytest.raises(InputError, match="could not be written"):
        write_checkpoint(file, **rewritten(folder))
    assert file.read_text() == "here"


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for path in folders.CHECKPOINTS.glob("[!.]*/card.json")
        if not path.with_name(folders.KEPT_OUT).exists()
    ),
    ids=lambda path: path.parent.name,
)
def test_every_shipped_checkpoint_still_loads(path: Path) -> None:
    """Names of weights are part of the format: to rename a module is to break what is shipped."""
    model = load(path.parent.name)
    assert model.card == read_card(path)
    assert encode_weights(model)[1] == read_card(path).weights_sha256


def test_a_card_is_read_once_and_again_when_it_changes(
    tmp_path: Path, make_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_checkpoint("mine", tmp_path) / "card.json"
    read: list[Path] = []
    monkeypatch.setattr(folders, "read_card", lambda path: read.append(path) or read_card(path))
    for _ in range(3):
        (found,), _ = list_checkpoints(tmp_path)
    assert read == [path]
    text = path.read_text()
    path.write_text(text.replace('"seed": 0', '"seed": 11', 1))
    (changed,), _ = list_checkpoints(tmp_path)
    assert (found.card.recipe.seed, changed.card.recipe.seed) == (0, 11)
    path.write_text("{")
    good, damaged = list_checkpoints(tmp_path)
    assert not good
    assert [one.name for one in damaged] == ["mine"]
