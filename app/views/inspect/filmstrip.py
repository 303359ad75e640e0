"""The images of this session in a row: click one, or step with the arrow keys.

The buttons beside it hold the keys. Streamlit leaves a key to the field that has the focus, so an
arrow in a slider or a list moves only that.
"""

from __future__ import annotations

import streamlit as st

from app import state
from app.handed_over import looked_at
from app.handed_over.roll import thumbnail
from app.intake import take_sample
from app.views.text import plain

_KEY = "filmstrip"

_CSS = """
.strip { display: flex; gap: 6px; overflow-x: auto; padding: 3px; }
button { flex: none; padding: 0; border: 0; border-radius: 4px; background: none; cursor: pointer;
  outline: 2px solid transparent; outline-offset: 1px; line-height: 0; }
button img { width: 44px; height: 44px; border-radius: 4px; opacity: 0.75;
  box-shadow: 0 0 0 1px rgba(128, 132, 149, 0.35); }
button[aria-pressed=true] { outline-color: var(--st-primary-color); }
button[aria-pressed=true] img, button:hover img { opacity: 1; }
button:focus-visible { outline: 3px solid var(--st-text-color); }
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const strip = parentElement.querySelector(".strip");
  strip.replaceChildren(...data.frames.map((frame) => {
    const button = document.createElement("button");
    const image = document.createElement("img");
    image.src = frame.thumbnail;
    image.alt = frame.name;
    button.type = "button";
    button.title = frame.name;
    button.setAttribute("aria-pressed", String(frame.shown));
    button.onclick = () => setTriggerValue("chosen", frame.id);
    button.append(image);
    return button;
  }));
  const shown = strip.querySelector("[aria-pressed=true]");
  if (shown) strip.scrollLeft = shown.offsetLeft - strip.clientWidth / 2;
}
"""

_strip = st.components.v2.component(
    "filmstrip",
    html='<div class="strip" role="group" aria-label="Images of this session"></div>',
    css=_CSS,
    js=_JS,
)


def show_filmstrip() -> None:
    """The chosen sample photo and the handed-over images; nothing until there is one of these."""
    roll = looked_at.roll()
    if not roll:
        return
    named, sample = looked_at.named(), str(st.session_state[state.SAMPLE])
    hashes: list[str | None] = [None, *(frame.sha256 for frame in roll)]
    names = [f"{sample}, a sample photo", *(frame.name for frame in roll)]
    thumbnails = [_sample_thumbnail(sample), *(frame.thumbnail for frame in roll)]
    place = hashes.index(named) if named in hashes else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _step("Previous", "Left", hashes[place - 1] if place else None, disabled=not place)
        _step(
            "Next", "Right", hashes[((place or 0) + 1) % len(hashes)],
            disabled=place == len(hashes) - 1,
        )  # fmt: skip
        _strip(
            key=_KEY,
            data={
                "frames": [
                    {"id": at, "name": name, "thumbnail": picture, "shown": at == place}
                    for at, (name, picture) in enumerate(zip(names, thumbnails, strict=True))
                ]
            },
            on_chosen_change=lambda: _choose(hashes),
        )
        if place is not None:
            st.markdown(f"{place + 1} of {len(hashes)}: {plain(names[place])}", width="content")
        if named is not None and place is not None:
            st.button(
                "Remove", icon=":material/delete:", type="tertiary", key="remove_image",
                on_click=looked_at.remove, args=(named,), help="Forget this image",
            )  # fmt: skip


def _step(label: str, shortcut: str, sha256: str | None, *, disabled: bool) -> None:
    st.button(
        label, shortcut=shortcut, disabled=disabled, key=label.lower(),
        on_click=looked_at.look_at, args=(sha256,),
    )  # fmt: skip


def _choose(hashes: list[str | None]) -> None:
    """Go to the image that was clicked."""
    chosen = st.session_state[_KEY].chosen
    if isinstance(chosen, int) and 0 <= chosen < len(hashes):
        looked_at.look_at(hashes[chosen])


@st.cache_data(show_spinner=False)
def _sample_thumbnail(name: str) -> str:
    return thumbnail(take_sample(name).image)
