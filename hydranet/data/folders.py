"""A folder of class folders: `ROOT/CLASS/IMAGE` or `ROOT/SPLIT/CLASS/IMAGE`, any image size.

Listing is apart from reading, so that what is wrong with a folder is known before an image is
decoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hydranet.data.dataset import ImageSet
from hydranet.data.resize import fit_square
from hydranet.errors import InputError
from hydranet.intake.images import read_image
from hydranet.machine import check_memory

OnProgress = Callable[[int, int], None]
"""Told how many images are read, of how many."""

_ENDINGS = {".png", ".jpg", ".jpeg", ".webp"}
TEST_SHARE = 0.2
"""Of the images of each class, where a data set has no splits of its own."""
_VALIDATION_NAMES = ("val", "valid", "validation")
_COPIES = {"train": 2}
"""Training images stand in memory once whole, once divided in training and validation."""
_NAMED = 5
"""So many unreadable files are named in a sentence."""


@dataclass(frozen=True)
class ClassFolders:
    """What a folder of class folders holds. `splits`: by name, the files of each class."""

    name: str
    class_names: tuple[str, ...]
    splits: dict[str, list[list[Path]]]

    def files(self, split: str) -> tuple[list[Path], list[int]]:
        """The files of a split and their classes, class by class.

        Raises:
            InputError: there is no such split.
        """
        if split not in self.splits:
            raise InputError(
                f"{self.name} has no split {split!r} of its own; it has {', '.join(self.splits)}."
            )
        paths = [path for files in self.splits[split] for path in files]
        labels = [c for c, files in enumerate(self.splits[split]) for _ in files]
        return paths, labels


def list_class_folders(root: Path) -> ClassFolders:
    """List the images under `root` by split and class; nothing is decoded.

    The folders train and test are the splits, if they are there; val (or valid, validation) beside
    both is the validation split, and the test split where there is no test. In any other folder a
    fifth of each class is the test split, drawn by the SHA-256 of the files' names: the same draw
    in every run, whatever its seed, and an image stays in its split when others are added.

    Raises:
        InputError: fewer than two class folders, two that differ by case only, one without images,
            or one of a split that the training split lacks.
    """
    root = root.resolve()
    parts = {"train": root / "train", "test": root / "test"}
    validation = next((root / name for name in _VALIDATION_NAMES if (root / name).is_dir()), None)
    if validation is not None:
        parts["validation" if parts["test"].is_dir() else "test"] = validation
    if not parts["train"].is_dir():
        return _drawn(root, _class_folders(root))
    names = tuple(folder.name for folder in _class_folders(parts["train"]))
    if not parts["test"].is_dir():
        return _drawn(root, [parts["train"] / name for name in names])
    for folder in parts.values():
        others = {p.name for p in _folders(folder)} - set(names)
        if others:
            raise InputError(
                f"{folder} has the class {min(others)!r}, which {parts['train']} lacks. Each split "
                "must have the same class folders."
            )
    splits = {
        split: [_image_files(folder / name) for name in names] for split, folder in parts.items()
    }
    return ClassFolders(root.name, names, splits)


def read_class_folders(
    root: Path,
    split: str,
    *,
    image_size: int,
    skip_unreadable: bool = False,
    on_progress: OnProgress = lambda done, total: None,
) -> ImageSet:
    """Read a split of `list_class_folders`; class names are the names of the folders.

    `skip_unreadable`: leave out files that cannot be read, instead of refusing the folder.

    Raises:
        InputError: as `list_class_folders`; or the images do not fit into memory, which is known
            before the first is read; or some cannot be read, which are all named together.
    """
    listed = list_class_folders(root)
    paths, labels = listed.files(split)
    check_memory(
        _COPIES.get(split, 1) * len(paths) * image_size**2 * 3,
        f"The {len(paths):,} images of {listed.name} at {image_size}×{image_size} pixels",
        "Choose a smaller --image-size, or fewer images.",
    )
    images = np.empty((len(paths), image_size, image_size, 3), np.uint8)
    unreadable: dict[int, str] = {}
    for row, path in enumerate(paths):
        try:
            images[row] = fit_square(read_image(path), image_size)
        except InputError as error:
            unreadable[row] = str(error)
        on_progress(row + 1, len(paths))
    if unreadable and not skip_unreadable:
        raise unreadable_images(list(unreadable.values()), len(paths))
    found = ImageSet(listed.name, images, np.asarray(labels, np.int64), listed.class_names)
    if unreadable:
        found = found.subset(np.setdiff1d(np.arange(len(paths)), list(unreadable)))
    return found


def unreadable_images(reasons: list[str], images: int) -> InputError:
    """What is said of files that cannot be read, each reason with its file's name."""
    lines = reasons[:_NAMED]
    if (more := len(reasons) - len(lines)) > 0:
        lines.append(f"And {more:,} more.")
    return InputError(
        f"{len(reasons):,} of {images:,} images cannot be read. Mend or remove them, or leave them "
        "out with --skip-unreadable.\n" + "\n".join(lines)
    )


def _folders(root: Path) -> list[Path]:
    return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))


def _class_folders(root: Path) -> list[Path]:
    folders = _folders(root)
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
    """The images directly in a class folder, by name; hidden files are none."""
    files = []
    if folder.is_dir():
        files = sorted(
            p
            for p in folder.iterdir()
            if p.suffix.lower() in _ENDINGS and not p.name.startswith(".")
        )
    if not files:
        endings = ", ".join(sorted(_ENDINGS))
        raise InputError(f"The class folder {folder} holds no image ({endings}).")
    return files


def _draw(path: Path) -> bytes:
    """Where a file stands in the draw of its class."""
    name = f"{path.parent.name}/{path.name}"  # of whatever bytes the file system allows
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def _drawn(root: Path, folders: list[Path]) -> ClassFolders:
    """Train and test where the folder has no splits of its own."""
    train, test = [], []
    for folder in folders:
        files = _image_files(folder)
        if len(files) < 2:
            raise InputError(
                f"The class folder {folder} holds one image; at least two are needed, one to train "
                "on and one to test on."
            )
        drawn = sorted(files, key=_draw)
        held_out = set(drawn[: max(1, round(TEST_SHARE * len(files)))])
        train.append([path for path in files if path not in held_out])
        test.append([path for path in files if path in held_out])
    names = tuple(folder.name for folder in folders)
    return ClassFolders(root.name, names, {"train": train, "test": test})
