"""Where a visitor hands over a network of their own, beside the list of networks."""

from __future__ import annotations

import streamlit as st

from app.handed_over import own_networks
from app.handed_over.own_network import OwnNetwork
from app.views.notices import refused
from app.views.text import plain
from hydranet.checkpoints.foreign import MOST_BYTES
from hydranet.errors import InputError

_INLET, _REFUSED = "own_network_inlet", "own_network_refused"


def offer_own_network(choose: str | None = None) -> None:
    """A field to hand over a checkpoint, and those that are held.

    `choose`: the key of the widget that is to choose it then.
    """
    number = st.session_state.setdefault(_INLET, 0)
    key = f"own_network_{number}"
    with st.popover("Yours", help="A network of your own"):
        st.file_uploader(
            "A trained network: a ZIP of its folder, or its card.json, its model.safetensors and, "
            "if there is one, its routes.parquet",
            type=["zip", "json", "safetensors", "parquet"],
            accept_multiple_files=True,
            max_upload_size=MOST_BYTES >> 20,
            key=key,
            on_change=_take,
            args=(key, choose),
            help="As `hydranet train` writes them. At most "
            f"{MOST_BYTES >> 20} MiB and {own_networks.MOST_NETWORKS} networks. They stay in this "
            "session: nobody else sees them, and they are gone when you close the page.",
        )
        for network in own_networks.held():
            st.button(
                f"Forget {plain(network.name)}", icon=":material/delete:", type="tertiary",
                key=f"forget_{network.name}", on_click=_forget, args=(network,),
            )  # fmt: skip
    if sentence := st.session_state.get(_REFUSED):
        refused(sentence)


def _take(key: str, choose: str | None) -> None:
    """Take in what the field holds; it gets a new key, so that it is empty again."""
    state = st.session_state
    files = [(file.name, file.getvalue()) for file in state[key] or []]
    if not files:
        return
    state[_INLET] += 1
    try:
        network = own_networks.held().add(files)
    except InputError as error:
        state[_REFUSED] = str(error)
        return
    state[_REFUSED] = None
    if choose is not None:
        state[choose] = network.name


def _forget(network: OwnNetwork) -> None:
    own_networks.held().forget(network)
    st.session_state[_REFUSED] = None
