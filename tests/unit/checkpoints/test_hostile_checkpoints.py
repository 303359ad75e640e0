"""Checkpoints that mean harm: each ends as a sentence, before anything is built or allocated."""

from __future__ import annotations

import ast
import hashlib
import json
import pickle
import random
import struct
import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

import hydranet.checkpoints.weights
import hydranet.models
from hydranet.checkpoints import find_checkpoint, list_checkpoints, load
from hydranet.checkpoints.weights import read_weights
from hydranet.config import HydraResConfig
from hydranet.costs import count_costs
from hydranet.errors import InputError
from hydranet.training.history import EpochRecord
from hydranet.training.state import load_state, save_state

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path, make_checkpoint: Any) -> Path:
    return make_checkpoint("victim", tmp_path)


def card_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "card.json").read_bytes())


def with_weights(folder: Path, content: bytes) -> None:
    """These weights, with their hash on the card."""
    (folder / "model.safetensors").write_bytes(content)
    card = card_of(folder) | {"weights_sha256": hashlib.sha256(content).hexdigest()}
    (folder / "card.json").write_text(json.dumps(card))


def is_sound(folder: Path) -> bool:
    """Whether the weights load, the right ones and finite or not; else it is a sentence."""
    try:
        weights = read_weights(find_checkpoint(folder))
    except InputError as error:
        message = str(error)
        assert message.isprintable()
        assert len(message) < 600
        return False
    assert all(array.dtype == np.float32 for array in weights.values())
    return True


def largest() -> dict[str, Any]:
    """What a card says of the largest network that a configuration may describe."""
    config = HydraResConfig(
        d=64, num_branches=1024, k=2, widths=(4096,) * 3, num_classes=8, image_size=1024
    )
    costs = count_costs(config)
    assert costs.parameters > 10**13
    return {
        "architecture": config.to_json(),
        "costs": {"parameters": costs.parameters, "macs": costs.macs_json()},
    }


def of_parameters(count: int) -> Callable[[dict[str, Any]], None]:
    def change(card: dict[str, Any]) -> None:
        width = int((count / (10 * 22)) ** 0.5)  # of 20 branches and a gate, 9 to 10 width² each
        config = HydraResConfig(d=1, num_branches=20, widths=(16, width, width), num_classes=8)
        costs = count_costs(config)
        assert costs.parameters > count
        card["architecture"] = config.to_json()
        card["costs"] = {"parameters": costs.parameters, "macs": costs.macs_json()}
        _metrics_for(card, 20)

    return change


def _metrics_for(card: dict[str, Any], branches: int) -> None:
    for split in ("test", "validation"):
        for name in ("top1_by_k", "top5_by_k", "hit_rate_by_k", "branch_load"):
            card[split][name] = [1.0] * branches


def the_largest(card: dict[str, Any]) -> None:
    card.update(largest())
    _metrics_for(card, 1024)


def architecture(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda card: card["architecture"].update(changes)


GREEDY: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "the largest there is": (the_largest, "belongs to another network"),
    "a thousand million parameters": (of_parameters(10**9), "belongs to another network"),
    "a hundred million parameters": (of_parameters(10**8), "belongs to another network"),
    "a million branches": (architecture(num_branches=10**6), "from 1 to 1024"),
    "k above N": (architecture(k=5), "from 1 to 4, not 5"),
    "wide": (architecture(widths=[10**9] * 3), "from 1 to 4096"),
    "deep": (architecture(d=10**9), "from 1 to 64"),
    "large images": (architecture(image_size=10**6), "from 8 to 1024"),
    "many classes": (architecture(num_classes=10**9), "from 2 to 100000"),
}


