"""Image sets in every layout, what is wrong with them, and what an image set can say of itself."""

from __future__ import annotations

import os
import pickle
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from data_sets import NAMES, class_folders, encoded, pictures
from numpy.typing import NDArray
from PIL import Image

from hydranet.data import ImageSet, load_images, load_validation
from hydranet.data.folders import list_class_folders
from hydranet.errors import InputError

# torchvision's CIFAR folder


def cifar100_folder(root: Path) -> NDArray[np.uint8]:
    """As it is distributed: pickled dictionaries of (M, 3072) rows, channels first."""
    folder = root / "cifar-100-python"
    folder.mkdir()
    images = pictures(6, 32)
    for split in ("train", "test"):
        entry = {
            "data": images.transpose(0, 3, 1, 2).reshape(6, -1),
            "fine_labels": [0, 1, 2, 0, 1, 2],
            "coarse_labels": [0, 0, 1, 0, 0, 1],
        }
        (folder / split).write_bytes(pickle.dumps(entry))
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": NAMES}))
    return images


def test_cifar_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR100, cifar

    images = cifar100_folder(tmp_path)
    # torchvision opens only files with the MD5 of the original 160 MB; ours are made here.
    monkeypatch.setattr(CIFAR100, "_check_integrity", lambda self: True)
    monkeypatch.setattr(cifar, "check_integrity", lambda path, md5=None: True)
    data = load_images(tmp_path, "test")
    assert np.array_equal(data.images, images)
    assert data.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert (data.name, data.class_names) == ("cifar100", tuple(NAMES))
    assert load_images(tmp_path, "train", image_size=16).images.shape == (6, 16, 16, 3)


def test_a_cifar_folder_that_was_changed_is_not_unpickled(tmp_path: Path) -> None:
    cifar100_folder(tmp_path)
    with pytest.raises(InputError, match=r"CIFAR100 in .* cannot be read"):
        load_images(tmp_path, "train")


def test_only_cifar_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cifar10 or cifar100, not 'imagenet'"):
        load_images(tmp_path, "train", download="imagenet")


# Folders of class folders


