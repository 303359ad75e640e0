"""Subtasks: which classes a branch is meant for, and which classes look alike to the network."""

from __future__ import annotations

import streamlit as st

from app.charts.specialise.class_plane import class_plane
from app.charts.specialise.subtask_tree import subtask_tree
from app.charts.specialise.words import together_in_subtasks
from app.datasets import DataSet
from app.views.clicks import clicked
from app.views.specialise import keys
from app.views.specialise.images import show_slice
from app.views.text import plain
from hydranet.evaluation.class_features import ClassFeatures
from hydranet.specialisation import (
    ClassMap,
    RouteTable,
    confusion,
    feature_map,
    score_map,
    superclass_of_names,
)
from hydranet.specialisation.class_map import NEAR

_CHART = {"displaylogo": False, "displayModeBar": False}
_PLANE, _MAP_OF = "class_plane", "class_plane_of"
_BY_FEATURES, _BY_SCORES = "Features", "Gate scores"
_MEANING = {
    _BY_FEATURES: "Each point is a class: the mean of what the output layer sees of its images",
    _BY_SCORES: "Each point is a class: the mean of the gate's scores over its images, which says "
    "what the gate can tell apart",
}


def show_subtasks(data: DataSet) -> None:
    """A sunburst of the classes beside their map, and the images of the class that was clicked."""
    subtasks = data.table.subtask_of_class
    maps = _maps(data)
    if subtasks is None:
        kind = "its branches have no subtasks" if data.table.num_branches else "it is static"
        st.info(f"{plain(data.card.name)} has no subtasks to show: {kind}.")
        _show_plane(data, maps)
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            _show_tree(data, subtasks)
        with right:
            _show_plane(data, maps)
    if keys.cell(data.class_names, data.table.num_branches)[0] is not None:
        st.divider()
        show_slice(data)


def _show_tree(data: DataSet, subtasks: tuple[int, ...]) -> None:
    st.markdown("#### The classes of each subtask")
    groups = superclass_of_names(data.card.class_names)
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


def _maps(data: DataSet) -> dict[str, ClassMap]:
    """What can be drawn of this data set, by name."""
    by_features = None if data.features is None else data.ask(_by_features, data.features)
    found = {_BY_FEATURES: by_features, _BY_SCORES: data.ask(score_map)}
    return {name: drawn for name, drawn in found.items() if drawn is not None}


def _by_features(table: RouteTable, features: ClassFeatures) -> ClassMap | None:
    """As a question to the data set, so that it is answered once."""
    return feature_map(features)


def _show_plane(data: DataSet, maps: dict[str, ClassMap]) -> None:
    st.markdown("#### Classes that look alike to the network")
    if not maps:
        st.caption(
            "There is no map to draw: fewer than five classes have images, or this route log came "
            "without class features."
        )
        return
    name = st.segmented_control(
        "Alike by", list(maps), default=next(iter(maps)), required=True, key=_MAP_OF
    ) if len(maps) > 1 else next(iter(maps))  # fmt: skip
    found, names = maps[name or _BY_FEATURES], data.class_names

    def open_it() -> None:
        if label := clicked(_PLANE):
            keys.put({keys.LABEL: names[int(label)]})
            st.session_state[keys.PAGE] = 1

    keys.fit(keys.LABEL, list(names))
    chosen, _ = keys.cell(names, data.table.num_branches)
    st.plotly_chart(
        class_plane(
            found, names, data.table.subtask_of_class, data.ask(confusion).accuracy, chosen=chosen
        ),
        key=_PLANE, config=_CHART, on_select=open_it, selection_mode="points",
        alt=f"Map of {len(names)} classes, each as large as it is often right.",
    )  # fmt: skip
    numbered = (
        "" if data.table.subtask_of_class is None
        else " Colour and number are those of the subtask's branch."
    )  # fmt: skip
    st.caption(
        f"{_MEANING[name or _BY_FEATURES]}. Only nearness means something (t-SNE): for "
        f"{100 * found.kept:.0f} % of the classes, the class that is nearest in truth is among the "
        f"{NEAR} nearest here. The larger a point, the oftener the class is right.{numbered} "
        "**Click a class** to see its images."
    )
