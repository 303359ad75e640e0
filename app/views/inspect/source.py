"""Where the image comes from: files, the clipboard, a camera, a sample photo, or an address."""

from __future__ import annotations

import streamlit as st

from app import state
from app.handed_over import looked_at
from app.intake import Intake, sample_names, take_sample
from app.views.notices import refused
from hydranet.intake.images import MAX_BYTES

FIRST_SAMPLE = "rocket"
_INLET = "inlet"
_KINDS = ["png", "jpg", "jpeg", "webp"]
_SHOWN_REFUSALS = 2
_DIGITS = 12


def choose_image() -> Intake | None:
    """The image that the address is about; None where it is not here."""
    number = st.session_state.setdefault(_INLET, 0)
    st.file_uploader(
        "Your images: PNG, JPEG or WebP",
        accept_multiple_files=True,
        max_upload_size=MAX_BYTES >> 20,
        key=f"upload_{number}",
        on_change=_take_from,
        args=(f"upload_{number}",),
        help="Several at once, if you like. They stay in this session: nobody else sees them, and "
        "they are gone when you close the page.",
    )
    with st.container(horizontal=True, gap="small"):
        with st.popover("Paste", icon=":material/content_paste:", width="stretch"):
            st.markdown("Paste an image with Ctrl+V, then press Enter")
            st.chat_input(
                "Paste an image here",
                accept_file="multiple",
                file_type=_KINDS,
                max_upload_size=MAX_BYTES >> 20,
                key="paste",
                on_submit=_take_pasted,
            )
        with st.popover("Camera", icon=":material/photo_camera:", width="stretch"):
            key = f"camera_{number}"
            st.camera_input("Take a photo", key=key, on_change=_take_from, args=(key,))
    names = sample_names()
    sample = st.selectbox(
        "or a sample photo",
        names,
        index=names.index(FIRST_SAMPLE),
        key=state.SAMPLE,
        on_change=looked_at.look_at,
        args=(None,),
        bind="query-params",
    )
    named = looked_at.named()
    if named is None:
        return take_sample(sample)
    return looked_at.roll().open(named) if named in looked_at.roll() else None


def _take_from(key: str) -> None:
    """Move what a widget holds to the roll. The widget gets a new key, so that it is empty again:
    the filmstrip is the one list of images."""
    held = st.session_state[key]
    files = held if isinstance(held, list) else [held] if held is not None else []
    if files:
        looked_at.hand_over((file.name, file.getvalue()) for file in files)
        st.session_state[_INLET] += 1


def _take_pasted() -> None:
    pasted = st.session_state["paste"]
    files = pasted.files if pasted else []
    if files:
        looked_at.hand_over((file.name, file.getvalue()) for file in files)


def show_what_became_of_files() -> None:
    """A sentence for each file that cannot be shown, and a note where the image is not the one
    that the address was about."""
    sentences = looked_at.refused()
    for sentence in sentences[:_SHOWN_REFUSALS]:
        refused(sentence)
    if more := sentences[_SHOWN_REFUSALS:]:
        with st.expander(f"{len(more)} more cannot be shown"):
            for sentence in more:
                refused(sentence)
    if other := looked_at.meant():
        st.info(
            "This is another image than the one the address was about (SHA-256 begins "
            f"{other[:_DIGITS]}).",
            icon=":material/info:",
        )


def ask_for_image() -> None:
    """In place of the picture, where the address is about an image that is not here."""
    named = looked_at.named()
    if named is None:
        return
    st.info(
        f"This address is about an image that is not here (SHA-256 begins {named[:_DIGITS]}). "
        "Upload it to see the same. Images stay with whoever uploaded them; everything else that "
        "the address says is set already.",
        icon=":material/image_search:",
    )
    st.button("Show the sample photo instead", on_click=looked_at.look_at, args=(None,))
