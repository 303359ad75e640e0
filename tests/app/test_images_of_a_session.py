"""Several images on Inspect, and an address that is about an image. Without a browser."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app.handed_over import roll as roll_module
from app.handed_over.roll import Roll

ROOT = Path(__file__).parents[2] / "app"
PAGE = ROOT / "page_scripts" / "inspect.py"
COFFEE, CAT = ((ROOT / "samples" / f"{name}.jpg").read_bytes() for name in ("coffee", "cat"))
COFFEE_HASH, CAT_HASH = (hashlib.sha256(content).hexdigest() for content in (COFFEE, CAT))


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(buffer, "PNG")
    return buffer.getvalue()


def opened(**address: str) -> AppTest:
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    for name, value in address.items():
        page.query_params[name] = value
    return page.run()


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    next(f for f in page.file_uploader if "upload" in f.key).set_value(
        [(name, content, "image/png") for name, content in files]
    )
    page.run()
    assert not page.exception
    return page


def shown(page: AppTest) -> str | None:
    """The hash in the address."""
    found = page.query_params.get("image")
    return found[0] if isinstance(found, list) else found


def texts(page: AppTest) -> str:
    return " ".join(element.value for element in page.markdown)


# The roll


def test_a_roll_keeps_each_image_once_in_order() -> None:
    roll = Roll()
    added = roll.add([("a.png", png("red")), ("b.png", png("blue")), ("again.png", png("red"))])
    assert not added.refused
    assert [frame.name for frame in roll] == ["a.png", "b.png"]
    assert added.first == hashlib.sha256(png("red")).hexdigest()
    assert roll.open(added.first).image.getpixel((0, 0)) == (255, 0, 0)


def test_a_broken_file_does_not_hold_up_the_others() -> None:
    roll = Roll()
    added = roll.add([("text.png", b"no picture"), ("a.png", png("red")), ("cut.png", b"\x89PNG")])
    assert len(roll) == 1
    assert [sentence.split()[0] for sentence in added.refused] == ["text.png", "cut.png"]
    assert added.first in roll


def test_number_and_size_have_limits_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll_module, "MOST_IMAGES", 2)
    roll = Roll()
    added = roll.add([(f"{c}.png", png(c)) for c in ("red", "blue", "green", "white")])
    assert len(roll) == 2
    assert len(added.refused) == 1
    assert "At most 2 images" in added.refused[0]
    assert "2 files were left out" in added.refused[0]
    monkeypatch.setattr(roll_module, "MOST_IMAGES", 50)
    monkeypatch.setattr(roll_module, "MOST_BYTES", 1)
    assert "1 file was left out" in Roll().add([("a.png", png("red"))]).refused[0]


def test_what_takes_the_place_of_a_removed_image() -> None:
    roll = Roll()
    roll.add([("a.png", png("red")), ("b.png", png("blue"))])
    first, second = (frame.sha256 for frame in roll)
    assert roll.remove(second) == first
    assert roll.remove(first) is None


# The page


def test_several_images_are_stepped_through_and_removed() -> None:
    page = upload(opened(), ("coffee.jpg", COFFEE), ("cat.jpg", CAT), ("x.png", b"no picture"))
    assert len(page.error) == 1
    assert shown(page) == COFFEE_HASH
    assert "2 of 3" in texts(page)
    page.button(key="next").click().run()
    assert shown(page) == CAT_HASH
    assert not page.error, "a sentence about files goes with the next step"
    assert page.button(key="next").disabled
    page.button(key="previous").click().run()
    page.button(key="previous").click().run()
    assert shown(page) is None
    assert "1 of 3: rocket" in texts(page)
    page.button(key="next").click().run()
    page.button(key="remove_image").click().run()
    assert shown(page) == CAT_HASH
    page.button(key="remove_image").click().run()
    assert shown(page) is None
    assert "next" not in [button.key for button in page.button], "nothing is left to step through"


def test_a_sample_photo_can_be_gone_back_to() -> None:
    page = upload(opened(), ("coffee.jpg", COFFEE))
    page.selectbox(key="sample").select("cat").run()
    assert shown(page) is None
    assert "1 of 2: cat" in texts(page)


def test_the_image_is_still_there_when_its_page_is_come_back_to() -> None:
    """A link of the navigation leads to the page without an address of its own."""
    page = upload(opened(), ("coffee.jpg", COFFEE), ("cat.jpg", CAT))
    page.button(key="next").click().run()
    del page.query_params["image"]
    page.session_state["arrived_from_another_page"] = True
    page.run()
    assert shown(page) == CAT_HASH
    page.button(key="remove_image").click().run()
    del page.query_params["image"]
    page.run()
    assert shown(page) == COFFEE_HASH, "which took the place of the one that is gone"
    page.session_state["arrived_from_another_page"] = False
    page.query_params["image"] = COFFEE_HASH
    page.run()
    del page.query_params["image"]
    page.run()
    assert shown(page) is None, "from the page itself one goes to the sample photo"


def test_pasted_images_and_photos_are_taken_in_alike() -> None:
    page = opened()
    page.chat_input(key="paste").upload("image.png", png("red"), "image/png")
    page.run()
    assert not page.exception
    assert shown(page) == hashlib.sha256(png("red")).hexdigest()
    page.camera_input[0].upload("photo.jpg", CAT).run()
    assert not page.exception
    assert shown(page) == CAT_HASH
    assert "3 of 3" in texts(page)


def test_a_name_from_a_file_is_shown_as_text() -> None:
    page = upload(opened(), ("**bold** <b>.png", png("red")))
    assert "**bold**" not in texts(page)


# The address


def test_an_address_about_an_image_that_is_not_here_asks_for_it() -> None:
    page = opened(image=COFFEE_HASH, k="2", threshold="3", view="Parts", part="stem")
    assert not page.exception
    assert not page.get("plotly_chart")
    assert COFFEE_HASH[:12] in page.info[0].value
    assert page.slider(key="k").value == 2
    assert page.query_params["part"] in ("stem", ["stem"]), "nothing is lost while waiting"

    upload(page, ("other name.jpg", COFFEE))
    assert not page.info
    assert page.slider(key="k").value == 2
    assert page.slider(key="threshold").value == 3
    assert page.selectbox(key="part").value == "stem"
    assert shown(page) == COFFEE_HASH


def test_the_same_file_in_another_session_gives_the_same_answer() -> None:
    here = upload(opened(), ("coffee.jpg", COFFEE))
    here.slider(key="k").set_value(2).run()
    # A browser writes k into the address itself; see the journeys there.
    there = opened(image=COFFEE_HASH, k="2")
    upload(there, ("coffee.jpg", COFFEE))
    charts = [[c.proto.spec for c in page.get("plotly_chart")] for page in (here, there)]
    assert charts[0] == charts[1]


def test_another_file_is_shown_with_a_note() -> None:
    page = upload(opened(image=COFFEE_HASH), ("cat.jpg", CAT))
    assert "another image" in page.info[0].value
    assert COFFEE_HASH[:12] in page.info[0].value
    assert shown(page) == CAT_HASH
    upload(page, ("coffee.jpg", COFFEE))
    assert not page.info
    assert shown(page) == COFFEE_HASH, "the awaited one is gone to when it comes"


def test_a_visitor_who_has_not_the_image_can_look_at_the_sample() -> None:
    page = opened(image=COFFEE_HASH, sample="cat")
    next(button for button in page.button if "sample" in button.label).click().run()
    assert page.get("plotly_chart")
    assert shown(page) is None


@pytest.mark.parametrize("hash_", ["", "abc", "<b>", "G" * 64, COFFEE_HASH + "0"])
def test_an_address_with_no_hash_shows_the_sample(hash_: str) -> None:
    page = opened(image=hash_)
    assert not page.exception
    assert page.get("plotly_chart")


def test_a_sample_needs_no_upload() -> None:
    page = opened(sample="cat", k="1", network="hydra_res_d1")
    assert not page.info
    assert page.selectbox(key="sample").value == "cat"
    assert page.get("plotly_chart")


def test_sessions_never_share_images() -> None:
    upload(opened(), ("coffee.jpg", COFFEE))
    assert not opened(image=COFFEE_HASH).get("plotly_chart")
