"""Confusion: which classes are taken for which, and whether that stays inside a subtask."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.specialise.confusion_map import MOST_CLASSES, confusion_map
from app.datasets import DataSet
from hydranet.specialisation import Confusion, confusion

_CHART = {"displaylogo": False, "displayModeBar": False}
_WORST = 25


def show_confusion(data: DataSet) -> None:
    """The matrix beside the most frequent confusions."""
    found = data.ask(confusion)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.markdown("#### Which classes are taken for which")
        _show_matrix(data, found)
    with right:
        st.markdown("#### The most frequent confusions")
        table = _worst(data, found)
        st.dataframe(
            table,
            hide_index=True,
            height=640,
            column_config={"% of class": st.column_config.NumberColumn(format="%.1f")},
            alt=f"The {len(table)} most frequent confusions, the most frequent first.",
            key="confusions",
        )


def _show_matrix(data: DataSet, found: Confusion) -> None:
    subtasks, count = data.table.subtask_of_class, len(data.class_names)
    if count <= MOST_CLASSES:
        st.plotly_chart(
            confusion_map(found.counts, data.class_names, subtasks), key="confusion_map",
            config=_CHART,
            alt=f"Matrix of {count} classes against {count} answers, errors only; the table beside "
            "it holds the most frequent ones.",
        )  # fmt: skip
    else:
        st.info(f"The matrix of {count} classes would be too fine to read; the table has the "
                "worst of it.")  # fmt: skip
    if found.inside is None or found.inside_by_chance is None:
        st.caption("Only errors are shown. Branches of this network have no subtasks, so classes "
                   "stand in the order of their numbers.")  # fmt: skip
        return
    st.caption(
        "Only errors are shown, in percent of the class's images; a square stands around the "
        f"classes of each subtask, in its branch's colour. {100 * found.inside:.0f} % of errors "
        "stay inside the subtask (the branch confused its own classes); by chance it would be "
        f"{100 * found.inside_by_chance:.0f} %."
    )


def _worst(data: DataSet, found: Confusion) -> pd.DataFrame:
    """A row for each of the most frequent confusions."""
    errors = found.counts - np.diag(found.counts.diagonal())
    order = np.argsort(-errors, axis=None, kind="stable")[:_WORST]
    labels, answers = np.unravel_index(order[errors.ravel()[order] > 0], errors.shape)
    names, subtasks = data.class_names, data.table.subtask_of_class
    images = found.counts.sum(axis=1)
    table = pd.DataFrame(
        {
            "Class": [names[c] for c in labels],
            "Taken for": [names[c] for c in answers],
            "Images": errors[labels, answers],
            "% of class": 100 * errors[labels, answers] / images[labels],
        }
    )
    if subtasks is not None:
        same = [subtasks[a] == subtasks[b] for a, b in zip(labels, answers, strict=True)]
        table["Subtask"] = ["same" if one else "another" for one in same]
    return table
