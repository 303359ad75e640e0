"""Image sets: Parquet, torchvision's CIFAR folders, folders of class folders, shards.

Resolved on first use: who needs no more than a network's normalisation reads no files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydranet.data.dataset import ImageSet, LabelledImages
    from hydranet.data.loading import is_class_folders, load_images, load_validation
    from hydranet.data.shards import ShardSet, is_shards

_HOMES = {
    "ImageSet": "dataset",
    "LabelledImages": "dataset",
    "ShardSet": "shards",
    "is_class_folders": "loading",
    "is_shards": "shards",
    "load_images": "loading",
    "load_validation": "loading",
}

# Written out, because a type checker reads it and does not run it.
__all__ = [
    "ImageSet",
    "LabelledImages",
    "ShardSet",
    "is_class_folders",
    "is_shards",
    "load_images",
    "load_validation",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hydranet.data' has no attribute {name!r}")
    return getattr(import_module(f"hydranet.data.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
