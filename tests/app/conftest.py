"""What all tests of the pages share."""

from __future__ import annotations

import pytest

from app.charts import figure


@pytest.fixture(autouse=True)
def checked_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plotly checks every figure that a test draws; on a server it does not, for speed."""
    monkeypatch.setattr(figure, "CHECKED", True)
