"""A dashboard served on tiny checkpoints, as `Procfile` and `.streamlit/config.toml` have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served_dashboard import PATIENCE_S, Dashboard

from app.outside.serving import served


@pytest.fixture(scope="session")
def checkpoints(
    tmp_path_factory: pytest.TempPathFactory, make_checkpoint: Callable[..., Path]
) -> Path:
    root = tmp_path_factory.mktemp("checkpoints")
    make_checkpoint("hydra", root)
    make_checkpoint("static", root, model="resnet8")
    return root


@pytest.fixture(scope="session")
def dashboard(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    log = tmp_path_factory.mktemp("log") / "lines"
    environment = {"HYDRANET_CHECKPOINTS": str(checkpoints), "OMP_NUM_THREADS": "1"}
    with served(patience_s=PATIENCE_S, environment=environment, log=log) as at:
        yield Dashboard(at.address, at.pid, log)
