"""Image sets as Parquet: what is read, and what is wrong with them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from data_sets import LABELS, NAMES, encoded, parquet_folder, pictures, write_parquet
from PIL import ExifTags, Image

from hydranet.data import load_images, load_validation
from hydranet.errors import InputError
from hydranet.intake.images import decode_image


def test_parquet(tmp_path: Path) -> None:
    images = parquet_folder(tmp_path, coarse=[1, 0, 1, 1, 0, 1, 1])
    data = load_images(tmp_path, "train", image_size=8)
    assert np.array_equal(data.images, images)
    assert data.labels.tolist() == LABELS
    assert data.labels.dtype == np.int64
    assert data.class_names == tuple(NAMES)
    assert data.superclasses == (1, 0, 1)


def test_parquet_in_several_files_with_other_column_names(tmp_path: Path) -> None:
    images = pictures(4)
    for part in (0, 1):
        write_parquet(
            tmp_path / f"test-{part}.parquet", [encoded(i) for i in images[2 * part :][:2]],
            [part, 2], image="image", label="label",
        )  # fmt: skip
    data = load_images(tmp_path, "test", image_size=8)
    assert np.array_equal(data.images, images)
    assert data.labels.tolist() == [0, 2, 1, 2]


def test_parquet_without_class_names_numbers_them(tmp_path: Path) -> None:
    parquet_folder(tmp_path, names=False)
    assert load_images(tmp_path, "train").class_names == ("0", "1", "2")


def test_a_class_in_two_superclasses_is_in_none(tmp_path: Path) -> None:
    parquet_folder(tmp_path, coarse=[1, 0, 1, 0, 0, 1, 1])
    assert load_images(tmp_path, "train").superclasses is None


def test_parquet_images_are_fitted_to_the_size(tmp_path: Path) -> None:
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, 4:12] = 200
    write_parquet(tmp_path / "train.parquet", [encoded(wide)], [0])
    data = load_images(tmp_path, "train", image_size=4)
    assert data.images.shape == (1, 4, 4, 3)
    assert (data.images[:, :, 1:3] > 190).all()


def test_parquet_without_that_split(tmp_path: Path) -> None:
    parquet_folder(tmp_path)
    (tmp_path / "test-00000.parquet").unlink()
    with pytest.raises(InputError, match=r"no test\*\.parquet; it holds train-00000\.parquet"):
        load_images(tmp_path, "test")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image": "picture"}, "img or image, but they have picture, fine_label"),
        ({"label": "class"}, "fine_label or label, but they have img, class"),
        ({"column": pa.array([b"x"] * 7)}, "struct with a field named bytes, not binary"),
        ({"column": pa.array([{"path": "x"}] * 7)}, "struct with a field named bytes"),
    ],
)
def test_parquet_with_wrong_columns(tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    parquet_folder(tmp_path, **options)
    with pytest.raises(InputError, match=sentence):
        load_images(tmp_path, "train")


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["apple", "bear", "cup"], "fine_label .* whole number for each image, not string"),
        ([0, None, 1], "1 missing"),
        ([0, 1, 3], "0 to 2, .* run from 0 to 3"),
        ([0, -1, 2], "from -1 to 2"),
    ],
)
def test_parquet_with_wrong_labels(tmp_path: Path, labels: list[Any], sentence: str) -> None:
    write_parquet(tmp_path / "train.parquet", [encoded(i) for i in pictures(3)], labels)
    with pytest.raises(InputError, match=sentence):
        load_images(tmp_path, "train")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not a picture", "must be a PNG, JPEG or WebP picture"),
        (b"", "it is empty"),
        (None, "the row has none.*--skip-unreadable"),
        (encoded(pictures(1, 64)[0])[:-4000], "damaged or cut short"),
        (encoded(pictures(1)[0], "GIF"), "must be a PNG, JPEG or WebP picture"),
        (encoded(pictures(1)[0], "TIFF"), "must be a PNG, JPEG or WebP picture"),
        (encoded(pictures(1)[0]).replace(b"IDAT", b"IDAU"), "damaged or cut short"),
    ],
    ids=["text", "empty", "null", "cut", "gif", "tiff", "renamed chunk"],
)
def test_not_an_image_in_a_row(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    images: list[bytes | None] = [encoded(i) for i in pictures(6)]
    images[4] = content
    write_parquet(tmp_path / "train-0.parquet", images[:3], LABELS[:3])
    write_parquet(tmp_path / "train-1.parquet", images[3:], LABELS[3:6])
    with pytest.raises(InputError, match=rf"^train-1\.parquet#1 .*{sentence}"):
        load_images(tmp_path, "train", image_size=8)


def test_rows_of_every_kind_of_picture_are_read_as_a_page_reads_them(tmp_path: Path) -> None:
    deep = Image.fromarray(np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8))
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    turned = Image.fromarray(pictures(1, 8)[0])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    files = []
    for picture, options in (
        (deep, {"format": "PNG"}),
        (clear, {"format": "PNG"}),
        (turned, {"format": "JPEG", "exif": exif}),
    ):
        file = io.BytesIO()
        picture.save(file, **options)
        files.append(file.getvalue())
    write_parquet(tmp_path / "train.parquet", files, LABELS[:3])
    found = load_images(tmp_path, "train", image_size=8).pixels([0, 1, 2])
    for pixels, content in zip(found, files, strict=True):
        np.testing.assert_array_equal(pixels, np.asarray(decode_image(content)))
    assert 120 < found[0].mean() < 135, "16 bits are scaled, not clipped"
    assert (found[1] == 255).all(), "what is transparent lies on white"


def test_numbers_as_names_are_those_of_all_splits(tmp_path: Path) -> None:
    images = [encoded(i) for i in pictures(6)]
    write_parquet(tmp_path / "train.parquet", images, [0, 1, 2, 0, 1, 2], names=False)
    write_parquet(tmp_path / "test.parquet", images[:2], [0, 1], names=False)
    for split in ("train", "test"):
        assert load_images(tmp_path, split, image_size=8).class_names == ("0", "1", "2")


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match="cannot be read"):
        load_images(tmp_path, "train")


def test_a_validation_split_in_parquet(tmp_path: Path) -> None:
    parquet_folder(tmp_path)
    assert load_validation(tmp_path, image_size=8) is None
    write_parquet(tmp_path / "validation.parquet", [encoded(i) for i in pictures(7)], LABELS)
    own = load_validation(tmp_path, image_size=8)
    assert own is not None
    assert own.labels.tolist() == LABELS
