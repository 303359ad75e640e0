"""Class features: read as written, and refused in a sentence where they are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hydranet.errors import InputError
from hydranet.evaluation.class_features import (
    ClassFeatures,
    read_class_features,
    write_class_features,
)

FOUND = ClassFeatures(
    np.array([4, 0, 2], np.int32),
    np.array([[1, 2], [np.nan, np.nan], [3, 4]], np.float32),
)


def test_round_trip(tmp_path: Path) -> None:
    write_class_features(tmp_path / "f", FOUND)
    again = read_class_features(tmp_path / "f", num_classes=3)
    assert again is not None
    assert np.array_equal(again.mean, FOUND.mean, equal_nan=True)
    assert np.array_equal(again.images, FOUND.images)
    assert read_class_features(tmp_path / "nothing", num_classes=3) is None


def test_what_is_none_is_refused(tmp_path: Path) -> None:
    write_class_features(tmp_path / "f", FOUND)
    with pytest.raises(InputError, match="must hold the features of 4 classes"):
        read_class_features(tmp_path / "f", num_classes=4)
    pq.write_table(pa.table({"images": [1, 2, 3], "features": [1.0, 2, 3]}), tmp_path / "flat")
    with pytest.raises(InputError, match="as lists of one length"):
        read_class_features(tmp_path / "flat", num_classes=3)
    (tmp_path / "text").write_text("no Parquet")
    with pytest.raises(InputError, match="cannot be read"):
        read_class_features(tmp_path / "text", num_classes=3)
    pq.write_table(pa.table({"images": [1]}), tmp_path / "less")
    with pytest.raises(InputError, match="cannot be read"):
        read_class_features(tmp_path / "less", num_classes=1)
