"""A network of a visitor's own: on every page of that session, on none of another, gone with it."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import shutil
import time
import weakref
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import services
from app.cores import kept
from app.handed_over import own_networks
from hydranet.checkpoints import CHECKPOINTS
from hydranet.errors import InputError

PAGES = Path(__file__).parents[2] / "app" / "page_scripts"
FILES = ("card.json", "model.safetensors", "routes.parquet")


def folder(tmp_path: Path, name: str = "hydra_res_d1", **changes: Any) -> Path:
    """A copy of a shipped checkpoint with a card of the visitor's."""
    copy = tmp_path / "mine"
    shutil.copytree(CHECKPOINTS / name, copy)
    card = json.loads((copy / "card.json").read_text())
    names = ["my own class", *card["class_names"][1:]]
    (copy / "card.json").write_text(
        json.dumps(card | {"name": "mine", "class_names": names} | changes)
    )
    return copy


def zipped(place: Path, *, names: tuple[str, ...] = FILES, inside: str = "mine/") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(place / name, inside + name)
        archive.writestr(inside + "notes.txt", "not of the checkpoint")
        archive.writestr("__MACOSX/._card.json", b"\0")
    return buffer.getvalue()


def opened(page: str = "inspect", **address: str) -> AppTest:
    test = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    for name, value in address.items():
        test.query_params[name] = value
    return test.run()


