"""A folder of class folders: `ROOT/[train|test/]CLASS/IMAGE`, any image size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hydranet.data.dataset import ImageSet
from hydranet.data.resize import fit_square
from hydranet.errors import InputError
from hydranet.images import read_image

_ENDINGS = {".png", ".jpg", ".jpeg", ".webp"}
_TEST_SHARE = 0.2


def read_class_folders(root: Path, split: str, *, image_size: int) -> ImageSet:
    """Read `split` ("train" or "test"); class names are the names of the folders.

    Where `root` has folders named train and test, they are the splits; otherwise every fifth image
    of each class, in the order of their names, is the test split.

    Raises:
        InputError: fewer than two class folders, one of them empty, or an image cannot be read.
    """
    has_splits = (root / "train").is_dir() and (root / "test").is_dir()
    folders = _class_folders(root / "train" if has_splits else root)
    class_names = tuple(folder.name for folder in folders)
    paths: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(folders):
        folder = root / split / folder.name if has_splits else folder
        files = _image_files(folder)
        if not has_splits:
            files = _every_fifth(files, split, folder)
        paths += files
        labels += [label] * len(files)
    images = np.empty((len(paths), image_size, image_size, 3), np.uint8)
    for row, path in enumerate(paths):
        images[row] = fit_square(read_image(path), image_size)
    return ImageSet(root.name, images, np.asarray(labels, np.int64), class_names)


def _class_folders(root: Path) -> list[Path]:
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(folders) < 2:
        raise InputError(
            f"{root} must hold a folder of images for each of at least two classes, "
            f"but it holds {len(folders)}."
        )
    seen: dict[str, str] = {}
    for folder in folders:
        if (other := seen.setdefault(folder.name.casefold(), folder.name)) != folder.name:
            raise InputError(
                f"Two class folders of {root} differ by case only: {other} and {folder.name}. "
                "Rename or join them."
            )
    return folders


def _image_files(folder: Path) -> list[Path]:
    files = []
    if folder.is_dir():
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in _ENDINGS)
    if not files:
        endings = ", ".join(sorted(_ENDINGS))
        raise InputError(f"The class folder {folder} holds no image ({endings}).")
    return files


def _every_fifth(files: list[Path], split: str, folder: Path) -> list[Path]:
    if len(files) < 2:
        raise InputError(
            f"The class folder {folder} holds one image; at least two are needed, one to train "
            "on and one to test on."
        )
    step = round(1 / _TEST_SHARE)
    test = files[step - 1 :: step] or files[-1:]
    return test if split == "test" else [path for path in files if path not in set(test)]
