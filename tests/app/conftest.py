"""What all tests of the pages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app import services
from app.charts import figure


@pytest.fixture(autouse=True)
def checked_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plotly checks every figure that a test draws; on a server it does not, for speed."""
    monkeypatch.setattr(figure, "CHECKED", True)


@pytest.fixture(autouse=True)
def checkpoints_looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The lists of checkpoints are kept for some seconds: no test sees those of another's folder.
    None is kept out unless a test says so."""
    monkeypatch.setattr(services, "list_kept_out", list)
    looked_up = (services.checkpoints, services.kept_out)
    for look_up in looked_up:
        look_up.clear()
    yield
    for look_up in looked_up:
        look_up.clear()
