"""The parts of the page Inspect."""

from __future__ import annotations

import numpy as np
import streamlit as st
from PIL import Image

from app.certainty import certainty
from app.charts.answer import cost_bar, gate_score_bars, share_bars, top5_bars
from app.charts.network import network_picture
from app.intake import Intake, sample_names, take_in, take_sample
from app.views.text import plain
from hydranet.card import Card
from hydranet.checkpoints import Checkpoint
from hydranet.errors import InputError
from hydranet.prediction import Prediction
from hydranet.route_log import RouteLog

_CHART = {"displayModeBar": False}
_FIRST = "hydra_res_d1"
_FIRST_SAMPLE = "rocket"
_UNSURE = 60.0
_ENLARGED = 256
_SHOWN = 512


def choose_checkpoint(good: list[Checkpoint]) -> Checkpoint:
    """The network, by name; the address keeps it."""
    by_name = {checkpoint.name: checkpoint for checkpoint in good}
    names = sorted(by_name, key=lambda name: (not by_name[name].card.subtasks, name))
    name = st.selectbox(
        "Network",
        names,
        index=names.index(_FIRST) if _FIRST in names else 0,
        key="network",
        bind="query-params",
    )
    return by_name[name]


def choose_image() -> Intake | None:
    """An uploaded image, or a sample photo; None where neither can be shown."""
    upload = st.file_uploader("Your image: PNG, JPEG or WebP", key="upload")
    names = sample_names()
    sample = st.selectbox(
        "or a sample photo",
        names,
        index=names.index(_FIRST_SAMPLE),
        key="sample",
        disabled=upload is not None,
        bind="query-params",
    )
    try:
        if upload is not None:
            return take_in(upload.getvalue(), upload.name)
        return take_sample(sample)
    except InputError as error:
        refused(str(error))
        return None


def choose_k(card: Card) -> int | None:
    """How many branches fire; None for a static network."""
    costs = card.costs
    if not costs.num_branches:
        return None
    return st.slider(
        "Branches that fire (k)",
        1,
        costs.num_branches,
        costs.k,
        key=f"k_{costs.num_branches}",
        help="The gate scores every branch; the k best-scored ones run.",
    )


def refused(sentence: str) -> None:
    """Why something cannot be shown."""
    st.error(plain(sentence), icon=":material/error:")


def show_image(intake: Intake, found: Prediction) -> None:
    """The image as it came, and the square of pixels that the network sees."""
    side = found.pixels.shape[0]
    enlarged = Image.fromarray(np.asarray(found.pixels)).resize(
        (_ENLARGED, _ENLARGED), Image.Resampling.NEAREST
    )
    picture, pixels = st.columns(2)
    with picture:
        st.image(_small(intake.image), caption="as it came", width="stretch")
    with pixels:
        caption = f"as the network sees it, {side}×{side}"
        st.image(enlarged, caption=caption, width="stretch", output_format="PNG")


def _small(image: Image.Image) -> Image.Image:
    """A copy no larger than is shown: what a browser must fetch."""
    small = image.copy()
    small.thumbnail((_SHOWN, _SHOWN))
    return small


def show_network(card: Card, found: Prediction) -> None:
    """The picture of the network with the route lit."""
    st.plotly_chart(network_picture(card, found), key="network_picture", config=_CHART)
    if found.fired:
        st.caption(
            "Stem and gate always run; the gate picks the branches. Bars: how sure it is of each. "
            "Line width: the weight in the answer. Grey did not run. Hover over a branch for its "
            "subtask, the classes it is meant for."
        )
    else:
        st.caption("Pick a Hydra network to see a gate choose branches.")


def show_answer(card: Card, found: Prediction, log: RouteLog) -> None:
    """The five most probable classes, and how far to trust the first."""
    (best, probability), *_ = found.top(1)
    st.markdown(f"#### {_name(card, best)}, {100 * probability:.0f} %")
    st.plotly_chart(top5_bars(card, found), key="top5", config=_CHART)
    sure = certainty(log, probability)
    classes = len(card.class_names)
    record = (
        f"On the {sure.compared} test images where it was about this sure, it was right in "
        f"{sure.right_when_so:.0f}\u00a0%."
    )
    if sure.less_sure_than > _UNSURE:
        st.warning(
            f"Unsure: surer on {sure.less_sure_than:.0f}\u00a0% of its test images. The picture "
            f"may show none of the {classes} classes, all that it knows. {record}",
            icon=":material/help:",
        )
    else:
        st.caption(f"It knows {classes} classes and nothing else. {record}")


def show_cost(card: Card, found: Prediction) -> None:
    """MACs spent against those of all branches, and milliseconds measured."""
    total = card.costs.all_branches_macs
    spent, time = st.columns(2)
    spent.metric("MACs spent", f"{found.macs / 1e6:.1f} M")
    time.metric("Time, measured", f"{found.timing.median:.1f} ms")
    st.plotly_chart(cost_bar(card, found), key="cost", config=_CHART)
    timing = found.timing
    ran = (
        f"{100 * found.macs / total:.0f} % of the {total / 1e6:.1f} M MACs of all branches. "
        if card.subtasks
        else "All of it runs for every image. "
    )
    st.caption(
        f"{ran}Time: median of {timing.runs} runs on this server, one thread, "
        f"{timing.fastest:.1f} to {timing.slowest:.1f} ms."
    )


def show_details(card: Card, found: Prediction) -> None:
    """Gate scores of all branches, exact shares, and what each fired branch is meant for."""
    scores, shares = st.columns(2, gap="medium")
    with scores:
        st.plotly_chart(gate_score_bars(found), key="gate_scores", config=_CHART)
        st.caption(
            "The fired branches are those with the highest scores. A small step between the last "
            "one that fired and the next means that the gate might as well have chosen another."
        )
    with shares:
        st.plotly_chart(share_bars(card, found), key="shares", config=_CHART)
        (answer, _), (rival, _) = found.top(2)
        st.caption(
            f"Exact, because branches are summed. Where the bar of {_name(card, answer)} is the "
            f"higher one, the branch speaks for it and against {_name(card, rival)}."
        )
    st.markdown("##### What the fired branches are meant for")
    for branch, weight in zip(found.fired, found.weights, strict=True):
        names = ", ".join(_name(card, c) for c in card.subtasks[branch])
        st.markdown(f"**Branch {branch}**, weight {weight:.3f}: {names}")


def _name(card: Card, index: int) -> str:
    """A class's name as it is read, safe in Markdown."""
    return plain(card.class_names[index].replace("_", " "))
