"""Small data sets in every layout that is read, and what spoils them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from hydranet.data import ImageSet

NAMES = ["apple", "bear", "cup"]
LABELS = [0, 1, 2, 0, 1, 2, 2]


def pictures(count: int, side: int = 8, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def encoded(image: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def write_parquet(
    path: Path, images: list[bytes | None], labels: list[Any], **options: Any
) -> None:
    """As the Hugging Face data sets write it; `options`: other names, other columns, no names."""
    struct = pa.array(
        [{"bytes": b, "path": f"{i}.png"} for i, b in enumerate(images)],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    label = options.get("label", "fine_label")
    columns = {options.get("image", "img"): options.get("column", struct), label: pa.array(labels)}
    if "coarse" in options:
        columns["coarse_label"] = pa.array(options["coarse"])
    table = pa.table(columns)
    if options.get("names", True):
        features = {label: {"names": NAMES, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        )
    pq.write_table(table, path)


def parquet_folder(folder: Path, **options: Any) -> NDArray[np.uint8]:
    images = pictures(len(LABELS))
    for split in ("train", "test"):
        write_parquet(
            folder / f"{split}-00000.parquet", [encoded(i) for i in images], LABELS, **options
        )
    return images


def class_folders(root: Path, images: int = 5, side: int = 8) -> None:
    """One colour a class, so that a label can be told from the pixels; the level is the number."""
    for label, name in enumerate(NAMES):
        (root / name).mkdir(parents=True)
        for number in range(images):
            picture = np.zeros((side, side, 3), np.uint8)
            picture[..., label] = 100 + number
            ending = "PNG" if number % 2 else "png"
            Image.fromarray(picture).save(root / name / f"{number}.{ending}", "PNG")


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def write_split(folder: Path, split: str, images: NDArray[np.uint8], per_shard: int = 5) -> None:
    """Labels go round over three classes."""
    for shard, at in enumerate(range(0, len(images), per_shard)):
        members: dict[str, bytes] = {}
        for number in range(at, min(at + per_shard, len(images))):
            members[f"{number:06}.cls"] = str(number % 3).encode()
            members[f"{number:06}.png"] = encoded(images[number])
        write_tar(folder / f"{split}-{shard:06}.tar", members)


def shards(folder: Path, train: int = 23, test: int = 7, side: int = 8) -> ImageSet:
    """Shards of both splits; the training images are returned."""
    images = pictures(train, side)
    write_split(folder, "train", images)
    write_split(folder, "test", pictures(test, side, seed=1))
    (folder / "classnames.txt").write_text("\n".join(NAMES) + "\n")
    return ImageSet("held", images, np.arange(train) % 3, tuple(NAMES))


def spoil_images(folder: Path) -> None:
    """Two of the images of a shard, which the headers do not show."""
    path = folder / "train-000001.tar"
    content = path.read_bytes()
    at = [i for i in range(len(content)) if content.startswith(b"\x89PNG", i)]
    for place in (at[0], at[2]):
        content = content[:place] + b"oops" + content[place + 4 :]
    path.write_bytes(content)


COLOURS = {
    "blue": (0, 0, 200), "green": (0, 160, 0), "grey": (120, 120, 120),
    "red": (200, 0, 0), "white": (250, 250, 250), "yellow": (220, 220, 0),
}  # fmt: skip


def coloured_folders(root: Path) -> None:
    """A folder for each of six classes, with 20 noisy images of one colour."""
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for index in range(20):
            noise = rng.integers(-30, 30, (16, 16, 3))
            pixels = np.clip(np.asarray(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index:02}.png")
