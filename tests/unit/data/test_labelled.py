"""Labelled images from folders, archives and tables: whose class, what is left out, the log."""

from __future__ import annotations

import json
from pathlib import Path

import hostile_zips as hostile
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hydranet
from hydranet.bulk import sources
from hydranet.bulk.batch import BatchRouter, batches
from hydranet.bulk.items import Item, refused
from hydranet.bulk.labelled import LabelledRun
from hydranet.bulk.labels import Labels
from hydranet.bulk.rows import Settings
from hydranet.bulk.tables import check_unpacked
from hydranet.checkpoints import find_checkpoint
from hydranet.data.batches import Batches
from hydranet.data.dataset import ImageSet
from hydranet.data.resize import fit_square
from hydranet.engines import open_engine
from hydranet.errors import InputError
from hydranet.evaluation.labelled import evaluate
from hydranet.models import Network

NAMES = tuple(f"class {i}" for i in range(8))


@pytest.fixture
def model(tmp_path: Path, make_checkpoint) -> Network:
    make_checkpoint("tiny", tmp_path / "checkpoints")
    return hydranet.load("tiny", tmp_path / "checkpoints")


def run_of(model: Network, items: list[Item] | object) -> LabelledRun:
    run = LabelledRun(model, items)  # type: ignore[arg-type]
    while run.advance(7):
        pass
    return run


def test_labels_are_names_however_they_are_written() -> None:
    labels = Labels(["maple_tree", "Maple-tree ", "oak_tree", "sea"])
    assert labels.find("Oak Tree") == 2
    assert labels.find(" SEA") == 3
    assert labels.find("maple_tree") == 0, "an exact name is never in doubt"
    assert labels.find("maple tree") is None, "either of two"
    assert labels.find(3) == 3
    assert labels.find(4) is labels.find(-1) is labels.find("4") is labels.find(None) is None
    assert labels.matched.total() == 4
    assert dict(labels.unmatched) == {"maple tree": 1, 4: 1, -1: 1, "4": 1}


def test_what_became_of_labels_is_said() -> None:
    labels = Labels(NAMES)
    for label in ["Class_1", "class 2", "class 2", "foo", "foo", "bar", None]:
        labels.find(label)
    labels.without = 1
    first, second, third = labels.sentences("tiny")
    assert first.startswith("2 of 4 labels are names of classes of tiny")
    assert second == "Left out: 3 images with a label that is no class of tiny: foo (2), bar (1)."
    assert third.startswith("Left out: 1 image without a label")
    numbered = Labels(NAMES)
    numbered.find(3)
    assert "class numbers of tiny, from 0 to 7" in numbered.sentences("tiny")[0]


def picture(seed: int) -> bytes:
    return hostile.picture(seed, 16)


def class_folders(root: Path) -> list[tuple[str, int]]:
    """Files by path with their seeds: three of each of four classes, and what is left out."""
    files = [(f"Class-{c}/{i}.png", 10 * c + i) for c in range(4) for i in range(3)]
    for name, seed in [*files, ("cat/1.png", 90), ("lone.png", 91)]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture(seed))
    (root / "Class-1" / "bad.png").write_bytes(b"no picture")
    return files


def image_set(seeds: list[int], labels: list[int]) -> ImageSet:
    pixels = [fit_square(hydranet.decode_image(picture(seed)), 16) for seed in seeds]
    return ImageSet("made", np.stack(pixels), np.array(labels), NAMES)


def test_class_folders_are_judged_as_evaluate_does(model: Network, tmp_path: Path) -> None:
    files = class_folders(tmp_path / "photos")
    run = run_of(model, sources.iterate([tmp_path / "photos"]))
    assert (run.seen, run.judged, run.rejected) == (15, 12, 1)
    assert run.labels.unmatched == {"cat": 1, "photos": 1}
    assert run.reasons[0][0].endswith("bad.png")
    found = run.finish()
    assert model.card is not None
    same = evaluate(
        model,
        Batches(image_set([s for _, s in files], [c for c in range(4) for _ in range(3)]),
                model.card.normalisation),
        subtask_of_class=model.card.subtask_of_class,
    )  # fmt: skip
    assert found.metrics == same.metrics
    for name, values in vars(same.routes).items():
        if name not in ("index", "confidence", "gate_scores"):
            assert np.array_equal(getattr(found.routes, name), values), name
    assert np.allclose(found.routes.gate_scores, same.routes.gate_scores, atol=1e-3)
    assert np.allclose(found.class_features.mean, same.class_features.mean, atol=1e-4,
                       equal_nan=True)  # fmt: skip
    assert found.routes.index is not None
    names = [item.name for item in sources.iterate([tmp_path / "photos"])]
    assert [names[i].split("photos/")[1] for i in found.routes.index] == [n for n, _ in files]


