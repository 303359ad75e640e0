"""Keep: the address that shows the same again, a report, and the figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from app import services, state
from app.handed_over import looked_at
from app.handed_over.own_network import OwnNetwork
from app.inspection import Inspection
from app.report.document import document
from app.report.figures import as_csv, as_json
from app.report.record import Record, record
from hydranet.evaluation.route_log import RouteLog

_FILES: tuple[tuple[str, str, str, str, Callable[[Record], bytes]], ...] = (
    ("Report", ":material/description:", "html", "text/html", document),
    ("Figures as JSON", ":material/data_object:", "json", "application/json", as_json),
    ("Figures as CSV", ":material/table:", "csv", "text/csv", as_csv),
)
_OF_OTHER_SECTIONS = {
    state.PART, state.WHY, state.WHY_BRANCH, state.METHOD, state.DIAL, state.OTHER,
}  # fmt: skip


def show_keep(inspection: Inspection) -> None:
    """What can be taken away. Nothing is made before it is asked for."""
    address, log = _address(), services.route_log_if_any(inspection.checkpoint)
    st.markdown("**The address of what you see**")
    st.code(address, language=None, wrap_lines=True)
    shows = _shows(inspection)
    st.caption(shows)
    st.markdown("**Files**")
    with st.container(horizontal=True, gap="small"):
        for label, icon, ending, mime, make in _FILES:
            st.download_button(
                label,
                data=partial(_made, make, inspection, address, shows, log),
                file_name=f"hydranet_{inspection.intake.sha256[:8]}.{ending}",
                mime=mime,
                icon=icon,
                on_click="ignore",
                key=f"keep_{ending}",
            )
    st.caption(
        "The report is one HTML file with the images in it; it fetches nothing and runs no script. "
        "The figures are as computed, nothing rounded."
    )


def _made(
    make: Callable[[Record], bytes],
    inspection: Inspection,
    address: str,
    shows: str,
    log: RouteLog | None,
) -> bytes:
    return make(record(inspection, address, shows, log))


def _shows(inspection: Inspection) -> str:
    """What the address shows, and to whom."""
    image = (
        "It holds the SHA-256 of your image, not the image: whoever opens it is asked to upload it."
        if looked_at.named()
        else ""
    )
    if isinstance(inspection.checkpoint, OwnNetwork):
        network = (
            "Your network stays in this session: to others, and to you after a reload, the "
            "address shows another one."
        )
        return f"{network} {image}".strip()
    return image or "Whoever opens it sees the same."


def _address() -> str:
    """Of the page as it stands now. What other sections had set leaves the address only after
    this run, so it is left out here."""
    names = [name for name in st.query_params if name not in _OF_OTHER_SECTIONS]
    held = {name: st.query_params.get_all(name) for name in names}
    query = urlencode(held, doseq=True)
    base = (st.context.url or "").rstrip("/") + "/"
    return f"{base}?{query}" if query else base
