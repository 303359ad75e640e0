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
def checkpoints_looked_up_anew() -> Iterator[None]:
    """The list of checkpoints is kept for some seconds: no test sees that of another's folder."""
    services.checkpoints.clear()
    yield
    services.checkpoints.clear()
