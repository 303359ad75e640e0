"""What tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_sets import coloured_folders


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of noisy single-coloured images."""
    root = tmp_path_factory.mktemp("data")
    coloured_folders(root)
    return root
