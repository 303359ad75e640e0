"""Subtasks: which classes a branch is meant for, and which classes the gate treats alike."""

from __future__ import annotations

import streamlit as st

from app.charts.specialise.class_plane import class_plane
from app.charts.specialise.subtask_tree import subtask_tree
from app.charts.specialise.words import together_in_subtasks
from app.datasets import DataSet
from app.views.text import plain
from hydranet.specialisation import class_map, confusion, superclass_of_names

_CHART = {"displaylogo": False, "displayModeBar": False}


def show_subtasks(data: DataSet) -> None:
    """A sunburst of the classes beside their map."""
    if data.table.subtask_of_class is None:
        kind = "its branches have no subtasks" if data.table.num_branches else "it is static"
        st.info(f"{plain(data.card.name)} has no subtasks to show: {kind}.")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        _show_tree(data, data.table.subtask_of_class)
    with right:
        _show_plane(data, data.table.subtask_of_class)


def _show_tree(data: DataSet, subtasks: tuple[int, ...]) -> None:
    st.markdown("#### The classes of each subtask")
    groups = superclass_of_names(data.class_names)
    figure = subtask_tree(data.class_names, subtasks, data.ask(confusion).accuracy, groups)
    if groups is None:
        st.plotly_chart(
            figure, key="subtask_tree", config=_CHART,
            alt=f"Sunburst: {len(set(subtasks))} subtasks inside, their classes outside.",
        )  # fmt: skip
        st.caption("Inside the branch of each subtask, outside its classes. The classes' "
                   "superclasses are not known.")  # fmt: skip
        return
    whole, count, share, chance = together_in_subtasks(groups, subtasks)
    st.plotly_chart(
        figure, key="subtask_tree", config=_CHART,
        alt=f"Sunburst: {count} superclasses inside, then the subtasks that their classes are in, "
        "then the classes.",
    )  # fmt: skip
    st.caption(
        "Inside the superclasses that people gave, then the branches that their classes went to, "
        f"by colour and number, then the classes. {whole} of {count} superclasses lie in one "
        f"subtask; two classes of a superclass share a subtask in {100 * share:.0f} % of cases, "
        f"where chance would give {100 * chance:.0f} %. **Click a superclass** to open it."
    )


def _show_plane(data: DataSet, subtasks: tuple[int, ...]) -> None:
    st.markdown("#### Classes that the gate scores alike")
    found = data.ask(class_map)
    if found is None:
        st.caption("Fewer than three classes have images: there is no map to draw.")
        return
    st.plotly_chart(
        class_plane(found, data.class_names, subtasks), key="class_plane", config=_CHART,
        alt=f"Map of {len(data.class_names)} classes, each with the number of its subtask.",
    )  # fmt: skip
    st.caption(
        "Each point is a class: the mean of the gate's scores over its images, drawn on the two "
        f"axes along which classes differ most ({100 * found.explained.sum():.0f} % of the "
        "variance). Classes that lie close together look alike to the gate. Colour and number are "
        "those of the subtask's branch."
    )
