"""The first screen: image, network, answer."""

from __future__ import annotations

import streamlit as st

from app import state
from app.certainty import certainty
from app.charts.answer import top5_bars
from app.charts.network import network_picture
from app.charts.words import answer_text, network_text
from app.inspection import Inspection
from app.pictures import WIDTH, pictures
from app.views.clicks import clicked
from app.views.inspect.parts import opened_part
from app.views.text import plain
from app.words.policies import picture_words
from hydranet.evaluation.route_log import RouteLog

_PICTURE = "network_picture"
_CHART = {"displayModeBar": False}
_UNSURE = 60.0
_NEARLY_ALL = 99.5


def show_image(inspection: Inspection) -> None:
    """The image as it came, and the square of pixels that the network sees."""
    side = inspection.pixels.shape[0]
    whole, square = pictures(inspection.intake, inspection.pixels)
    with st.container(horizontal=True, gap="small"):
        st.image(
            whole, caption="as it came", width=WIDTH,
            alt=f"The image {inspection.intake.name}",
        )  # fmt: skip
        st.image(
            square, caption=f"as the network sees it, {side}×{side}", width=WIDTH,
            alt=f"The same image as {side} by {side} pixels",
        )  # fmt: skip


def show_network(inspection: Inspection) -> None:
    """The picture of the network with the route lit; a click on a part opens it below."""
    card, found, board = inspection.card, inspection.found, inspection.board
    opened = opened_part(card)
    st.plotly_chart(
        network_picture(card, found, board=board, opened=opened, height=560),
        key=_PICTURE,
        config=_CHART,
        on_select=_open_part,
        selection_mode="points",
        alt=network_text(card, found, board=board, opened=opened),
    )
    if not found.fired:
        st.caption("Click a part to open it below. Pick a Hydra network to see a gate choose.")
    else:
        st.caption(picture_words(card))


def _open_part() -> None:
    if part := clicked(_PICTURE):
        st.session_state[state.PART] = part
        st.session_state[state.SECTION] = state.PARTS_SECTION


def show_answer(inspection: Inspection, log: RouteLog | None) -> None:
    """The five most probable classes, and how far to trust the first."""
    card, found = inspection.card, inspection.found
    (best, probability), *_ = found.top(1)
    st.markdown(f"#### {plain(inspection.class_name(best))}, {100 * probability:.0f} %")
    st.plotly_chart(top5_bars(card, found), key="top5", config=_CHART, alt=answer_text(card, found))
    classes = len(card.class_names)
    if log is None:
        st.caption(
            f"It knows {classes} classes and nothing else. It came without a routes.parquet, so "
            "how often it is right when it is this sure is not known."
        )
        return
    sure = certainty(log, probability)
    record = (
        f"On the {sure.compared} test images of nearest confidence it was{inspection.otherwise} "
        f"right in {sure.right_when_so:.0f}\u00a0%."
    )
    if sure.less_sure_than > _UNSURE:
        surer = f"{sure.less_sure_than:.0f}\u00a0%"
        if sure.less_sure_than > _NEARLY_ALL:
            surer = "all" if sure.less_sure_than == 100 else "more than 99\u00a0%"
        st.warning(
            f"Unsure: it was surer on {surer} of its test images. The picture "
            f"may show none of the {classes} classes, all that it knows. {record}",
            icon=":material/help:",
        )
    else:
        st.caption(f"It knows {classes} classes and nothing else. {record}")
