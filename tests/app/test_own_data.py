"""Labelled images of one's own on the page Specialise: from files, from a path, with their
pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import hostile_zips as hostile
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import app.page_scripts
import hydranet
from app import data_images, services
from app.data_images import OfImageSet, OfItems
from app.handed_over import own_images
from app.handed_over.own_images import OwnImages, from_files, from_path
from app.server import paths as server_paths
from hydranet.checkpoints import find_checkpoint, list_checkpoints
from hydranet.data import ImageSet, load_images
from hydranet.errors import InputError
from hydranet.evaluation.route_log import read_route_log

PAGE = Path(app.page_scripts.__file__).with_name("specialise.py")


@pytest.fixture
def root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_checkpoint: Callable[..., Path]
) -> Iterator[Path]:
    """A folder of checkpoints with a HydraNet and a static network, which the page reads."""
    folder = tmp_path / "checkpoints"
    make_checkpoint("hydra_a", folder)
    make_checkpoint("static_b", folder, model="resnet8")
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(folder))
    for name in (server_paths.PATHS, server_paths.DATA):
        monkeypatch.delenv(name, raising=False)
    services.checkpoints.clear()
    data_images._test_images.clear()
    yield folder
    services.checkpoints.clear()


def archive(count: int = 24, *, broken: tuple[int, ...] = ()) -> bytes:
    """Images of eight classes, by folder, and one of no class."""
    entries = [
        (f"Class {i % 8}/{i}.png", hostile.picture(i, 16)[: 50 if i in broken else None])
        for i in range(count)
    ]
    return hostile.zipped(*entries, ("cat/1.png", hostile.picture(99, 16)))


def table(count: int) -> bytes:
    sink = io.BytesIO()
    names = [f"class {c}" for c in range(8)]
    made = pa.table(
        {
            "img": [{"bytes": hostile.picture(i, 16), "path": ""} for i in range(count)],
            "fine_label": [i % 8 for i in range(count)],
        }
    ).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": {"fine_label": {"names": names}}}})}
    )
    pq.write_table(made, sink)
    return sink.getvalue()


def run(**address: str) -> AppTest:
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    elements = [*page.markdown, *page.caption, *page.info, *page.error, *page.warning]
    return "\n".join(e.value for e in elements).replace("\\", "")


def field(page: AppTest, name: str):
    (found,) = [f for f in (*page.file_uploader, *page.text_input) if f.key.startswith(name)]
    return found


def hand_over(page: AppTest, name: str, content: bytes) -> AppTest:
    field(page, "own_images").set_value([(name, content, "")]).run()
    assert not page.exception
    return page


def done(own: OwnImages, root: Path, name: str = "hydra_a") -> OwnImages:
    own.set_up(find_checkpoint(name, root))
    while own.done < own.goal:
        own.advance()
    return own


def test_an_archive_is_computed_and_every_section_shows_it(root: Path) -> None:
    page = hand_over(run(network="hydra_a"), "mine.zip", archive(broken=(3, 5)))
    text = words(page)
    assert "22 images** of your mine.zip, as **hydra_a**" in text
    assert "2 images cannot be read" in text
    assert "mine.zip/Class 3/3.png: It must be a whole PNG" in text
    assert "8 of 9 labels are names of classes of hydra_a" in text
    assert "Left out: 1 image with a label that is no class of hydra_a: cat (1)" in text
    for section in ("Gate", "Answers", "Confusion", "Subtasks", "Images"):
        page.segmented_control(key="show").set_value(section).run()
        assert not page.exception
    rows = page.dataframe[0].value
    assert rows["Index"].tolist() == [i for i in range(24) if i not in (3, 5)]
    assert all(image.startswith("data:image/jpeg;base64,") for image in rows["Image"])
    page.selectbox(key="network").set_value("static_b").run()
    assert "22 images** of your mine.zip, as **static_b**" in words(page)
    page.button(key="forget_own_data").click().run()
    assert "24 test images" in words(page)


def test_the_log_of_own_images_is_that_of_the_network(root: Path, tmp_path: Path) -> None:
    own = done(from_files([("mine.zip", archive())]), root)
    (tmp_path / "log.parquet").write_bytes(own.log())
    log = read_route_log(tmp_path / "log.parquet")
    model = hydranet.load("hydra_a", root)
    for row in range(24):
        image = hydranet.decode_image(hostile.picture(row, 16))
        (answer,) = hydranet.predict(model, [image], runs=1)
        assert log.prediction[row] == answer.best
        assert log.fired is not None
        assert tuple(log.fired[row]) == answer.fired
    assert log.label.tolist() == [i % 8 for i in range(24)]


def test_a_table_of_images_and_labels(root: Path) -> None:
    page = hand_over(run(network="hydra_a", show="Images"), "mine.parquet", table(20))
    assert "20 images** of your mine.parquet" in words(page)
    assert page.dataframe[0].value["Class"].tolist() == [f"class {i % 8}" for i in range(20)]


def test_cancel_keeps_what_is_done(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_images, "_STEP", 10)
    own = from_files([("mine.zip", archive())])
    own.set_up(find_checkpoint("hydra_a", root))
    own.advance()
    assert (own.done, own.total) == (10, 25)
    own.stop()
    assert own.goal == own.done == len(own.evaluation().routes) == 10
    own.go_on()
    assert len(done(own, root).evaluation().routes) == 24
    own.set_up(find_checkpoint("static_b", root))
    assert own.done == 0, "another network has other verdicts"


def test_what_cannot_be_used_is_a_sentence(root: Path) -> None:
    page = hand_over(run(network="hydra_a"), "mine.zip", hostile.zipped(("a.png", b"x")))
    assert "None of 1 images can be used. 1 could not be read." in words(page)
    page = hand_over(page, "text.zip", b"no archive")
    assert "text.zip must be a whole ZIP archive" in words(page)
    page = hand_over(page, "text.parquet", b"PAR1 no table")
    assert "text.parquet cannot be read" in words(page)
    sink = io.BytesIO()
    pq.write_table(pa.table({"pixels": [1]}), sink)
    page = hand_over(page, "other.parquet", sink.getvalue())
    assert "it needs a column named img or image, but it has pixels" in words(page)


def test_more_than_is_taken_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_images, "MOST_IMAGES", 5)
    own = from_files([("mine.zip", archive())])
    assert own.total == 5
    assert own.notes[0].startswith("20 images were left out: at most 5 images and 100 MiB")
    assert from_files([("mine.parquet", table(9))]).total == 5
    content = table(5)
    monkeypatch.setattr(own_images, "MOST_BYTES", len(content) + 100)
    two = from_files([("a.parquet", content), ("b.parquet", content)])
    assert two.name == "a.parquet"
    assert two.notes[-1].startswith("b.parquet and what came after it was left out")
    monkeypatch.setattr(own_images, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="left out"):
        from_files([("a.parquet", content)])


def test_paths_are_read_only_where_the_server_allows_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, secret = tmp_path / "photos", tmp_path / "secret"
    for i in range(16):
        (photos / f"class {i % 8}").mkdir(parents=True, exist_ok=True)
        (photos / f"class {i % 8}" / f"{i}.png").write_bytes(hostile.picture(i, 16))
    secret.mkdir()
    (secret / "a.png").write_bytes(hostile.picture(1))
    (photos / "link").symlink_to(secret)
    assert not [f for f in run().text_input if f.key.startswith("own_path")]
    with pytest.raises(InputError, match="may read: none"):
        server_paths.allowed(str(photos))

    monkeypatch.setenv(server_paths.PATHS, str(photos))
    page = run(network="hydra_a")
    field(page, "own_path").set_value(str(photos)).run()
    assert not page.exception
    assert "16 images** of your photos" in words(page)
    said = set()
    for path in (secret, photos / "link", photos / ".." / "secret", tmp_path / "nothing", "\0"):
        with pytest.raises(InputError, match="no such file or folder") as error:
            server_paths.allowed(str(path))
        said.add(str(error.value))
    assert len(said) == 1, "a sentence tells nothing about other files"
    field(page, "own_path").set_value(str(secret)).run()
    assert "no such file or folder" in words(page)

    log = photos / "log"
    log.mkdir()
    (log / "routes.parquet").write_bytes((root / "hydra_a" / "routes.parquet").read_bytes())
    for path in (log, log / "routes.parquet"):
        field(page, "own_path").set_value(str(path)).run()
        assert not page.exception
        assert "24 images** of your routes.parquet" in words(page)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no image"):
        from_path(tmp_path / "empty")


def test_images_of_a_stream_and_of_a_set(root: Path) -> None:
    own = from_files([("mine.zip", archive(broken=(2,)))])
    found = OfItems(own.items).load([4, 2, 77])
    assert found[4].content == hostile.picture(4, 16)
    assert found[4].name == "mine.zip/Class 4/4.png"
    assert 77 not in found
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    images = OfImageSet(ImageSet("made", pixels, np.zeros(3, np.int64), ("a",)))
    (one,) = images.load([2, 9]).items()
    with Image.open(io.BytesIO(one[1].content)) as image:
        assert np.array_equal(np.asarray(image), pixels[2]), "lossless: the network sees the same"


def test_test_images_show_where_the_server_has_the_data(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    make_checkpoint: Callable[..., Path],
) -> None:  # fmt: skip
    data = tmp_path / "data"
    data.mkdir()
    pq.write_table(pq.read_table(io.BytesIO(table(24))), data / "test-0.parquet")
    assert "show where the server knows the folder" in words(run(network="hydra_a", show="Images"))
    monkeypatch.setenv(server_paths.DATA, str(data))
    page = run(network="hydra_a", show="Images")
    assert "their SHA-256 is not the one on its card" in words(page)
    assert "Image" not in page.dataframe[0].value
    images = load_images(data, "test", image_size=16)
    note = find_checkpoint("hydra_a", root).card.data
    known = type(note)(**{**vars(note), "test_sha256": images.sha256})
    make_checkpoint("hydra_a", root, data=known)
    services.checkpoints.clear()
    page = run(network="hydra_a", show="Images", answered="wrong")
    rows = page.dataframe[0].value
    assert len(rows)
    assert rows["Image"].str.startswith("data:image/jpeg").all()
    monkeypatch.setenv(server_paths.DATA, str(tmp_path / "nothing"))
    assert "no folder" in words(run(network="hydra_a", show="Images"))
