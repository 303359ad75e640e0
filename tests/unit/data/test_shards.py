"""Shards give what the same images give from memory, and what is wrong with them is a sentence."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from data_sets import (
    NAMES,
    class_folders,
    encoded,
    parquet_folder,
    pictures,
    shards,
    spoil_images,
    write_split,
    write_tar,
)
from PIL import Image

from hydranet.data import ShardSet, load_images, load_validation
from hydranet.data.augmentation import Augmentation
from hydranet.data.batches import batches_of
from hydranet.data.normalisation import Normalisation
from hydranet.data.shards import files, open_shards, reading, survey
from hydranet.data.shards.files import data_folder, is_shards
from hydranet.data.shards.writing import write_shards
from hydranet.data.streaming import StreamedBatches
from hydranet.errors import InputError

HALF = Normalisation((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def streamed(folder: Path, split: str = "train", **options: Any) -> ShardSet:
    images = load_images(folder, split, **{"image_size": 8, "workers": 0, **options})
    assert isinstance(images, ShardSet)
    return images


def test_a_streamed_set_is_what_the_images_are_in_memory(tmp_path: Path) -> None:
    held, found = shards(tmp_path), streamed(tmp_path)
    assert found.sha256 == held.sha256
    assert found.channel_statistics() == held.channel_statistics()
    assert found.class_names == held.class_names
    assert found.labels.tolist() == held.labels.tolist()
    some = np.array([22, 3, 4, 5, 17])
    assert np.array_equal(found.pixels(some), held.images[some])
    for ours, theirs in zip(found.split(6, seed=3), held.split(6, seed=3), strict=True):
        assert ours.sha256 == theirs.sha256
    assert load_validation(tmp_path, image_size=8) is None
    assert (found.name, len(found), found.side) == (tmp_path.name, 23, 8)


@pytest.mark.parametrize(("batch", "ranks"), [(4, 1), (7, 3), (100, 1)])
def test_in_order_every_image_comes_once(tmp_path: Path, batch: int, ranks: int) -> None:
    held, found = shards(tmp_path), streamed(tmp_path)
    parts = [
        part
        for rank in range(ranks)
        for part in batches_of(found, HALF).in_order(batch, rank=rank, ranks=ranks)
    ]
    expected = next(batches_of(held, HALF).in_order(100))
    assert torch.equal(torch.cat([images for images, _ in parts]), expected[0])
    assert torch.equal(torch.cat([labels for _, labels in parts]), expected[1])


def epoch(images: ShardSet, batch: int = 4, pool: int = 64, **options: Any) -> list[Any]:
    return list(StreamedBatches(images, HALF, pool_images=pool).shuffled(batch, **options))


def rows_of(batches: list[Any]) -> list[int]:
    return torch.cat([batch.rows for batch in batches]).tolist()


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("count", [300, 303])
def test_an_epoch_takes_every_image_once_over_all_processes(
    tmp_path: Path, ranks: int, count: int
) -> None:
    held, found = shards(tmp_path, train=count), streamed(tmp_path)
    parts = [epoch(found, batch=4, seed=1, rank=rank, ranks=ranks) for rank in range(ranks)]
    assert {len(part) for part in parts} == {count // 4}, "else they would wait for one another"
    rows = [row for part in parts for row in rows_of(part)]
    assert len(set(rows)) == len(rows) == count // 4 * 4
    for batch in parts[0]:
        assert len(batch.images) == 4 // ranks
        assert batch.labels.tolist() == held.labels[batch.rows.numpy()].tolist()


def test_the_seed_alone_decides_the_order(tmp_path: Path) -> None:
    shards(tmp_path, train=300)
    one, again, other = (
        epoch(streamed(tmp_path, workers=workers), seed=seed)
        for seed, workers in ((1, 0), (1, 2), (2, 0))
    )
    assert rows_of(one) == rows_of(again) != rows_of(other)
    assert all(torch.equal(a.images, b.images) for a, b in zip(one, again, strict=True))


def test_a_process_with_threads_is_never_forked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is forked while another thread begins or ends may wait for ever."""
    shards(tmp_path, train=9)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("this process was forked"))
    assert len(rows_of(epoch(streamed(tmp_path, workers=2), seed=0))) == 8


