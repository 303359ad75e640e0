"""Which tar files of a folder, or of a pattern with braces, are shards, and of which split.

A shard belongs to the split that its name or its folder says, as a word: train, val (or valid,
validation), test. Numbers that follow one another must be complete, so that a shard that was not
copied is missed before anything is read. Light: no torch.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hydranet.errors import InputError

CLASS_NAMES = "classnames.txt"
"""Holds a class name a line; the label of an image is the number of its line, from 0."""

_SPLITS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
_COMPRESSED = (".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
_NAMED = 5
"""So many missing shards are named in a sentence."""


@dataclass(frozen=True)
class ShardFiles:
    """`root`: the folder that holds `CLASS_NAMES`, if there are any; `splits`: the shards of each,
    in order; those of a set without splits stand under ""."""

    root: Path
    splits: dict[str, list[Path]]

    @property
    def name(self) -> str:
        """Of the data set: its folder's."""
        return self.root.name


def is_shards(path: Path) -> bool:
    """Whether `path` is a folder of tar files, one tar file, or a pattern with braces of some."""
    if path.is_dir():
        return bool(_in_folder(path))
    return path.name.endswith((".tar", *_COMPRESSED)) or "{" in str(path)


def data_folder(path: Path) -> Path:
    """The folder that a data set is called after: `path`, or where the shards of a pattern lie."""
    if not is_shards(path) or path.is_dir():
        return path.resolve()
    folder = Path(os.path.commonpath([shard.parent for shard in _expanded(path)]))
    return folder.parent if folder.name in _SPLITS else folder


def find_shards(path: Path) -> ShardFiles:
    """The shards at `path`, see `is_shards`. A pattern that names shards of one split alone is one
    of the data set that lies there: its other splits are found by their names.

    Raises:
        InputError: a shard is missing or compressed, or the pattern is none.
    """
    if path.is_dir():
        root = path.resolve()
        named = _in_folder(root)
        _check_numbers(named)
    else:
        named = _expanded(path)
        _check_there(named)
        root = data_folder(path)
        if len(splits := {_split_of(shard, root) for shard in named}) == 1 and splits != {""}:
            like = {_signature(shard, root) for shard in named}
            others = [s for s in _in_folder(root) if _split_of(s, root) not in (*splits, "")]
            others = [shard for shard in others if _signature(shard, root) in like]
            _check_numbers(others)
            named += others
    if compressed := [shard for shard in named if shard.name.endswith(_COMPRESSED)]:
        raise InputError(
            f"Shards must be plain .tar files, in which an image can be found by its place, but "
            f"{compressed[0]} is compressed. Decompress the shards."
        )
    found: dict[str, list[Path]] = defaultdict(list)
    for shard in named:
        found[_split_of(shard, root)].append(shard)
    if "" in found and len(found) > 1:
        raise InputError(
            f"The name of every shard of {root} must say its split (train, val or test), or none "
            f"may, but {found[''][0].name} says none. Rename the shards."
        )
    return ShardFiles(root, dict(found))


def read_class_names(files: ShardFiles) -> tuple[str, ...] | None:
    """The lines of `CLASS_NAMES`; None where there is no such file.

    Raises:
        InputError: it cannot be read, or two names are the same but for upper and lower case.
    """
    path = files.root / CLASS_NAMES
    if not path.is_file():
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} must be text, a class name a line: {error}.") from None
    return names_in(text, path)


def names_in(text: str, path: Path) -> tuple[str, ...]:
    """The class names in what `CLASS_NAMES` holds, or would; `path`: for the messages.

    Raises:
        InputError: a line is empty, or two names are the same but for upper and lower case.
    """
    names = tuple(line.strip() for line in text.rstrip().splitlines())
    if not all(names):
        raise InputError(f"{path} must have a class name on every line, but one is empty.")
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.get(name.casefold())) is not None:
            how = "twice" if other == name else f"by case only as {other} and {name}"
            raise InputError(f"{path} must name each class differently, but it has {name} {how}.")
        seen[name.casefold()] = name
    return names


def _archives(folder: Path) -> list[Path]:
    """Tar files directly in a folder, by name; hidden ones are none."""
    if not folder.is_dir():
        return []
    endings = (".tar", *_COMPRESSED)
    return sorted(
        p for p in folder.iterdir() if p.name.endswith(endings) and not p.name.startswith(".")
    )


def _in_folder(root: Path) -> list[Path]:
    folders = [root, *(root / word for word in _SPLITS)]
    return [shard for folder in folders for shard in _archives(folder)]


def _expanded(pattern: Path) -> list[Path]:
    from braceexpand import braceexpand

    try:
        return [Path(name).absolute() for name in braceexpand(str(pattern))]
    except ValueError:
        raise InputError(
            f"{pattern} must be a pattern such as train-{{000000..000009}}.tar, but its braces are "
            "not balanced."
        ) from None


def _check_there(shards: list[Path]) -> None:
    if missing := [shard for shard in shards if not shard.is_file()]:
        raise _missing(missing, len(shards))


def _check_numbers(shards: Iterable[Path]) -> None:
    """Raise InputError where the numbers of shards of one name have gaps. Where more are not there
    than are, the numbers mean something else, such as a date."""
    found: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for shard in shards:
        if match := re.fullmatch(r"(.*?)(\d+)(\D*)", str(shard)):
            found[match[1], match[3]][int(match[2])] = match[2]
    for (before, after), numbers in found.items():
        least, most = min(numbers), max(numbers)
        if most - least >= 2 * len(numbers):
            continue
        if gaps := [number for number in range(least, most) if number not in numbers]:
            width = len(numbers[least])
            missing = [Path(f"{before}{number:0{width}}{after}") for number in gaps]
            raise _missing(missing, most - least + 1)


def _missing(missing: list[Path], of: int) -> InputError:
    names = ", ".join(str(shard) for shard in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
    return InputError(
        f"All {of:,} shards must be there, but {len(missing):,} are missing: {names}{more}. Copy "
        "them, or name those that there are."
    )


def _words(shard: Path, root: Path) -> list[str]:
    """Of a shard's folder and of its name, in order, with what lies between them."""
    return re.split(r"([^a-z]+)", str(shard.relative_to(root)).lower())


def _split_of(shard: Path, root: Path) -> str:
    return next((_SPLITS[word] for word in reversed(_words(shard, root)) if word in _SPLITS), "")


def _signature(shard: Path, root: Path) -> str:
    """What the shards of one data set have in common whatever their split and number."""
    parts = ("*" if word in _SPLITS else word for word in _words(shard, root))
    return re.sub(r"\d+", "#", "".join(parts))
