"""The images of a data set, whatever its layout."""

from __future__ import annotations

from pathlib import Path

from hydranet.data.cifar import is_cifar_folder, read_cifar
from hydranet.data.dataset import LabelledImages
from hydranet.data.folders import OnProgress, list_class_folders, read_class_folders
from hydranet.data.parquet import is_parquet_folder, read_parquet
from hydranet.data.shards import is_shards, open_shards, survey
from hydranet.errors import InputError

SPLITS = ("train", "validation", "test")


def load_images(
    path: str | Path,
    split: str,
    *,
    image_size: int = 32,
    download: str | None = None,
    skip_unreadable: bool = False,
    workers: int = 1,
    on_progress: OnProgress = lambda done, total: None,
) -> LabelledImages:
    """Read `split` ("train", "test", or "validation" where the set has one of its own) of the data
    set that lies at `path`, whatever its layout.

    `download`: "cifar10" or "cifar100" lets torchvision fetch that data set into `path` first.
    `skip_unreadable`: leaves out the images of class folders and shards that cannot be read. Shards
    stay where they are, and `workers` processes beside this one read them; all are read once here.
    `on_progress` is told images read and images in all, where files are read one by one.

    Raises:
        InputError: the split or the path is unknown, or what lies there cannot be read; the
            message says which file, column or class is at fault.
    """
    if split not in SPLITS:
        raise InputError(f"The split must be one of {', '.join(SPLITS)}, not {split!r}.")
    path = Path(path)
    if not download and is_shards(path):
        images = open_shards(path).images(split, image_size=image_size, workers=workers)
        return images.looked_at(survey(images, on_progress), skip_unreadable=skip_unreadable)
    if is_class_folders(path, download):
        return read_class_folders(
            path,
            split,
            image_size=image_size,
            skip_unreadable=skip_unreadable,
            on_progress=on_progress,
        )
    if not download and is_parquet_folder(path):
        return read_parquet(path, split, image_size=image_size)
    if split == "validation":
        raise InputError("torchvision's CIFAR folders have no validation split of their own.")
    return read_cifar(path, split, image_size=image_size, download=download)


def is_class_folders(path: Path, download: str | None = None) -> bool:
    """Whether the data set at `path` is a folder of class folders.

    Raises:
        InputError: there is no such folder, and none is to be downloaded.
    """
    if download or is_shards(path):
        return False
    if not path.is_dir():
        raise InputError(f"There is no folder {path}. Name the folder that holds the data set.")
    return not is_parquet_folder(path) and not is_cifar_folder(path)


def load_validation(
    path: Path, *, image_size: int, skip_unreadable: bool = False
) -> LabelledImages | None:
    """The validation split where the data set at `path` has one of its own; see `load_images`."""
    if is_shards(path):
        has_one = "validation" in open_shards(path).splits
    elif not path.is_dir() or is_cifar_folder(path):
        return None
    elif is_parquet_folder(path):
        has_one = any(path.glob("validation*.parquet"))
    else:
        has_one = "validation" in list_class_folders(path).splits
    if not has_one:
        return None
    return load_images(path, "validation", image_size=image_size, skip_unreadable=skip_unreadable)