def test_an_epoch_is_shuffled_far_beyond_a_batch(tmp_path: Path) -> None:
    """Neighbours in a shard end up as far from one another as in a full shuffle, or nearly so."""
    shards(tmp_path, train=600)
    place = np.argsort(rows_of(epoch(streamed(tmp_path), pool=256, batch=1, seed=0)))
    distance = np.abs(np.diff(place))
    assert np.median(distance) > 60, "a full shuffle of 600 has a median of 176"
    assert np.corrcoef(place, np.arange(600))[0, 1] < 0.5


@pytest.mark.parametrize("rank", [0, 1])
def test_crops_flips_and_squares_are_drawn_for_the_whole_batch(tmp_path: Path, rank: int) -> None:
    held, found = shards(tmp_path, train=64), streamed(tmp_path)
    options = {"padding": 2, "erase": 3, "cutmix": 0.5}
    (ours,) = epoch(found, batch=64, seed=5, rank=rank, ranks=2, **options)
    change = Augmentation(HALF, **options)
    draws = change.draw(64, 8, torch.Generator().manual_seed(5))
    draws = draws.part(slice(32 * rank, 32 + 32 * rank))
    images = torch.from_numpy(held.images[ours.rows.numpy()]).permute(0, 3, 1, 2)
    changed = change.apply(images, draws)
    assert torch.equal(ours.images, changed.images)
    assert torch.equal(ours.own, changed.own)


def test_a_batch_that_cannot_be_shared(tmp_path: Path) -> None:
    shards(tmp_path)
    with pytest.raises(InputError, match="shared evenly by 2 processes, but has 3"):
        epoch(streamed(tmp_path), batch=3, seed=0, ranks=2)


def peak_of_an_epoch(folder: Path, images: int) -> int:
    """Bytes held at most by a look at `images` of 224×224 pixels and an epoch over them."""
    picture = encoded(np.zeros((224, 224, 3), np.uint8))
    for split, count in (("train", images), ("test", 2)):
        named = ((f"{i:04}", str(i % 2).encode()) for i in range(count))
        members = {f"{k}.{end}": v for k, c in named for end, v in (("cls", c), ("png", picture))}
        write_tar(folder / f"{split}-0.tar", members)
    tracemalloc.start()
    try:
        found = streamed(folder, image_size=224)
        for _ in StreamedBatches(found, HALF, pool_images=64).shuffled(2, seed=0):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_set(tmp_path: Path) -> None:
    small, large = (peak_of_an_epoch(tmp_path / str(count), count) for count in (200, 600))
    assert large < small + 2**20
    assert large < 0.7 * 600 * 224**2 * 3, "what the images take in memory"


# Where shards are, and of which split


@pytest.mark.parametrize(
    ("names", "pattern", "expected"),
    [
        (["train-{0..2}", "test-0"], "", {"train": 3, "test": 1}),
        (["train-{0..2}", "val-0"], "", {"train": 3, "test": 1}),
        (["train-{0..2}", "val-0", "test-{0..1}"], "", {"train": 3, "validation": 1, "test": 2}),
        (["train/{000..002}", "valid/000", "test/000"], "",
         {"train": 3, "validation": 1, "test": 1}),
        (["imagenet-train-{0..2}", "imagenet-val-0", "test-images-0"],
         "imagenet-train-{0..2}.tar", {"train": 3, "test": 1}),
        (["train-{0..2}", "test-0"], "train-{0..1}.tar", {"train": 2, "test": 1}),
        (["train-{0..2}", "test-0"], "{train,test}-0.tar", {"train": 1, "test": 1}),
        (["train-{0..2}", "test-0"], "train-0.tar", {"train": 1, "test": 1}),
        (["train/{0..2}", "test/0"], "train/{0..2}.tar", {"train": 3, "test": 1}),
        (["part-{0..2}"], "", {"": 3}),
        (["part-{0..2}"], "part-{1..2}.tar", {"": 2}),
    ],
)  # fmt: skip
def test_splits_are_told_by_names(
    tmp_path: Path, names: list[str], pattern: str, expected: dict[str, int]
) -> None:
    from braceexpand import braceexpand

    for name in (one for many in names for one in braceexpand(many)):
        write_tar(tmp_path / "set" / f"{name}.tar", {"x": b""})
    path = tmp_path / "set" / pattern
    assert is_shards(path)
    assert data_folder(path) == tmp_path / "set"
    found = files.find_shards(path).splits
    counts = {split: len(there) for split, there in found.items()}
    if "test" not in counts and "validation" in counts:
        counts["test"] = counts.pop("validation")
    assert counts == expected


