"""Where a batch comes from: several files, a ZIP, or the sample photos to begin with."""

from __future__ import annotations

import streamlit as st

from app.batch import MOST_BYTES, MOST_IMAGES, Batch
from app.intake import SAMPLES, sample_names
from app.views.text import plain
from hydranet.intake.images import MAX_BYTES

_BATCH, _INLET, _OWN = "batch", "batch_inlet", "batch_is_own"
_KINDS = ["png", "jpg", "jpeg", "webp", "zip"]


def choose_batch() -> Batch:
    """The batch of this session; the sample photos until the visitor hands something over."""
    number = st.session_state.setdefault(_INLET, 0)
    key = f"batch_upload_{number}"
    st.file_uploader(
        "Your images: many PNG, JPEG or WebP files, or a ZIP of them",
        type=_KINDS,
        accept_multiple_files=True,
        max_upload_size=MAX_BYTES >> 20,
        key=key,
        on_change=_take_from,
        args=(key,),
        help=f"At most {MOST_IMAGES} images and {MOST_BYTES >> 20} MiB at a time. They stay in "
        "this session: nobody else sees them, and they are gone when you close the page.",
    )
    if _BATCH not in st.session_state:
        _begin([(f"{name}.jpg", (SAMPLES / f"{name}.jpg").read_bytes()) for name in sample_names()])
    batch = st.session_state[_BATCH]
    assert isinstance(batch, Batch)
    return batch


def _take_from(key: str) -> None:
    """Make a batch of what the widget holds. It gets a new key, so that it is empty again and the
    files are held once."""
    if files := st.session_state[key]:
        _begin([(file.name, file.getvalue()) for file in files], own=True)
        st.session_state[_INLET] += 1


def _begin(files: list[tuple[str, bytes]], *, own: bool = False) -> None:
    st.session_state[_BATCH] = Batch(files)
    st.session_state[_OWN] = own


def _forget() -> None:
    del st.session_state[_BATCH]


def show_notes(batch: Batch) -> None:
    """What was left out of the batch."""
    for note in batch.notes:
        st.warning(plain(note), icon=":material/info:")
    if not batch.items:
        st.info("There is no image in what you handed over. Choose other files.")


def show_whose() -> None:
    """What the batch is, where it is not the visitor's."""
    if not st.session_state[_OWN]:
        st.caption("To begin with, these are the sample photos. Hand over your own, many at once.")


def show_forget() -> None:
    """A button that forgets the visitor's images."""
    if st.session_state[_OWN]:
        st.button(
            "Forget these images", icon=":material/delete:", type="tertiary", key="forget_batch",
            on_click=_forget,
        )  # fmt: skip