def test_class_folders_with_splits(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", images=4)
    class_folders(tmp_path / "test", images=2)
    (tmp_path / "train" / ".cache").mkdir()
    (tmp_path / "train" / "apple" / "notes.txt").write_text("no picture")
    for split, count in (("train", 4), ("test", 2)):
        data = load_images(tmp_path, split, image_size=8)
        assert data.class_names == tuple(NAMES)
        assert data.labels.tolist() == [c for c in range(3) for _ in range(count)]
        assert data.images.argmax(axis=3).reshape(len(data), -1).max(axis=1).tolist() == list(
            data.labels
        )


def test_class_folders_without_splits(tmp_path: Path) -> None:
    class_folders(tmp_path, images=11)
    train, test = (load_images(tmp_path, split, image_size=8) for split in ("train", "test"))
    assert np.bincount(train.labels).tolist() == [9, 9, 9]
    assert np.bincount(test.labels).tolist() == [2, 2, 2]
    levels = [{int(i.max()) for i in part.images[part.labels == 0]} for part in (train, test)]
    assert not levels[0] & levels[1]
    assert levels[0] | levels[1] == set(range(100, 111))


def test_a_class_of_two_images_has_one_in_each_split(tmp_path: Path) -> None:
    class_folders(tmp_path, images=2)
    for split in ("train", "test"):
        assert np.bincount(load_images(tmp_path, split).labels).tolist() == [1, 1, 1]


def test_images_of_any_size_are_fitted(tmp_path: Path) -> None:
    class_folders(tmp_path, images=2, side=50)
    data = load_images(tmp_path, "train", image_size=16)
    assert data.images.shape == (3, 16, 16, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_no_utf8_is_a_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            path = os.fsencode(tmp_path / name) + b"/caf\xe9%d.png" % number
            with open(path, "wb") as file:
                file.write(encoded(pictures(1, seed=number)[0]))
    assert len(load_images(tmp_path, "train", image_size=8)) == 6


def test_an_empty_class_folder(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "dog").mkdir()
    with pytest.raises(InputError, match=r"/dog holds no image \(\.jpeg, \.jpg"):
        load_images(tmp_path, "train")


def test_a_class_that_the_test_split_lacks(tmp_path: Path) -> None:
    class_folders(tmp_path / "train")
    class_folders(tmp_path / "test")
    for file in (tmp_path / "test" / "bear").iterdir():
        file.unlink()
    (tmp_path / "test" / "bear").rmdir()
    with pytest.raises(InputError, match="test/bear holds no image"):
        load_images(tmp_path, "test")


def test_a_class_of_one_image(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "dog").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "dog" / "1.png")
    with pytest.raises(InputError, match="/dog holds one image; at least two"):
        load_images(tmp_path, "train")


def test_class_folders_that_differ_by_case(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "Bear").mkdir()
    if len(list(tmp_path.iterdir())) == 3:
        pytest.skip("this file system does not tell case apart")
    with pytest.raises(InputError, match="differ by case only: Bear and bear"):
        load_images(tmp_path, "train")


def test_a_folder_of_one_class(tmp_path: Path) -> None:
    (tmp_path / "apple").mkdir()
    with pytest.raises(InputError, match="at least two classes, but it holds 1"):
        load_images(tmp_path, "train")


def test_a_file_that_is_no_image(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "bear" / "0.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"bear/0\.png"):
        load_images(tmp_path, "train")


def test_every_file_that_is_no_image_is_named_or_left_out(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", images=8)
    class_folders(tmp_path / "test")
    bad = [tmp_path / "train" / name / f"{number}.png" for name in NAMES for number in (0, 2)]
    for path in bad:
        path.write_bytes(b"not a picture")
    (tmp_path / "train" / "cup" / "._1.png").write_bytes(b"what a Mac leaves behind")
    with pytest.raises(InputError, match=r"6 of 24 images cannot be read") as said:
        load_images(tmp_path, "train", image_size=8)
    first, *named, last = str(said.value).splitlines()
    assert first.endswith("leave them out with --skip-unreadable.")
    assert [line.split(" must be ")[0] for line in named] == [str(path) for path in bad[:5]]
    assert last == "And 1 more."
    data = load_images(tmp_path, "train", image_size=8, skip_unreadable=True)
    assert np.bincount(data.labels).tolist() == [6, 6, 6]
    levels = {int(image.max()) for image in data.images}
    assert levels == {101, 103, 104, 105, 106, 107}


def test_images_that_do_not_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_folders(tmp_path)
    monkeypatch.setattr("hydranet.machine.free_memory", lambda: 5_000)
    monkeypatch.setattr("hydranet.data.folders.read_image", lambda path: pytest.fail("too late"))
    with pytest.raises(InputError, match=r"12 images of .* at 16×16 .* need .* GB .* --image-size"):
        load_images(tmp_path, "train", image_size=16)


def test_the_draw_of_the_test_split_stays_when_images_are_added(tmp_path: Path) -> None:
    class_folders(tmp_path, images=20)
    before = list_class_folders(tmp_path).splits["test"][0]
    assert [path.stem for path in before] != ["16", "17", "18", "19"], "drawn, not the last ones"
    Image.new("RGB", (8, 8)).save(tmp_path / "apple" / "later.png")
    after = list_class_folders(tmp_path).splits["test"][0]
    assert len(set(before) & set(after)) >= 3


@pytest.mark.parametrize(
    ("layout", "splits"),
    [
        (("train", "test"), {"train", "test"}),
        (("train", "val"), {"train", "test"}),
        (("train", "valid"), {"train", "test"}),
        (("train", "val", "test"), {"train", "validation", "test"}),
        (("train",), {"train", "test"}),
    ],
)
def test_layouts_of_splits(tmp_path: Path, layout: tuple[str, ...], splits: set[str]) -> None:
    for part in layout:
        class_folders(tmp_path / part)
    listed = list_class_folders(tmp_path)
    assert listed.splits.keys() == splits
    assert listed.class_names == tuple(NAMES)
    own = load_validation(tmp_path, image_size=8)
    assert (own is None) == ("validation" not in splits)
    assert own is None or len(own) == 15
    if "val" in layout and "test" not in layout:
        assert listed.splits["test"][0][0].parent.parent.name == "val"


def test_a_class_that_only_the_test_split_has(tmp_path: Path) -> None:
    class_folders(tmp_path / "train")
    class_folders(tmp_path / "test")
    (tmp_path / "test" / "dog").mkdir()
    with pytest.raises(InputError, match=r"test has the class 'dog', which .*train lacks"):
        load_images(tmp_path, "train")


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no folder .*nowhere"):
        load_images(tmp_path / "nowhere", "train")


def test_an_unknown_split(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="train, validation, test, not 'dev'"):
        load_images(tmp_path, "dev")


# What an image set says of itself


def image_set(counts: list[int], side: int = 4) -> ImageSet:
    labels = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(1).shuffle(labels)
    names = tuple(f"class {c}" for c in range(len(counts)))
    return ImageSet("made", pictures(len(labels), side), labels, names)


def test_a_class_without_an_image() -> None:
    data = image_set([3, 0, 2, 0])
    with pytest.raises(InputError, match="'class 1' and 1 more has none"):
        data.check_every_class_has_images()
    image_set([3, 1]).check_every_class_has_images()


def test_no_image_at_all() -> None:
    with pytest.raises(InputError, match="holds no image"):
        image_set([0, 0])


def test_images_without_labels() -> None:
    with pytest.raises(InputError, match="3 images but 2 labels"):
        ImageSet("made", pictures(3), np.zeros(2, np.int64), ("a",))


@pytest.mark.parametrize(
    ("counts", "held_out", "expected"),
    [
        ([20, 20, 20], 15, [5, 5, 5]),
        ([20, 20, 20], 16, None),  # 5 or 6 of each
        ([100, 20, 40], 32, [20, 4, 8]),
        ([200, 2, 2], 100, None),
    ],
)
def test_a_split_is_stratified_disjoint_and_complete(
    counts: list[int], held_out: int, expected: list[int] | None
) -> None:
    data = image_set(counts)
    rest, held = data.split(held_out, seed=0)
    assert (len(rest), len(held)) == (len(data) - held_out, held_out)
    keys = [{(i.tobytes(), int(y)) for i, y in zip(p.images, p.labels, strict=True)}
            for p in (data, rest, held)]  # fmt: skip
    assert keys[1] | keys[2] == keys[0]
    assert not keys[1] & keys[2]
    found = np.bincount(held.labels, minlength=len(counts))
    share = held_out / len(data)
    assert (np.abs(found - share * np.asarray(counts)) <= 1).all()
    if expected is not None:
        assert found.tolist() == expected


def test_a_split_leaves_an_image_of_every_class() -> None:
    rest, _ = image_set([50, 1, 2]).split(49, seed=0)
    rest.check_every_class_has_images()


def test_a_split_depends_on_the_seed_alone() -> None:
    data = image_set([20, 20])
    first, again, other = (data.split(10, seed=s)[1].sha256 for s in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("images", [0, 40, 41, -1])
def test_a_split_needs_images_on_both_sides(images: int) -> None:
    with pytest.raises(InputError, match=f"1 to 39 of 40 images, not {images}"):
        image_set([20, 20]).split(images, seed=0)


def test_levels_are_counted_a_few_images_at_a_time() -> None:
    images = pictures(600, 32)
    data = ImageSet("x", images, np.arange(600) % 2, ("a", "b"))
    tracemalloc.start()
    mean, std = data.channel_statistics()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3 * images.nbytes
    np.testing.assert_allclose(mean, images.mean(axis=(0, 1, 2)) / 255, atol=1e-6)
    np.testing.assert_allclose(std, images.std(axis=(0, 1, 2)) / 255, atol=1e-6)


def test_channel_statistics() -> None:
    data = image_set([30, 10])
    mean, std = data.channel_statistics()
    pixels = data.images.astype(np.float64).reshape(-1, 3) / 255
    assert mean == pytest.approx(pixels.mean(axis=0), abs=1e-6)
    assert std == pytest.approx(pixels.std(axis=0), abs=1e-6)


def test_sha256_changes_with_one_pixel_and_with_one_label() -> None:
    data = image_set([3, 3])
    images, labels = data.images.copy(), data.labels.copy()
    same = ImageSet("other name", images.copy(), labels.copy(), data.class_names)
    assert same.sha256 == data.sha256
    images[2, 1, 3, 0] ^= 1
    labels[0] ^= 1
    assert ImageSet("made", images, data.labels, data.class_names).sha256 != data.sha256
    assert ImageSet("made", data.images, labels, data.class_names).sha256 != data.sha256