def test_where_no_name_says_a_split_a_fifth_of_each_class_is_drawn(tmp_path: Path) -> None:
    write_split(tmp_path, "part", pictures(60))
    train, test = (streamed(tmp_path, split) for split in ("train", "test"))
    assert train.class_names == ("0", "1", "2")
    assert np.bincount(train.labels).tolist() == [16, 16, 16]
    assert np.bincount(test.labels).tolist() == [4, 4, 4]
    assert not set(train.rows.tolist()) & set(test.rows.tolist())
    assert sorted(test.rows.tolist()) != list(range(48, 60)), "drawn, not the last ones"
    assert streamed(tmp_path, "test").rows.tolist() == test.rows.tolist()


def test_a_part_of_a_data_set_is_another_data_set(tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    shards(tmp_path / "val")
    whole, part = open_shards(tmp_path), open_shards(tmp_path / "val")
    assert (whole.name, part.name) == (tmp_path.name, "val")
    assert whole.splits != part.splits


def test_a_validation_split_of_its_own(tmp_path: Path) -> None:
    shards(tmp_path)
    write_split(tmp_path, "val", pictures(6, seed=2))
    own = load_validation(tmp_path, image_size=8)
    assert own is not None
    assert len(own) == 6


@pytest.mark.parametrize("path", ["class_folders", "", "nothing.zip"])
def test_what_are_no_shards(tmp_path: Path, path: str) -> None:
    class_folders(tmp_path / "class_folders")
    assert not is_shards(tmp_path / path)


# What is wrong with shards, said before an image is read


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def replaced(name: str, members: dict[str, bytes]) -> Callable[[Path], None]:
    return lambda folder: write_tar(folder / name, members)


def class_names(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "classnames.txt").write_text(text)


def cut(folder: Path) -> None:
    path = folder / "train-000002.tar"
    path.write_bytes(path.read_bytes()[:1800])


PICTURE = encoded(pictures(1)[0])
TOO_LARGE = b"x" * (20 * 2**20 + 1)


@pytest.mark.parametrize(
    ("spoil", "pattern", "sentence"),
    [
        (remove("train-000002.tar"), "", r"All 5 shards .* 1 are missing: .*train-000002\.tar"),
        (remove("train-000004.tar"), "train-{000000..000004}.tar", r"missing: .*train-000004\.tar"),
        (remove("test-000001.tar"), "test-{000000..000009}.tar", r"9\.tar|All 10 .* 9 are missing"),
        (remove("test-000000.tar"), "train-{000000..00000", r"braces are not balanced"),
        (cut, "", r"train-000002\.tar must be a whole tar file"),
        (replaced("train-000000.tar", {}), "", r"train-000000\.tar holds none"),
        (lambda folder: (folder / "train-000000.tar").write_bytes(b"no tar"), "", "whole tar file"),
        (lambda folder: (folder / "train.tar.gz").write_bytes(b""), "", r"gz is compressed"),
        (lambda folder: (folder / "more.tar").write_bytes(b""), "", r"more\.tar says none"),
        (replaced("train-000000.tar", {"a.cls": b"3", "a.png": PICTURE}), "",
         r"0 to 2, .* a in .*train-000000\.tar is 3\."),
        (replaced("train-000000.tar", {"a.cls": b"-1", "a.png": PICTURE}), "", "holds '-1'"),
        (replaced("train-000000.tar", {"a.cls": b"cup", "a.png": PICTURE}), "", "holds 'cup'"),
        (replaced("train-000000.tar", {"a.cls": b"1" * 99, "a.png": PICTURE}), "", "holds '?'"),
        (replaced("train-000000.tar", {"a.png": PICTURE}), "", r"\.cls file .* a in .* has none"),
        (replaced("train-000000.tar", {"a.cls": b"1"}), "", r"one image .* a in .* has none"),
        (replaced("train-000000.tar", {"a.jpg": PICTURE, "a.png": PICTURE, "a.cls": b"1"}), "",
         "has jpg and png"),
        (replaced("train-000000.tar", {"a.cls": b"1", "a.png": TOO_LARGE}), "", "at most 20 MiB"),
        (class_names("apple\nbear\n"), "", r"0 to 1, one for each class name, .* is 2"),
        (class_names("apple\nApple\ncup"), "", "by case only as apple and Apple"),
        (class_names("apple\napple\ncup"), "", "apple twice"),
        (class_names("apple\n\ncup\n"), "", "on every line, but one is empty"),
    ],
)  # fmt: skip
def test_shards_that_cannot_be_used(
    tmp_path: Path, spoil: Callable[[Path], object], pattern: str, sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    shards(tmp_path)
    spoil(tmp_path)
    monkeypatch.setattr(reading, "decode_image", lambda *_, **__: pytest.fail("too late"))
    with pytest.raises(InputError, match=sentence):
        open_shards(tmp_path / pattern)


def test_shards_of_one_class(tmp_path: Path) -> None:
    write_tar(tmp_path / "train-0.tar", {"a.cls": b"0", "a.png": PICTURE})
    write_tar(tmp_path / "test-0.tar", {"a.cls": b"0", "a.png": PICTURE})
    with pytest.raises(InputError, match="at least two classes, but its labels name 1"):
        open_shards(tmp_path)


def test_a_split_that_is_not_there(tmp_path: Path) -> None:
    write_split(tmp_path, "test", pictures(6))
    assert len(streamed(tmp_path, "test")) == 6
    with pytest.raises(InputError, match="no shards of the split 'train'; it has those of test"):
        streamed(tmp_path, "train")


def test_dates_are_no_numbers_with_gaps(tmp_path: Path) -> None:
    for day in ("20240131", "20240630"):
        write_tar(tmp_path / f"{day}.tar", {"x": b""})
    assert len(files.find_shards(tmp_path).splits[""]) == 2


def test_images_that_cannot_be_read_are_all_named_or_left_out(tmp_path: Path) -> None:
    held = shards(tmp_path)
    spoil_images(tmp_path)
    for _ in range(2):  # the second time from what is kept of the first
        with pytest.raises(InputError, match=r"2 of 23 images cannot be read") as said:
            streamed(tmp_path)
    _, *named = str(said.value).splitlines()
    assert [line.split(" must ")[0] for line in named] == [
        f"{tmp_path}/train-000001.tar: {name}.png" for name in ("000005", "000007")
    ]
    left = streamed(tmp_path, skip_unreadable=True)
    kept = held.subset(np.setdiff1d(np.arange(23), [5, 7]))
    assert left.sha256 == kept.sha256
    assert left.labels.tolist() == kept.labels.tolist()
    assert sorted(rows_of(epoch(left, batch=1, seed=0))) == list(range(21))


def test_images_that_change_while_they_are_used(tmp_path: Path) -> None:
    shards(tmp_path)
    images = streamed(tmp_path)
    spoil_images(tmp_path)
    with pytest.raises(InputError, match=r"000005\.png must .* must not change while"):
        epoch(images, seed=0)
    (tmp_path / "train-000001.tar").unlink()
    with pytest.raises(InputError, match="The shard cannot be read"):
        epoch(images, seed=0)


def test_a_look_is_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRANET_CACHE", str(tmp_path / "cache"))
    shards(tmp_path / "set")
    first = streamed(tmp_path / "set")
    with monkeypatch.context() as patch:
        patch.setattr(reading, "decode_image", lambda *_, **__: pytest.fail("read again"))
        assert streamed(tmp_path / "set").sha256 == first.sha256
    (kept,) = (tmp_path / "cache" / "surveys").iterdir()
    kept.write_text('{"sha256": "00", "histogram": [], "unreadable": {}}')
    assert streamed(tmp_path / "set").sha256 == first.sha256, "what is damaged is not there"
    write_split(tmp_path / "set", "train", pictures(23, seed=9))
    assert streamed(tmp_path / "set").sha256 != first.sha256, "the files are others now"


def test_without_a_place_to_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HYDRANET_CACHE", str(tmp_path / "file"))
    shards(tmp_path)
    told: list[tuple[int, int]] = []
    images = open_shards(tmp_path).images("train", image_size=8, workers=0)
    survey(images, lambda done, total: told.append((done, total)))
    assert told[-1] == (23, 23)


# Writing them


def test_written_from_class_folders_they_hold_the_same_splits(tmp_path: Path) -> None:
    class_folders(tmp_path / "data", images=20)
    written = write_shards(tmp_path / "data", tmp_path / "out")
    assert {k: (v.shards, v.images) for k, v in written.items()} == {
        "train": (1, 48),
        "test": (1, 12),
    }
    for split in ("train", "test"):
        held = load_images(tmp_path / "data", split, image_size=8)
        found = streamed(tmp_path / "out", split)
        assert found.class_names == held.class_names
        assert pixels_and_labels(found) == pixels_and_labels(held)
    labels = streamed(tmp_path / "out").labels
    assert np.abs(np.diff(labels)).sum() > 10, "classes are mixed"


def pixels_and_labels(images: Any) -> list[tuple[bytes, int]]:
    every = images.pixels(np.arange(len(images)))
    return sorted(
        (one.tobytes(), int(label)) for one, label in zip(every, images.labels, strict=True)
    )


def test_written_from_parquet_they_keep_the_order(tmp_path: Path) -> None:
    images = parquet_folder(tmp_path)
    write_shards(tmp_path, tmp_path / "out", megabytes=1)
    found = streamed(tmp_path / "out")
    assert np.array_equal(found.pixels(np.arange(7)), images)
    assert found.sha256 == load_images(tmp_path, "train", image_size=8).sha256
    assert found.class_names == tuple(NAMES)


def test_a_shard_is_about_as_large_as_asked(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 400, 400, 3), dtype=np.uint8)
    for number, image in enumerate(noise):
        folder = tmp_path / "data" / NAMES[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    written = write_shards(tmp_path / "data", tmp_path / "out", megabytes=1)
    assert written["train"].shards == 4, "10 images of 0.48 MB; a shard is closed when it has 1 MB"
    assert len(open_shards(tmp_path / "out").splits["train"][0]) == 10


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    class_folders(tmp_path / "data", images=4)
    bad = tmp_path / "data" / "bear" / "0.png"
    bad.write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"1 of 12 images cannot be read.*\n.*bear/0\.png"):
        write_shards(tmp_path / "data", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
    written = write_shards(tmp_path / "data", tmp_path / "out", skip_unreadable=True)
    assert sum(split.images for split in written.values()) == 11
    with pytest.raises(InputError, match=r"there is something in .*out"):
        write_shards(tmp_path / "data", tmp_path / "out")
    with pytest.raises(InputError, match=r"There is no folder .*nowhere"):
        write_shards(tmp_path / "nowhere", tmp_path / "other")


@pytest.mark.parametrize("kind", ["cut", "changed"])
def test_whatever_the_bytes_of_a_shard_it_is_read_or_refused_in_words(
    tmp_path: Path, kind: str
) -> None:
    rng = np.random.default_rng(0)
    shards(tmp_path, train=6, test=3)
    path = tmp_path / "train-000000.tar"
    whole = path.read_bytes()
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        if kind == "cut":
            content = content[: rng.integers(whole.rindex(b"IEND"))]
        else:
            for at in rng.integers(0, len(whole), 3):
                content[at] = rng.integers(256)
        path.write_bytes(content)
        try:
            streamed(tmp_path, image_size=4)
        except InputError:
            refused += 1
    assert refused == 150 if kind == "cut" else refused > 10
