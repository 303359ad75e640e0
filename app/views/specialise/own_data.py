"""Where a visitor's own data comes from: labelled images, or a route log; by upload, or by a path
where whoever serves allows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app import datasets
from app.handed_over import gone, own_images
from app.handed_over.own_images import OwnImages
from app.server.paths import allowed, allowed_folders
from app.views.notices import refused
from hydranet.errors import InputError

_OWN, _INLET, _REFUSED = "own_data", "own_data_inlet", "own_data_refused"


class OwnLog:
    """A route log: its bytes, or where it lies on this server. `private`: see
    `gone.private_name`."""

    def __init__(self, name: str, content: bytes = b"", path: Path | None = None) -> None:
        self.name, self.content, self.path = name, content, path
        self.private = gone.private_name(self)


def held() -> OwnLog | OwnImages | None:
    """The data of this session, None for the test images of the network."""
    own = st.session_state.get(_OWN)
    assert own is None or isinstance(own, OwnLog | OwnImages)
    return own


def forget() -> None:
    """Go back to the test images."""
    st.session_state[_OWN] = None


def offer() -> None:
    """Fields to hand over images or a log."""
    number = st.session_state.setdefault(_INLET, 0)
    images, log, path = (f"{name}_{number}" for name in ("own_images", "own_log", "own_path"))
    with st.popover("Your own data", icon=":material/upload_file:"):
        st.file_uploader(
            "Labelled images: a ZIP of class folders, or Parquet",
            type=["zip", "parquet"], accept_multiple_files=True, key=images,
            max_upload_size=own_images.MOST_FILE_BYTES >> 20,
            on_change=_take_images, args=(images,),
            help="Folders have the names of the network's classes. A Parquet table has encoded "
            "images in a column img or image, and labels in fine_label or label. At most "
            f"{own_images.MOST_IMAGES:,} images and {own_images.MOST_BYTES >> 20} MiB. They stay "
            "in this session: nobody else sees them, and they are gone when you close the page.",
        )  # fmt: skip
        st.file_uploader(
            "Or a route log, as Parquet", type=["parquet"], key=log,
            max_upload_size=datasets.MOST_BYTES >> 20,
            on_change=_take_log, args=(log,),
            help="Columns as `routes.parquet` of a checkpoint has them; `hydranet route --log` "
            f"writes one of any images. At most {datasets.MOST_BYTES >> 20} MiB and "
            f"{datasets.MOST_ROWS:,} images. It is read with the classes and subtasks of the "
            "network chosen here.",
        )  # fmt: skip
        if folders := allowed_folders():
            st.text_input(
                "Or the path of either on this server", key=path, on_change=_take_path,
                args=(path,), placeholder=f"{folders[0]}/…",
                help="A folder with a folder for each class, a ZIP, a Parquet table of images, or "
                "a route log or its folder. Under: " + ", ".join(map(str, folders)),
            )  # fmt: skip
    if sentence := st.session_state.pop(_REFUSED, None):
        refused(sentence)


def _take_images(key: str) -> None:
    if files := st.session_state[key]:
        _take(lambda: own_images.from_files((file.name, file.getvalue()) for file in files))


def _take_log(key: str) -> None:
    if file := st.session_state[key]:
        _take(lambda: OwnLog(file.name, file.getvalue()))


def _take_path(key: str) -> None:
    if text := st.session_state[key]:
        _take(lambda: _at(allowed(text)))


def _at(path: Path) -> OwnLog | OwnImages:
    """A route log, or images."""
    if datasets.is_log(path):
        return OwnLog(path.name, path=path)
    return own_images.from_path(path)


def _take(make: Callable[[], OwnLog | OwnImages]) -> None:
    """Hold what was handed over. The fields get new keys, so that they are empty again and files
    are held once."""
    try:
        st.session_state[_OWN] = make()
    except InputError as error:
        st.session_state[_REFUSED] = str(error)
    st.session_state[_INLET] += 1
