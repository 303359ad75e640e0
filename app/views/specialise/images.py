"""Images: a slice of the data set, its figures, its rows, and what can be taken away."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.charts.specialise.load_bars import load_bars
from app.charts.specialise.words import load_text
from app.datasets import DataSet
from app.slice_files import MOST_ROWS, as_csv, as_parquet
from app.views.specialise import keys
from app.views.specialise.filters import choose_slice
from app.views.specialise.thumbnails import images_of, inspect_image, thumbnails
from app.views.text import plain
from hydranet.specialisation import Slice, SliceFigures, slice_figures, slice_page

_CHART = {"displaylogo": False, "displayModeBar": False}
_A_PAGE = 50
_HEIGHT = 420
_ROW_HEIGHT = 44
_JUMPS = "slice_jumps"


def show_images(data: DataSet) -> None:
    """The section: every image unless filters say otherwise."""
    show_slice(data)


def show_slice(data: DataSet) -> None:
    """Filters, figures beside those of all images, and the rows."""
    st.markdown("#### Images")
    chosen = choose_slice(data)
    found, whole = data.ask(slice_figures, chosen), data.ask(slice_figures, Slice())
    if not found.images:
        st.info("No image fits. Take a filter away.")
        return
    _show_figures(found, whole)
    if found.load is None or whole.load is None:
        _show_rows(data, chosen, found.images)
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _show_rows(data, chosen, found.images)
    with right:
        called = data.card.policy.branch
        st.markdown(f"**How often each {called} fires for them**")
        st.plotly_chart(
            load_bars(found.load, everywhere=whole.load, called=called),
            key="slice_load",
            config=_CHART,
            alt=load_text(found.load, called),
        )
        extra = found.load - whole.load
        st.caption(
            f"Bars: these images; strokes: all images. Above all, these fire {called} "
            f"{int(np.argmax(extra))} more often ({100 * extra.max():+.1f} points)."
            if extra.max() > 0.0005
            else "Bars: these images; strokes: all images. They fire as all images do."
        )


def _show_figures(found: SliceFigures, whole: SliceFigures) -> None:
    """Each figure with its distance to that of all images."""
    rows: list[tuple[str, float | None, float | None, float, str]] = [
        ("Right", found.right, whole.right, 100, " %"),
        ("Hit", found.hit, whole.hit, 100, " %"),
        ("Mean confidence", found.confidence, whole.confidence, 100, " %"),
        ("Mean margin", found.margin, whole.margin, 1, ""),
    ]
    with st.container(horizontal=True, gap="medium"):
        share = 100 * found.images / whole.images
        st.metric("Images", f"{found.images:,}", f"{share:.1f} % of all", delta_color="off",
                  delta_arrow="off")  # fmt: skip
        for name, value, base, scale, unit in rows:
            if value is not None and base is not None:
                digits = 1 if unit else 2
                st.metric(
                    name, f"{scale * value:.{digits}f}{unit}",
                    f"{scale * (value - base):+.{digits}f}{' points' if unit else ''} to all",
                    delta_color="off", delta_arrow="off",
                )  # fmt: skip


def _show_rows(data: DataSet, chosen: Slice, images: int) -> None:
    pages = math.ceil(images / _A_PAGE)
    if int(st.session_state.get(keys.PAGE) or 1) > pages:
        st.session_state[keys.PAGE] = 1
    page = int(st.session_state.get(keys.PAGE, st.query_params.get(keys.PAGE, "1")) or 1)
    page = min(max(page, 1), pages)
    table = _table(data, chosen, page)
    found = images_of(data)
    shown = thumbnails(data, found.images, table["Index"].tolist()) if found.images else {}
    if shown:
        table.insert(0, "Image", [shown.get(index, "") for index in table["Index"]])
    event = st.dataframe(
        table,
        hide_index=True,
        height=_HEIGHT,
        row_height=_ROW_HEIGHT if shown else None,
        on_select="rerun" if shown else "ignore",
        selection_mode="single-cell",
        column_config={
            "Image": st.column_config.ImageColumn(width=60),
            "Confidence (%)": st.column_config.NumberColumn(format="%.1f"),
            "Margin": st.column_config.NumberColumn(format="%.2f"),
        },
        alt=f"The images of this slice, page {page} of {pages}.",
        key=f"slice_rows_{st.session_state.setdefault(_JUMPS, 0)}",
    )
    if shown:
        st.caption("**Click a row** to look at that image on Inspect; click a header to sort.")
    elif found.why:
        st.caption(plain(found.why))
    cells = [] if isinstance(event, DeltaGenerator) else event.selection.cells
    if cells and found.images:
        st.session_state[_JUMPS] += 1  # a new table: nothing is selected when the visitor returns
        inspect_image(data, found.images, int(table["Index"][cells[0][0]]))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if pages > 1:
            st.pagination(pages, key=keys.PAGE, bind="query-params")
        for kind, mime, make in (
            ("CSV", "text/csv", as_csv),
            ("Parquet", "application/vnd.apache.parquet", as_parquet),
        ):
            st.download_button(
                kind, data=partial(make, data, chosen), file_name=f"images.{kind.lower()}",
                mime=mime, icon=":material/download:", on_click="ignore", key=f"slice_{kind}",
            )  # fmt: skip
    if images > MOST_ROWS:
        st.caption(f"The files hold the first {MOST_ROWS:,} images.")


def _table(data: DataSet, chosen: Slice, page: int) -> pd.DataFrame:
    rows = slice_page(data.table, chosen, first=(page - 1) * _A_PAGE, count=_A_PAGE).to_pydict()
    names = data.class_names
    table = pd.DataFrame(
        {
            "Index": rows["index"],
            "Class": [names[label] for label in rows["label"]],
            "Answer": [names[answer] for answer in rows["prediction"]],
            "Confidence (%)": [100 * value for value in rows["confidence"]],
        }
    )
    if "fired" in rows:
        table["First choice"] = rows["first_choice"]
        table["Fired"] = [", ".join(map(str, fired)) for fired in rows["fired"]]
        table["Margin"] = rows["margin"]
    return table