def hand_over(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    field = next(f for f in page.file_uploader if f.key.startswith("own_network"))
    field.set_value([(name, content, "application/octet-stream") for name, content in files])
    return page.run()


def sentences(page: AppTest) -> list[str]:
    assert not page.exception
    return [error.value.replace("\\", "") for error in page.error]


def offered(page: AppTest) -> list[str]:
    return list(page.selectbox(key="network").options)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    gc.collect()
    wait_until(lambda: own_networks.bytes_held() == 0)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        gc.collect()
        time.sleep(0.02)


def test_it_is_chosen_and_answers(tmp_path: Path) -> None:
    page = hand_over(opened(), ("net.zip", zipped(folder(tmp_path))))
    assert not sentences(page)
    name = page.selectbox(key="network").value
    assert name.startswith("mine (yours, ")
    assert len(page.get("plotly_chart")) >= 3
    page.selectbox(key="class").select("my own class").run()
    assert not sentences(page)


@pytest.mark.parametrize("section", ["Routes", "Why", "Second network"])
def test_sections_of_inspect(tmp_path: Path, section: str) -> None:
    page = hand_over(opened(), ("net.zip", zipped(folder(tmp_path))))
    page.segmented_control(key="view").set_value(section).run()
    assert not sentences(page)


def test_files_one_by_one_and_without_a_route_log(tmp_path: Path) -> None:
    place = folder(tmp_path, "resnet14")
    files = [(name, (place / name).read_bytes()) for name in FILES[:2]]
    page = hand_over(opened(view="Keep"), *files)
    assert not sentences(page)
    assert "came without a routes" in " ".join(c.value for c in page.caption)
    other = opened("specialise")
    assert "cannot be read" in sentences(hand_over(other, *files))[0]


def test_its_address_is_not_said_to_show_it_to_others(tmp_path: Path) -> None:
    page = hand_over(opened(view="Keep"), ("net.zip", zipped(folder(tmp_path))))
    captions = " ".join(caption.value for caption in page.caption)
    assert "Your network stays in this session" in captions
    assert "Whoever opens it sees the same" not in captions


@pytest.mark.parametrize("page", ["batch", "compare", "specialise"])
def test_the_other_pages(tmp_path: Path, page: str) -> None:
    found = hand_over(opened(page), ("net.zip", zipped(folder(tmp_path))))
    assert not sentences(found)
    if page == "compare":
        table = next(t.value for t in found.dataframe if "Model" in t.value)
        (mine,) = [row for row in table.to_dict("records") if "yours" in row["Model"]]
        assert mine["How known"] == "yours, as its card says"
        assert mine["Source"].startswith("your own network")
    else:
        assert found.selectbox(key="network").value.startswith("mine (yours, ")


def test_compare_shows_its_card_and_not_that_of_a_published_one(tmp_path: Path) -> None:
    page = hand_over(opened("compare"), ("net.zip", zipped(folder(tmp_path))))
    (name,) = [n for n in page.multiselect(key="chosen").options if "yours" in n]
    page.multiselect(key="chosen").set_value([name]).run()
    page.segmented_control(key="section").set_value("Side by side").run()
    assert not sentences(page)
    said = " ".join(element.value for element in [*page.markdown, *page.caption])
    assert "yours, as its card says" in said
    assert "**Recipe:**" in said
    assert "Published: no weights" not in said


def test_another_session_does_not_see_it(tmp_path: Path) -> None:
    mine = hand_over(opened(), ("net.zip", zipped(folder(tmp_path))))
    name = mine.selectbox(key="network").value
    for other in (opened(), opened(network=name)):
        assert not other.exception
        assert name not in offered(other)
        assert other.selectbox(key="network").value == "hydra_res_d1"
        assert "my own class" not in other.selectbox(key="class").options
    assert name in offered(mine.run())


def test_the_same_weights_under_another_card_share_nothing(tmp_path: Path) -> None:
    """What is kept of a shipped network is not what a visitor's card makes of the same weights."""
    before = opened()
    shown = before.get("plotly_chart")[1].proto.spec
    place = folder(tmp_path, name="hydra_res_d1")
    card = json.loads((place / "card.json").read_text())
    names = [f"renamed {number}" for number in range(100)]
    (place / "card.json").write_text(json.dumps(card | {"class_names": names}))
    mine = hand_over(opened(), ("net.zip", zipped(place)))
    assert "renamed" in mine.get("plotly_chart")[1].proto.spec
    assert opened().get("plotly_chart")[1].proto.spec == shown


def everything_kept() -> str:
    """The keys of all that is kept for pages, as text."""
    return repr([list(one._results) for one in kept._EVERY])


def test_it_is_gone_with_the_session(tmp_path: Path) -> None:
    page = hand_over(opened(), ("net.zip", zipped(folder(tmp_path))))
    name = page.selectbox(key="network").value
    (network,) = page.session_state["own_networks"]
    place, engine = network.folder, weakref.ref(services.engine(network))
    assert sorted(path.name for path in place.iterdir()) == sorted(FILES)
    assert place.stat().st_mode & 0o077 == 0
    assert name in everything_kept()
    del page, network
    wait_until(lambda: not place.exists() and own_networks.bytes_held() == 0)
    assert name not in everything_kept()
    wait_until(lambda: engine() is None)


def test_it_is_gone_when_it_is_forgotten(tmp_path: Path) -> None:
    page = hand_over(opened(), ("net.zip", zipped(folder(tmp_path))))
    name = page.selectbox(key="network").value
    (network,) = page.session_state["own_networks"]
    page.button(key=f"forget_{name}").click().run()
    assert not page.exception
    assert name not in offered(page)
    assert not network.folder.exists()
    assert name not in everything_kept()
    assert page.selectbox(key="network").value == "hydra_res_d1"


def test_a_few_are_held_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = zipped(folder(tmp_path, "resnet8"))
    page = opened()
    for number in range(own_networks.MOST_NETWORKS):
        hand_over(page, (f"{number}.zip", content))
        assert not sentences(page)
    assert len({name for name in offered(page) if "yours" in name}) == 3
    assert "At most 3 networks" in sentences(hand_over(page, ("more.zip", content)))[0]
    monkeypatch.setattr(own_networks, "MOST_BYTES_ON_SERVER", own_networks.bytes_held() + 2**20)
    assert "holds as many" in sentences(hand_over(opened(), ("one.zip", content)))[0]


def test_what_a_network_takes_is_what_it_unpacks_to(tmp_path: Path) -> None:
    content = zipped(folder(tmp_path, "resnet8"))
    networks = own_networks.OwnNetworks()
    before = own_networks.bytes_held()
    network = networks.add([("packed.zip", content)])
    on_disk = sum(path.stat().st_size for path in network.folder.iterdir())
    assert own_networks.bytes_held() - before == on_disk
    networks.forget(network)
    assert own_networks.bytes_held() == before


def with_hash(place: Path) -> None:
    content = (place / "model.safetensors").read_bytes()
    card = json.loads((place / "card.json").read_text())
    card["weights_sha256"] = hashlib.sha256(content).hexdigest()
    (place / "card.json").write_text(json.dumps(card))


def weights(number: str) -> Callable[[Path], None]:
    """Every weight of the output layer replaced."""
    import torch
    from safetensors.torch import load_file, save_file

    def change(place: Path) -> None:
        tensors = load_file(place / "model.safetensors")
        tensors["head.weight"] = torch.full_like(tensors["head.weight"], float(number))
        save_file(tensors, place / "model.safetensors")
        with_hash(place)

    return change


def card(**changes: Any) -> Callable[[Path], None]:
    def change(place: Path) -> None:
        data = json.loads((place / "card.json").read_text())
        data["architecture"] |= changes
        from hydranet.config import config_from_json
        from hydranet.costs import count_costs

        costs = count_costs(config_from_json(data["architecture"]))
        data["costs"] = {"parameters": costs.parameters, "macs": costs.macs_json()}
        (place / "card.json").write_text(json.dumps(data))

    return change


HARM: dict[str, tuple[Callable[[Path], Any], str]] = {
    "another hash": (
        lambda p: (p / "model.safetensors").write_bytes(os.urandom(200_000)), "SHA-256 on its card",
    ),
    "no card": (lambda p: (p / "card.json").write_text("no"), "cannot be read"),
    "no log": (lambda p: (p / "routes.parquet").write_text("no"), "cannot be read"),
    "no numbers": (weights("nan"), "finite numbers"),
    "large images": (card(image_size=512), "MACs"),
    "many values": (card(image_size=1024, widths=[1, 1, 1], n=64), "values between its layers"),
    "many parameters": (card(widths=[2, 2, 4096], n=2, image_size=8), "parameters"),
    "a large card": (
        lambda p: (p / "card.json").write_text(os.urandom(2**20).hex()),
        "at most 1 MiB",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HARM)
def test_what_means_harm_is_a_sentence_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    damage, sentence = HARM[kind]
    place = folder(tmp_path, "resnet8")
    damage(place)
    networks = own_networks.OwnNetworks()
    with pytest.raises(InputError, match=sentence):
        networks.add([("net.zip", zipped(place))])
    assert len(networks) == own_networks.bytes_held() == 0


def test_a_refusal_is_shown_until_something_else_is_handed_over(tmp_path: Path) -> None:
    place = folder(tmp_path, "resnet8")
    page = hand_over(opened(), ("net.zip", b"PK"))
    assert "whole ZIP archive" in sentences(page)[0]
    assert not any("yours" in name for name in offered(page))
    assert not sentences(hand_over(page, ("net.zip", zipped(place))))


def repeated(place: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(2):
            archive.write(place / "card.json", f"{number}/card.json")
    return buffer.getvalue()


ARCHIVES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "no archive": (lambda p: b"PK no", "whole ZIP archive"),
    "without weights": (lambda p: zipped(p, names=("card.json",)), "needs a model.safetensors"),
    "two cards": (repeated, "one card.json"),
    "zeros": (
        lambda p: (p / "model.safetensors").write_bytes(bytes(60 * 2**20)) and zipped(p), "times",
    ),
    "too large": (
        lambda p: (p / "model.safetensors").write_bytes(bytes(65 * 2**20)) and zipped(p),
        "at most 64 MiB",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_that_are_no_checkpoint(tmp_path: Path, kind: str) -> None:
    make, sentence = ARCHIVES[kind]
    with pytest.raises(InputError, match=sentence):
        own_networks.OwnNetworks().add([("net.zip", make(folder(tmp_path, "resnet8")))])


def test_names_in_an_archive_are_no_paths(tmp_path: Path) -> None:
    content = zipped(folder(tmp_path, "resnet8"), inside="../../../../tmp/evil/")
    networks = own_networks.OwnNetworks()
    network = networks.add([("net.zip", content)])
    assert sorted(path.name for path in network.folder.iterdir()) == sorted(FILES)
    assert not Path("/tmp/evil").exists()
