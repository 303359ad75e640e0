"""From an image on another page to the same image on Inspect."""

from __future__ import annotations

import streamlit as st

from app import state
from app.handed_over import looked_at
from app.views.notices import refused
from hydranet.checkpoints import Checkpoint

_INSPECT = "page_scripts/inspect.py"


def open_on_inspect(
    name: str, content: bytes, checkpoint: Checkpoint, settings: dict[str, object] | None = None
) -> None:
    """Hand the image to Inspect, within the session, and go there with this network and settings;
    where it cannot be taken in, say why."""
    added = looked_at.roll().add([(name, content)])
    if added.first is None:
        for sentence in added.refused:
            refused(sentence)
        return
    state.carry({state.NETWORK: checkpoint.name, **(settings or {})})
    st.switch_page(_INSPECT, query_params={state.IMAGE: added.first})
