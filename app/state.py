"""Names of what the address of the page Inspect holds, and the switches of single branches.

Each name is the key of a widget bound to the address; what no widget holds is kept here too.
"""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from hydranet.routing.policies import Policy
from hydranet.routing.switchboard import Switchboard

NETWORK = "network"
SAMPLE = "sample"
IMAGE = "image"
"""Of an image that was handed over, see `looked_at`; no widget holds it."""
K = "k"
THRESHOLD = "threshold"
DOUBT = "doubt"
"""What stands for the threshold where branches stand in a row."""
ON = "on"
OFF = "off"
CLASS = "class"
SECTION = "view"
PART = "part"
WHY = "why"
WHY_BRANCH = "of"
METHOD = "method"
DIAL = "dial"
OTHER = "other"

WHY_SECTION = "Why"
FIRMNESS_SECTION = "How firm"
KEEP_SECTION = "Keep"
PARTS_SECTION = "Parts"
"""The section that a click on the network opens."""

GATE_DECIDES, ALWAYS, NEVER = "gate decides", "always runs", "never runs"
SWITCH = (GATE_DECIDES, ALWAYS, NEVER)
"""Who decides about a branch."""

_CARRIED, _SHOWN = "carried_settings", "shown_settings"
_PAGE, _ARRIVED = "page_now", "arrived_from_another_page"


def held(key: str) -> object:
    """What a widget bound to the address holds, also before it is drawn for the first time."""
    return st.session_state.get(key, st.query_params.get(key))


def carry(settings: dict[str, object]) -> None:
    """Keep settings for the page that the visitor is sent to next: what a widget is bound to cannot
    be put into that page's address from here."""
    st.session_state[_CARRIED] = settings


def take_up() -> None:
    """Set what another page carried here. Before any widget is drawn."""
    for key, value in st.session_state.pop(_CARRIED, {}).items():
        st.session_state[key] = value
        remember(key, value)


def remember(key: str, value: object) -> None:
    """Keep what a widget shows, for `bring_back`."""
    st.session_state.setdefault(_SHOWN, {})[key] = value


def bring_back(key: str) -> None:
    """Set a widget to what the visitor saw on the page that they come from, where the address says
    nothing else: one that an address had set, and nobody touched, would begin anew. Before the
    widget is drawn."""
    shown = st.session_state.get(_SHOWN, {})
    if has_arrived() and key in shown and key not in st.query_params:
        st.session_state[key] = shown[key]


def arrive(page: str) -> None:
    """Note which page is drawn now."""
    st.session_state[_ARRIVED] = st.session_state.get(_PAGE, page) != page
    st.session_state[_PAGE] = page


def has_arrived() -> bool:
    """Whether the visitor came here from another page just now."""
    return bool(st.session_state.get(_ARRIVED))


def fit_to(num_branches: int) -> None:
    """Make k and the switches valid for a network of so many branches, before they are drawn."""
    state = st.session_state
    if (k := state.get(K)) is not None and not 1 <= k <= num_branches:
        state[K] = min(max(int(k), 1), num_branches)
    on = [b for b in state.get(ON) or [] if b < num_branches]
    off = [b for b in state.get(OFF) or [] if b < num_branches and b not in on]
    for key, value in ((ON, on), (OFF, off)):
        if key in state and list(state[key] or []) != value:
            state[key] = value


def switch_of(branch: int) -> str:
    """Who decides about the branch now, one of `SWITCH`."""
    if branch in (st.session_state.get(ON) or []):
        return ALWAYS
    return NEVER if branch in (st.session_state.get(OFF) or []) else GATE_DECIDES


def set_switch(branch: int, switch: str) -> None:
    """Let the gate decide about the branch, or decide for it. Only in a widget's callback."""
    state = st.session_state
    for key, position in ((ON, ALWAYS), (OFF, NEVER)):
        others = [b for b in state.get(key) or [] if b != branch]
        state[key] = sorted([*others, branch]) if switch == position else others


def threshold_of(policy: Policy) -> str:
    """The key of the dial that says how much a branch must be wanted."""
    return DOUBT if policy.in_a_row else THRESHOLD


def set_board(board: Switchboard, policy: Policy) -> None:
    """Put k, the threshold and every switch as `board` has them. Only in a widget's callback."""
    st.session_state[K] = board.k
    st.session_state[threshold_of(policy)] = round(100 * board.threshold)
    st.session_state[ON] = sorted(board.on)
    st.session_state[OFF] = sorted(board.off)


def release(branches: Iterable[int], key: str) -> None:
    """Take branches out of `ON` or `OFF`. Only in a widget's callback."""
    gone = set(branches)
    st.session_state[key] = [b for b in st.session_state.get(key) or [] if b not in gone]
