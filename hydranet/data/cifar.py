"""torchvision's CIFAR-10 and CIFAR-100 folders, downloaded by it where asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hydranet.data.dataset import ImageSet
from hydranet.data.resize import fit_square
from hydranet.errors import InputError

_FOLDERS = {"cifar-10-batches-py": "CIFAR10", "cifar-100-python": "CIFAR100"}


def is_cifar_folder(root: Path) -> bool:
    """Whether `root` holds what torchvision unpacks."""
    return any((root / folder).is_dir() for folder in _FOLDERS)


def read_cifar(root: Path, split: str, *, image_size: int, download: str | None = None) -> ImageSet:
    """Read `split` through torchvision; `download` ("cifar10" or "cifar100") fetches it first.

    torchvision checks the MD5 of every file against its own list before it opens one.

    Raises:
        InputError: the files are missing, damaged or cannot be fetched.
    """
    from torchvision import datasets

    present = next((cls for folder, cls in _FOLDERS.items() if (root / folder).is_dir()), "")
    name = download.upper() if download else present
    if name not in _FOLDERS.values():
        raise InputError(
            f"The data set to download must be cifar10 or cifar100, not {download or present!r}."
        )
    try:
        source = getattr(datasets, name)(
            str(root), train=split == "train", download=download is not None
        )
    except (RuntimeError, OSError) as error:
        raise InputError(f"{name} in {root} cannot be read: {error}") from None
    images = source.data
    if image_size != images.shape[1]:
        from PIL import Image

        images = np.stack([fit_square(Image.fromarray(image), image_size) for image in images])
    return ImageSet(
        name.lower(), images, np.asarray(source.targets, np.int64), tuple(source.classes)
    )
