"""Image sets: Parquet, torchvision's CIFAR folders, folders of class folders."""

from __future__ import annotations

from pathlib import Path

from hydranet.data.cifar import is_cifar_folder, read_cifar
from hydranet.data.dataset import ImageSet
from hydranet.data.folders import read_class_folders
from hydranet.data.parquet import is_parquet_folder, read_parquet
from hydranet.errors import InputError

__all__ = ["ImageSet", "load_images"]

SPLITS = ("train", "test")


def load_images(
    path: str | Path, split: str, *, image_size: int = 32, download: str | None = None
) -> ImageSet:
    """Read `split` ("train" or "test") of the data set that lies at `path`, whatever its layout.

    `download`: "cifar10" or "cifar100" lets torchvision fetch that data set into `path` first.

    Raises:
        InputError: the split or the path is unknown, or what lies there cannot be read; the
            message says which file, column or class is at fault.
    """
    if split not in SPLITS:
        raise InputError(f"The split must be one of {', '.join(SPLITS)}, not {split!r}.")
    path = Path(path)
    if download:
        return read_cifar(path, split, image_size=image_size, download=download)
    if not path.is_dir():
        raise InputError(f"There is no folder {path}. Name the folder that holds the data set.")
    if is_parquet_folder(path):
        return read_parquet(path, split, image_size=image_size)
    if is_cifar_folder(path):
        return read_cifar(path, split, image_size=image_size)
    return read_class_folders(path, split, image_size=image_size)
