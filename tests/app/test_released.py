"""What a visitor brought is gone when the session is: images, and what was computed of them."""

from __future__ import annotations

import gc
import hashlib
import io
import weakref
from pathlib import Path

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import services
from app.cores import kept
from app.handed_over import gone, looked_at

PAGE = Path(__file__).parents[2] / "app" / "page_scripts" / "inspect.py"


def png() -> bytes:
    pixels = np.random.default_rng().integers(0, 256, (40, 30, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def mentions(key: object, name: str) -> bool:
    return key == name or (isinstance(key, tuple) and any(mentions(part, name) for part in key))


def kept_of(sha256: str) -> list[object]:
    """All that any page keeps of an image."""
    return [
        key for one in tuple(kept._EVERY) for key in list(one._results) if mentions(key, sha256)
    ]


def test_an_image_and_what_was_computed_of_it_go_with_the_session() -> None:
    content = png()
    sha256 = hashlib.sha256(content).hexdigest()
    page = AppTest.from_file(str(PAGE), default_timeout=180).run()
    page.file_uploader(key="upload_0").set_value([("mine.png", content, "image/png")])
    page.run()
    assert not page.exception
    roll = weakref.ref(page.session_state[looked_at._ROLL])
    assert sha256 in roll()  # type: ignore[operator]
    assert kept_of(sha256)

    del page
    gc.collect()
    gone.settle()
    assert roll() is None
    assert not kept_of(sha256)


def test_the_sample_photos_stay_computed() -> None:
    gc.collect()
    gone.settle()
    page = AppTest.from_file(str(PAGE), default_timeout=180).run()
    assert not page.exception
    before = len(services._EXAMINED)
    del page
    gc.collect()
    gone.settle()
    assert len(services._EXAMINED) == before > 0