@pytest.mark.parametrize("kind", GREEDY)
def test_what_a_card_asks_for_is_refused_before_it_is_built_or_read(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a module, not a list of tensors, not a byte of the weights: so it takes no time."""
    change, sentence = GREEDY[kind]
    card = card_of(folder)
    change(card)
    (folder / "card.json").write_text(json.dumps(card))

    def fail(*_: object, **__: object) -> Any:
        pytest.fail("something was built or read")

    monkeypatch.setattr(hydranet.models, "build", fail)
    monkeypatch.setattr(hydranet.checkpoints.weights, "weight_shapes", fail)
    monkeypatch.setattr(hydranet.checkpoints.weights, "read_checked", fail)
    tracemalloc.start()
    with pytest.raises(InputError, match=sentence):
        load("victim", folder.parent)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 2**20


def text(value: str) -> Callable[[dict[str, Any]], None]:
    return lambda card: card["class_names"].__setitem__(0, value)


STRANGE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "control characters": (text("cat\x1b[31m\0"), "printable characters"),
    "two lines": (text("cat\ndog"), "printable characters"),
    "reversed text": (text("cat\u202egnp"), "printable characters"),
    "half a character": (text("\ud800"), "printable characters"),
    "a long class": (text("x" * 101), "at most 100 characters"),
    "a class without a name": (text(""), "at most 100 characters"),
    "a class twice": (text("class 1"), "each class, differently"),
    "a long text": (lambda c: c["provenance"].update(hardware="x" * 10**6), "at most 1,000"),
    "a long name in a table": (
        lambda c: c["provenance"]["versions"].update({"x" * 10**6: "1"}), "at most 1,000",
    ),
    "a long field": (lambda c: c.update({"x" * 10**6: 1}), "no field"),
    "a long family": (lambda c: c["architecture"].update(family="x" * 10**6), "must be one of"),
    "a long k": (lambda c: c["architecture"].update(k=10**4000), "whole number from"),
    "a deep k": (lambda c: c["architecture"].update(k=nested(600)), "must be a whole number"),
    "a deep name": (lambda c: c.update(name=nested(600)), "must be text"),
    "infinity": (lambda c: c["recipe"].update(learning_rate=float("inf")), "finite number"),
}  # fmt: skip


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize("kind", STRANGE)
def test_strange_cards_are_sentences(folder: Path, kind: str) -> None:
    change, sentence = STRANGE[kind]
    card = card_of(folder)
    change(card)
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match=sentence) as caught:
        find_checkpoint(folder)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_a_field_that_is_given_twice_is_refused(folder: Path) -> None:
    card = folder / "card.json"
    card.write_text(card.read_text().replace('"format": 1', '"format": 1, "format": 1'))
    with pytest.raises(InputError, match="field 'format' is given twice"):
        find_checkpoint(folder)


def header_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def safetensors(header: str, body: bytes) -> bytes:
    return struct.pack("<Q", len(header.encode())) + header.encode() + body


def test_a_tensor_that_is_given_twice_is_refused(folder: Path) -> None:
    header, body = header_of((folder / "model.safetensors").read_bytes())
    name = next(iter(header))
    twice = f'{{"{name}": {json.dumps(header[name])}, {json.dumps(header)[1:]}'
    with_weights(folder, safetensors(twice, body))
    with pytest.raises(InputError, match="given twice"):
        read_weights(find_checkpoint(folder))


def header_changes(rng: random.Random, header: dict[str, Any]) -> None:
    """One thing of one tensor changed: offsets, shape, type, name."""
    name = rng.choice(list(header))
    tensor, other = header[name], header[rng.choice(list(header))]
    start, end = tensor["data_offsets"]
    huge = rng.choice([0, 1, 2, 2**31, 2**32, 2**63, 2**64 - 1, 2**64, -1, 10**30])
    change = rng.randrange(10)
    if change == 0:
        tensor["data_offsets"] = other["data_offsets"]  # an overlap
    elif change == 1:
        tensor["data_offsets"] = [start, huge]
    elif change == 2:
        tensor["data_offsets"] = [huge, end]
    elif change == 3:
        tensor["data_offsets"] = [end, start]
    elif change == 4:
        tensor["shape"] = [*tensor["shape"], huge]
    elif change == 5:
        tensor["shape"] = other["shape"]
    elif change == 6:
        tensor["dtype"] = rng.choice(["F64", "I64", "BOOL", "F4", "", "f16", 7, None, ["F16"]])
    elif change == 7:
        header[name + rng.choice(["", "\0", "x" * 10_000])] = header.pop(name)
    elif change == 8:
        header["__metadata__"] = rng.choice([{"a": "b" * 1000}, {"a": 1}, [], "x", None])
    else:
        header[name] = rng.choice([None, [], {}, "F16", {"shape": []}, {"dtype": "F16"}])


def test_headers_with_one_thing_changed(folder: Path) -> None:
    rng = random.Random("headers")
    whole = (folder / "model.safetensors").read_bytes()
    expected = read_weights(find_checkpoint(folder))
    sound = 0
    for _ in range(400):
        header, body = header_of(whole)
        header_changes(rng, header)
        with_weights(folder, safetensors(json.dumps(header), body))
        if is_sound(folder):
            sound += 1
            found = read_weights(find_checkpoint(folder))
            assert {n: a.shape for n, a in found.items()} == {
                n: a.shape for n, a in expected.items()
            }
    assert 0 < sound < 100


def mutated(content: bytes, rng: random.Random, most: int) -> bytes:
    """Up to four places of the first `most` bytes changed, or the rest cut off."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(most, len(data)))
        data[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
    return bytes(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)


def test_weights_with_any_bytes_changed(folder: Path) -> None:
    rng = random.Random("weights")
    whole = (folder / "model.safetensors").read_bytes()
    most = 8 + int.from_bytes(whole[:8], "little")
    assert sum(not _after(folder, mutated(whole, rng, most)) for _ in range(400)) > 200


def _after(folder: Path, content: bytes) -> bool:
    with_weights(folder, content)
    return is_sound(folder)


def test_cards_with_any_bytes_changed(folder: Path) -> None:
    rng = random.Random("cards")
    whole = (folder / "card.json").read_bytes()
    refused = 0
    for _ in range(400):
        (folder / "card.json").write_bytes(mutated(whole, rng, len(whole)))
        refused += not is_sound(folder)
    assert refused > 200


def values(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a card."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data[:2])
    for key, value in items:
        if isinstance(value, dict | list):
            yield from values(value, (*path, key))
        else:
            yield (*path, key)


def test_cards_with_any_value_changed(folder: Path) -> None:
    original = (folder / "card.json").read_text()
    other = (None, True, -1, 2**70, 1e308, "", [], [[]], {"a": 1})
    refused = 0
    for path in values(json.loads(original)):
        for value in other:
            card = json.loads(original)
            place = card
            for key in path[:-1]:
                place = place[key]
            if path:
                place[path[-1]] = value
            (folder / "card.json").write_text(json.dumps(card if path else value))
            try:
                find_checkpoint(folder)
            except InputError:
                refused += 1
    assert refused > 500


class Boom:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


@pytest.mark.parametrize("file", ["model.safetensors", "card.json", "routes.parquet"])
def test_a_pickle_in_place_of_a_file_is_not_run(folder: Path, file: str, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    hostile = pickle.dumps(Boom(ran)).ljust(200_000, b"\0")
    pickle.loads(hostile)
    assert ran.exists()  # it does what it threatens
    ran.unlink()
    for other in ("pytorch_model.bin", "model.pt", "model.pkl", "state.pth"):
        (folder / other).write_bytes(hostile)
    if file == "model.safetensors":
        with_weights(folder, hostile)
    else:
        (folder / file).write_bytes(hostile)
    list_checkpoints(folder.parent)
    if file == "routes.parquet":
        load(folder)  # the network alone is sound
    else:
        with pytest.raises(InputError):
            load(folder)
    assert not ran.exists()


@pytest.fixture
def run() -> dict[str, Any]:
    """A network in training after a step."""
    model = hydranet.models.create_model("resnet8", num_classes=8, widths=(4, 4, 8))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.randn(2, 3, 32, 32)).sum().backward()
    optimizer.step()
    return {"model": model, "optimizer": optimizer}


IDENTITY = {"model": "resnet8"}
EPOCH = EpochRecord(
    epoch=0, loss=1.0, train_top1=1.0, validation_top1=1.0, learning_rate=0.1,
    images_per_second=1.0, seconds=1.0,
)  # fmt: skip


def test_a_saved_run_with_any_bytes_changed(run: dict[str, Any], tmp_path: Path) -> None:
    path, rng = tmp_path / "state.safetensors", random.Random("state")
    save_state(path, history=[EPOCH], identity=IDENTITY, **run)
    whole = path.read_bytes()
    assert load_state(path, identity=IDENTITY, **run) == [EPOCH]
    most = 8 + int.from_bytes(whole[:8], "little")
    refused = 0
    for _ in range(300):
        path.write_bytes(mutated(whole, rng, most))
        try:
            load_state(path, identity=IDENTITY, **run)
        except InputError:
            refused += 1
    assert refused > 150


@pytest.mark.parametrize(
    "meta", ["7", "[]", "{}", '{"identity": [1], "history": []}', "[" * 5000,
             '{"identity": {"model": "resnet8"}, "history": 5}',
             '{"identity": {"model": "resnet8"}, "history": [[]]}',
             '{"identity": {}, "identity": {"model": "resnet8"}, "history": []}'],
)  # fmt: skip
def test_a_saved_run_that_says_nonsense(run: dict[str, Any], tmp_path: Path, meta: str) -> None:
    path = tmp_path / "state.safetensors"
    tensors = {f"model/{name}": value for name, value in run["model"].state_dict().items()}
    path.write_bytes(save(tensors, metadata={"run": meta}))
    with pytest.raises(InputError):
        load_state(path, identity=IDENTITY, **run)


@pytest.mark.parametrize("name", ["model/stem.conv.weight", "momentum/stem.conv.weight"])
def test_a_saved_run_with_a_tensor_of_another_shape(
    run: dict[str, Any], tmp_path: Path, name: str
) -> None:
    path = tmp_path / "state.safetensors"
    tensors = {f"model/{name}": value for name, value in run["model"].state_dict().items()}
    meta = json.dumps({"identity": IDENTITY, "history": []})
    path.write_bytes(save({**tensors, name: torch.zeros(3)}, metadata={"run": meta}))
    with pytest.raises(InputError, match="another shape or type"):
        load_state(path, identity=IDENTITY, **run)


def test_a_pickle_in_place_of_a_saved_run_is_not_run(run: dict[str, Any], tmp_path: Path) -> None:
    path, ran = tmp_path / "state.safetensors", tmp_path / "ran"
    path.write_bytes(pickle.dumps(Boom(ran)).ljust(10_000, b"\0"))
    with pytest.raises(InputError, match="damaged"):
        load_state(path, identity=IDENTITY, **run)
    assert not ran.exists()


UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def unpickles(path: Path) -> list[str]:
    """What in a file could run a stranger's pickle."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.partition(".")[0] in UNPICKLERS]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module or ""] if (node.module or "").split(".")[0] in UNPICKLERS else []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            called = f"{owner.id}.{node.func.attr}" if isinstance(owner, ast.Name) else ""
            if called in {"torch.load", "pd.read_pickle", "pandas.read_pickle", "jit.load"}:
                found.append(called)
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            is_off = isinstance(node.value, ast.Constant) and node.value.value is False
            found += [] if is_off else ["allow_pickle"]
        if isinstance(node, ast.Attribute) and node.attr in {"read_pickle", "load_pickle"}:
            found.append(node.attr)
    return found


def test_nothing_in_the_tree_unpickles() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True)
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    sources = [p for p in paths if p.exists() and "tests" not in p.relative_to(ROOT).parts]
    assert len(sources) > 100
    assert {str(p.relative_to(ROOT)): found for p in sources if (found := unpickles(p))} == {}


def test_the_search_for_pickles_finds_them(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    for source in (
        "import pickle", "from pickle import loads", "import torch\ntorch.load('a')",
        "import numpy as np\nnp.load('a', allow_pickle=True)", "import joblib.x", "import dill",
        "import pandas as pd\npd.read_pickle('a')",
    ):  # fmt: skip
        file.write_text(source)
        assert unpickles(file), source
    file.write_text("import numpy as np\nnp.load('a', allow_pickle=False)")
    assert not unpickles(file)
