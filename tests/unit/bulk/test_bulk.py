"""Many images through one network: as `predict` answers each, in tables and in parts."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hostile_zips as hostile
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import hydranet
from hydranet.bulk import sources
from hydranet.bulk.answers import each, run_pixels
from hydranet.bulk.batch import BATCH, BATCH_BYTES, Batch, BatchRouter, batches
from hydranet.bulk.helpers import routers
from hydranet.bulk.items import Item, as_text, pixels_of, refused
from hydranet.bulk.parts import route_to_parts
from hydranet.bulk.routing import AHEAD, BEHIND, Helpers, route_batches
from hydranet.bulk.rows import Row, Settings
from hydranet.bulk.table import parquet_bytes, rows_table
from hydranet.bulk.tables import read_rows
from hydranet.checkpoints import find_checkpoint
from hydranet.engines import Engine, open_engine
from hydranet.errors import InputError


def item(seed: int) -> Item:
    return Item(f"{seed}.png", lambda: hostile.picture(seed))


def routed(engine: Engine, items: Iterable[Item], settings: Settings | None = None) -> pa.Table:
    router = BatchRouter(engine, settings or Settings())
    return pa.concat_tables(route_batches(batches(items), router))


@pytest.fixture(params=["reference", "onnx"])
def engine(request, tmp_path: Path, make_checkpoint) -> Engine:
    folder = make_checkpoint("tiny", tmp_path / "checkpoints")
    return open_engine(find_checkpoint(folder), request.param)


@pytest.mark.parametrize("name", ["hydra_res_d1", "multihead_resnet", "resnet8"])
@pytest.mark.parametrize("settings", [Settings(), Settings(k=3), Settings(k=3, threshold=0.26)])
def test_each_image_is_answered_as_predict_does(
    tmp_path: Path, make_checkpoint, name: str, settings: Settings
) -> None:
    make_checkpoint("tiny", tmp_path, model=name)
    model = hydranet.load("tiny", tmp_path)
    engine = open_engine(find_checkpoint("tiny", tmp_path))
    if name == "resnet8" and settings != Settings():
        with pytest.raises(InputError, match="static"):
            routed(engine, [item(0)], settings)
        return
    count = BATCH + 5
    table = routed(engine, map(item, range(count)), settings)
    assert table["index"].to_pylist() == list(range(count))
    rows = table.to_pylist()
    for seed in (0, 1, BATCH, count - 1):
        row = rows[seed]
        image = hydranet.decode_image(hostile.picture(seed))
        fired = tuple(row.get("fired", ()))
        branches = fired if settings.threshold else None
        k = None if branches else settings.k
        alone = hydranet.predict(model, [image], k=k, branches=branches, runs=1)[0]
        assert row["prediction"] == alone.best
        assert fired == alone.fired
        assert row["macs"] == alone.macs
        (_, confidence), (second, its) = alone.top(2)
        assert row["runner_up"] == second
        assert row["confidence"] == pytest.approx(confidence, abs=1e-4)
        assert row["runner_up_confidence"] == pytest.approx(its, abs=1e-4)
        assert np.allclose(row.get("gate_scores", ()), alone.gate_scores, atol=1e-4)
        assert np.allclose(row.get("weights", ()), alone.weights, atol=1e-4)


def test_dynamic_k_drops_branches(engine: Engine) -> None:
    rows = routed(engine, map(item, range(20)), Settings(k=4, threshold=0.26)).to_pylist()
    assert {len(row["fired"]) for row in rows} <= {1, 2, 3}
    for row in rows:
        confidence = torch.tensor(row["gate_scores"]).softmax(0)
        assert all(confidence[b] >= 0.26 for b in row["fired"][1:])


def test_broken_images_have_a_reason_and_the_rest_go_on(engine: Engine) -> None:
    items = [item(0), Item("text.png", lambda: b"no picture"), refused("x.zip", "It is."), item(1)]
    rows = routed(engine, items).to_pylist()
    assert [row["file"] for row in rows] == ["0.png", "text.png", "x.zip", "1.png"]
    assert [row["prediction"] is None for row in rows] == [False, True, True, False]
    assert rows[1]["reason"].startswith("It must be a PNG, JPEG or WebP")
    assert rows[2]["reason"] == "It is."
    assert rows[3]["fired"] == routed(engine, [item(1)])["fired"][0].as_py()


@pytest.mark.parametrize(
    "settings", [Settings(k=0), Settings(k=5), Settings(threshold=-0.1), Settings(threshold=1.1)]
)
def test_settings_that_do_not_fit_are_a_sentence(engine: Engine, settings: Settings) -> None:
    with pytest.raises(InputError, match="must be from"):
        BatchRouter(engine, settings)


@pytest.mark.parametrize("settings", [Settings(k=3), Settings(k=3, threshold=0.26)])
def test_rows_of_a_page_make_the_same_table(engine: Engine, settings: Settings) -> None:
    items = [item(0), refused("b.png", "It is broken.", "class 2"), item(1)]
    pixels = np.stack([pixels_of(items[place], 16) for place in (0, 2)])
    first, last = each(run_pixels(engine, pixels, settings))
    rows = [
        Row(index=0, file="0.png", found=first),
        Row(index=1, file="b.png", label="class 2", reason="It is broken."),
        Row(index=2, file="1.png", found=last),
    ]
    table = rows_table(rows, engine.card, settings)
    assert table.equals(routed(engine, items, settings))
    assert table.schema.equals(rows_table([], engine.card, settings).schema)
    again = pq.read_table(pa.BufferReader(parquet_bytes(rows, engine.card, settings)))
    assert again.equals(table)
    good, broken, _ = table.to_pylist()
    assert good["fired"] == list(first.fired)
    assert good["class"] == engine.card.class_names[first.prediction]
    assert good["reason"] is None
    assert {name for name, value in broken.items() if value is not None} == {
        "index", "file", "label", "label_class", "reason",
    }  # fmt: skip
    note = json.loads(table.schema.metadata[b"hydranet"])
    assert note["checkpoint"] == "tiny"
    assert note["k"] == 3


def test_the_table_of_a_static_network_has_no_branches(tmp_path: Path, make_checkpoint) -> None:
    make_checkpoint("static", tmp_path, model="resnet8")
    engine = open_engine(find_checkpoint("static", tmp_path))
    table = routed(engine, [item(0)])
    assert not {"gate_scores", "fired", "weights"} & set(table.column_names)
    assert table["macs"].to_pylist() == [engine.card.costs.routed_macs]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_that_is_stopped_goes_on_and_ends_alike(engine: Engine, tmp_path: Path) -> None:
    items = [item(s) if s != 7 else refused("7.png", "It is broken.") for s in range(25)]
    router = BatchRouter(engine, Settings())
    whole = route_to_parts(router, items, tmp_path / "whole", part_images=10)
    assert (whole.images, whole.rejected, whole.parts, whole.now) == (25, 1, 3, 25)
    assert whole.reasons == [("7.png", "It is broken.")]

    def stop(done: int) -> None:
        if done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        route_to_parts(router, items, tmp_path / "again", part_images=10, on_progress=stop)
    assert len(contents(tmp_path / "again")) == 2, "the settings and one part"
    again = route_to_parts(router, items, tmp_path / "again", part_images=10)
    assert (again.images, again.rejected, again.now) == (25, 1, 15)
    assert (again.branches, again.macs) == (whole.branches, whole.macs)
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")
    table = pq.read_table(tmp_path / "whole")
    assert table["index"].to_pylist() == list(range(25))


def test_a_part_that_is_gone_is_made_again(engine: Engine, tmp_path: Path) -> None:
    items = [refused(f"{s}.png", f"It is number {s}.") for s in range(8)] + [item(8)]
    folder, router = tmp_path / "routes", BatchRouter(engine, Settings())
    whole = route_to_parts(router, items, folder, part_images=2)
    before = contents(folder)
    (folder / "routes-00001.parquet").unlink()
    again = route_to_parts(router, items, folder, part_images=2)
    assert contents(folder) == before
    assert again.now == 2
    assert again.reasons == whole.reasons, "the first ones, whenever they were rejected"
    assert (again.images, again.rejected, again.parts) == (9, 8, 5)


def test_parts_do_not_depend_on_how_many_work_at_them(tmp_path: Path, make_checkpoint) -> None:
    """Threads for the engines on torch, processes for onnx."""
    checkpoint = find_checkpoint(make_checkpoint("tiny", tmp_path / "checkpoints"))
    items = [item(s) if s % 50 else refused(f"{s}.png", "It is broken.") for s in range(900)]
    for name in ("reference", "onnx"):
        for count in (0, 2):
            folder = tmp_path / name / str(count)
            with routers(checkpoint, name, Settings(k=3), count=count) as (router, lent):
                summary = route_to_parts(router, items, folder, part_images=200, helpers=lent)
            assert (summary.images, summary.rejected, summary.parts) == (900, 18, 5)
            assert contents(folder) == contents(tmp_path / name / "0")


def test_a_helper_that_is_killed_is_a_sentence(tmp_path: Path, make_checkpoint) -> None:
    checkpoint = find_checkpoint(make_checkpoint("tiny", tmp_path / "checkpoints"))
    (batch,) = batches([item(0)])

    def work() -> None:
        with routers(checkpoint, "onnx", Settings(), count=1) as (router, lent):
            assert lent is not None
            assert lent.submit(batch).result().equals(router(batch))
            (helper,) = multiprocessing.active_children()
            os.kill(helper.pid, signal.SIGKILL)
            list(route_batches([batch] * 9, router, lent))

    with pytest.raises(InputError, match=r"A helper process was killed .* Start again"):
        work()


def test_no_more_is_held_than_what_helpers_have(engine: Engine) -> None:
    """Of images; of tables a few more."""
    loaded = routed = rows = 0

    def counted(seed: int) -> Item:
        def load() -> bytes:
            nonlocal loaded
            loaded += 1
            assert loaded - routed <= (AHEAD + 1) * BATCH
            assert loaded - rows <= (AHEAD + BEHIND + 1) * BATCH
            return hostile.picture(seed % 9, 16)

        return Item(f"{seed}.png", load)

    router, counting = BatchRouter(engine, Settings()), threading.Lock()

    def route(batch: Batch) -> pa.Table:
        nonlocal routed
        table = router(batch)
        with counting:
            routed += table.num_rows
        return table

    items = map(counted, range(40 * BATCH))
    with ThreadPoolExecutor(1) as pool:
        lent = Helpers(1, lambda batch: pool.submit(route, batch))
        for table in route_batches(batches(items), route, lent):
            assert table["index"][0].as_py() == rows
            rows += table.num_rows
    assert rows == routed == 40 * BATCH


def test_large_files_make_small_batches() -> None:
    large = bytes(BATCH_BYTES // 3)
    items = [Item(str(s), lambda: large) for s in range(7)]
    assert [(batch.first, len(batch)) for batch in batches(items)] == [(0, 4), (4, 3)]


def test_what_is_done_before_is_not_read_again(engine: Engine, tmp_path: Path) -> None:
    router = BatchRouter(engine, Settings())
    route_to_parts(router, map(item, range(4)), tmp_path, part_images=2)
    unread = [refused(f"{seed}.png", "It was read.") for seed in range(4)]
    summary = route_to_parts(router, unread, tmp_path, part_images=2)
    assert (summary.images, summary.rejected, summary.now) == (4, 0, 0)


def test_a_folder_of_other_routes_is_refused(engine: Engine, tmp_path: Path) -> None:
    router = BatchRouter(engine, Settings())
    route_to_parts(router, map(item, range(6)), tmp_path, part_images=2)
    other = BatchRouter(engine, Settings(k=1))
    with pytest.raises(InputError, match="other settings"):
        route_to_parts(other, map(item, range(6)), tmp_path, part_images=2)
    for others in (range(1, 7), range(5), range(4)):
        with pytest.raises(InputError, match="other images"):
            route_to_parts(router, map(item, others), tmp_path, part_images=2)
    (tmp_path / "_routes.json").unlink()
    with pytest.raises(InputError, match="other settings"):
        route_to_parts(router, map(item, range(6)), tmp_path, part_images=2)


def test_only_one_batch_of_images_is_held(engine: Engine) -> None:
    loaded: list[int] = []
    rows = 0

    def counted(seed: int) -> Item:
        def load() -> bytes:
            loaded.append(seed)
            assert len(loaded) - rows <= BATCH
            return hostile.picture(seed, 16)

        return Item(f"{seed}.png", load)

    items = map(counted, range(3 * BATCH))
    for table in route_batches(batches(items), BatchRouter(engine, Settings())):
        rows += table.num_rows
    assert rows == 3 * BATCH


def test_files_folders_archives_and_tables_are_one_stream(tmp_path: Path) -> None:
    root = tmp_path / "in"
    (root / "b").mkdir(parents=True)
    (root / "out").mkdir()
    for path in (root / "b" / "2.png", root / "1.png", root / ".hidden.png", root / "out/0.png"):
        path.write_bytes(hostile.picture(0))
    (root / "note.txt").write_text("text")
    (root / "c.zip").write_bytes(hostile.zipped(("x.png", hostile.picture(1)), ("y.txt", b"")))
    cells = [{"bytes": hostile.picture(2), "path": None}, None]
    pq.write_table(pa.table({"img": cells, "label": [0, 1]}), root / "d.parquet")
    pq.write_table(pa.table({"other": [0]}), root / "e.parquet")
    (root / "f.zip").write_bytes(b"PK")
    (root / "loop").symlink_to(root)
    pq.write_table(pa.table({"image": [hostile.picture(3)]}), tmp_path / "bytes.parquet")

    inputs = [root, tmp_path / "bytes.parquet"]
    items = {}
    for one in sources.iterate(inputs, without=root / "out"):
        try:
            items[one.name.removeprefix(f"{tmp_path}/")] = len(one.load()) > 0
        except InputError as error:
            items[one.name.removeprefix(f"{tmp_path}/")] = str(error)
    assert items["in/d.parquet#1"] == "It is missing: the row holds no image."
    assert "needs a column named img or image" in items.pop("in/e.parquet")
    assert "whole ZIP archive" in items.pop("in/f.zip")
    good = [name for name, outcome in items.items() if outcome is True]
    assert good == ["in/1.png", "in/b/2.png", "in/c.zip/x.png", "in/d.parquet#0", "bytes.parquet#0"]
    assert sources.count(inputs, without=root / "out") == 8


def test_a_folder_that_cannot_be_opened_is_one_item_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(hostile.picture(0))
    real = os.scandir

    def scandir(folder: Path) -> object:
        if folder == tmp_path / "b":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list(sources.iterate([tmp_path]))
    assert [Path(one.name).name for one in found] == ["1.png", "b", "1.png"]
    assert sources.count([tmp_path]) == 3
    with pytest.raises(InputError, match="cannot be opened"):
        found[1].load()


@pytest.mark.parametrize("rows_a_group", [10, 1000])
def test_a_table_is_read_as_its_images_are_asked_for(tmp_path: Path, rows_a_group: int) -> None:
    draw = np.random.default_rng(0)
    made = pa.table({"image": [draw.bytes(20_000) for _ in range(600)]})
    pq.write_table(
        made, tmp_path / "images.parquet", row_group_size=rows_a_group, write_batch_size=10
    )

    class Counted(io.FileIO):
        count = 0

        def read(self, size: int = -1) -> bytes:
            self.count += len(content := super().read(size))
            return content

    with Counted(tmp_path / "images.parquet") as file:
        items = read_rows(file, "images.parquet")
        for number, one in zip(range(1, 601), items, strict=True):
            assert len(one.load()) == 20_000
            assert file.count < 20_000 * number + 5 * 2**20


def test_names_become_one_printable_line() -> None:
    assert as_text("a\0b\nc\udcff\x1b.png") == "a�b�c��.png"
    assert as_text("") == "(no name)"
    assert len(as_text("x" * 10_000)) == 200
    as_text("\udcff").encode()