def test_an_archive_with_a_folder_for_each_class(model: Network, tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    entries = [("a/class 1/x.png", picture(1)), ("class_2\\y.png", picture(2)),
               ("top.png", picture(3)), ("class 3/z.png", picture(4)[:50])]  # fmt: skip
    path.write_bytes(hostile.zipped(*entries))
    assert [item.label for item in sources.iterate([path])] == [
        "class 1", "class_2", None, "class 3",
    ]  # fmt: skip
    run = run_of(model, sources.iterate([path]))
    assert (run.judged, run.rejected, run.labels.without) == (2, 1, 1)
    assert run.finish().routes.label.tolist() == [1, 2]


def table(tmp_path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), tmp_path / "images.parquet")
    return tmp_path / "images.parquet"


@pytest.mark.parametrize(
    ("values", "names", "expected"),
    [
        ([3, 0, 1], None, [3, 0, 1]),
        ([1, 0, 5], ["class 6", "Class_2"], ["Class_2", "class 6", "5"]),
        (["class 4", None, "x"], None, ["class 4", None, "x"]),
    ],
)
@pytest.mark.parametrize("nested", [True, False])
def test_a_table_with_a_label_column(
    tmp_path: Path, nested: bool, values: list, names: list | None, expected: list
) -> None:
    contents = [picture(i) for i in range(3)]
    images = [{"bytes": c, "path": None} for c in contents] if nested else contents
    made = pa.table({"image" if nested else "img": images, "fine_label": values})
    if names:
        note = {"info": {"features": {"fine_label": {"names": names}}}}
        made = made.replace_schema_metadata({"huggingface": json.dumps(note)})
    pq.write_table(made, tmp_path / "images.parquet")
    items = list(sources.iterate([tmp_path / "images.parquet"]))
    assert [item.label for item in items] == expected
    assert [item.load() for item in items] == contents


def test_a_table_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, image=[bytes([i]) * 2**20 for i in range(9)])
    with path.open("rb") as file:
        check_unpacked(file, "images.parquet", most_bytes=2**24)
        with pytest.raises(InputError, match=r"unpacks to \d MiB; at most 4"):
            check_unpacked(file, "images.parquet", most_bytes=2**22)
    (tmp_path / "text").write_text("no Parquet")
    with (tmp_path / "text").open("rb") as file, pytest.raises(InputError, match="cannot be read"):
        check_unpacked(file, "text", most_bytes=2**24)


def test_nothing_to_judge_is_a_sentence(model: Network) -> None:
    run = run_of(model, [Item("a", lambda: picture(0), "cat"), Item("b", lambda: b"", "class 1")])
    with pytest.raises(
        InputError, match=r"None of 2 images can be used\. 1 could not be read.*cat"
    ):
        run.finish()


def test_a_step_may_be_cut_short(model: Network) -> None:
    items = [Item(str(i), lambda i=i: picture(i), "class 1") for i in range(5)]
    run = LabelledRun(model, items)
    assert run.advance(4, seconds=0.0)
    assert run.seen == run.judged == 1, "what was taken is done"
    assert run.advance(4)
    assert run.seen == 5
    assert not run.advance(4)


def test_labels_stand_in_the_parts_too(tmp_path: Path, make_checkpoint) -> None:
    make_checkpoint("tiny", tmp_path)
    engine = open_engine(find_checkpoint("tiny", tmp_path))
    items = [
        Item("a.png", lambda: picture(0), "Class-3"),
        refused("b.png", "It is broken.", "class 1"),
        Item("c.png", lambda: picture(1), "cat"),
        Item("d.png", lambda: picture(2)),
    ]
    (table,) = map(BatchRouter(engine, Settings()), batches(items))
    assert table["label"].to_pylist() == [3, 1, None, None]
    assert table["label_class"].to_pylist() == ["class 3", "class 1", None, None]
