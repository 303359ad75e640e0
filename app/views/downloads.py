"""Tables as files. What a spreadsheet would run as a formula is made harmless."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from app.spreadsheet import as_csv


def csv_button(make: Callable[[], pd.DataFrame], *, name: str, label: str = "CSV") -> None:
    """A button that saves a table as `name`.csv; the table is made only when it is asked for."""
    st.download_button(
        label,
        data=lambda: as_csv(make()),
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"csv_{name}",
    )
