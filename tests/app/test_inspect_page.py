"""The page Inspect on the shipped checkpoints, driven without a browser."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app.intake import take_in
from hydranet.checkpoints import CHECKPOINTS, list_checkpoints

PAGE = Path(__file__).parents[2] / "app" / "page_scripts" / "inspect.py"
SAMPLES = Path(__file__).parents[2] / "app" / "samples"


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_file(str(PAGE), default_timeout=60).run()


def charts(page: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def title(page: AppTest) -> str:
    """Of the network picture, which comes first among the charts."""
    return charts(page)[0]["layout"]["title"]["text"]


def cost_row(page: AppTest, start: str) -> list[str]:
    """MACs, time and top-1 of a row of the table of costs."""
    (table,) = (m.value for m in page.markdown if "this route" in m.value)
    (row,) = (line for line in table.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip(" *") for cell in row.strip("|").split("|")[1:]]


def spent(page: AppTest) -> str:
    """MACs of the route, as the table of costs says it."""
    return cost_row(page, "**this route**")[0]


def upload(page: AppTest, content: bytes, name: str = "photo.png") -> AppTest:
    next(f for f in page.file_uploader if "upload" in f.key).set_value((name, content, "image/png"))
    return page.run()


def png(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_every_shipped_checkpoint_is_sound_and_listed(page: AppTest) -> None:
    good, damaged = list_checkpoints(CHECKPOINTS)
    assert not damaged
    assert {"hydra_res_d1", "resnet14"} <= {checkpoint.name for checkpoint in good}
    assert set(page.selectbox(key="network").options) == {checkpoint.name for checkpoint in good}


def test_first_look_shows_route_answer_and_cost(page: AppTest) -> None:
    assert not page.exception
    assert page.selectbox(key="network").value == "hydra_res_d1"
    assert title(page).endswith("of 20 fired")
    assert spent(page) == "26.4\u00a0M"
    answer = charts(page)[1]["data"][0]
    assert len(answer["y"]) == 5
    assert list(answer["x"]) == sorted(answer["x"], reverse=True)


def test_k_changes_the_route_and_the_cost(page: AppTest) -> None:
    page.slider[0].set_value(1).run()
    assert title(page).startswith("Branch ")
    assert spent(page) == "15.8\u00a0M"
    page.slider[0].set_value(20).run()
    assert title(page) == "All 20 branches fired"
    assert spent(page) == "83.1\u00a0M"


def test_a_static_network_is_shown_as_one(page: AppTest) -> None:
    page.selectbox(key="network").select("resnet14").run()
    assert not page.exception
    assert title(page).startswith("A static network")
    assert not page.slider
    assert spent(page) == "26.4\u00a0M"


def test_an_upload_replaces_the_sample(page: AppTest) -> None:
    before = charts(page)[1]["data"][0]["y"]
    upload(page, (SAMPLES / "coffee.jpg").read_bytes(), "coffee.jpg")
    assert not page.exception
    assert charts(page)[1]["data"][0]["y"] != before


def test_images_that_differ_in_one_pixel_never_share_an_answer(page: AppTest) -> None:
    image = Image.new("RGB", (32, 32), "white")
    answers = []
    for colour in ((255, 255, 255), (0, 0, 0)):
        image.putpixel((16, 16), colour)
        upload(page, png(image))
        answers.append(list(charts(page)[1]["data"][0]["x"]))
    assert answers[0] != answers[1]


def test_large_images_that_differ_in_one_pixel_have_two_keys() -> None:
    image = Image.new("RGB", (1200, 1200), "white")
    first = take_in(png(image), "a.png")
    image.putpixel((600, 600), (0, 0, 0))
    assert take_in(png(image), "a.png").sha256 != first.sha256


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.png", b""),
        ("text.png", b"this is no picture"),
        ("cut.png", png(Image.new("RGB", (64, 64), "red"))[:60]),
        ("wide.png", png(Image.new("1", (30_000, 1)))),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("**bold** <b>.png", b"no picture"),
    ],
)
def test_what_cannot_be_shown_gets_one_sentence(page: AppTest, name: str, content: bytes) -> None:
    before = title(page)
    upload(page, content, name)
    assert not page.exception
    assert len(page.error) == 1
    assert title(page) == before, "what was shown stays"
    assert "**bold**" not in page.error[0].value, "a file's name is shown as text"


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "I;16", "1"])
def test_every_kind_of_png_is_answered(page: AppTest, mode: str) -> None:
    upload(page, png(Image.new(mode, (40, 30))))
    assert not page.exception
    assert not page.error
    assert title(page).endswith("fired")


def test_a_damaged_checkpoint_is_left_out_with_its_reason(
    tmp_path: Path, make_checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import services

    make_checkpoint("sound", tmp_path)
    (make_checkpoint("hurt", tmp_path) / "card.json").write_text("{")
    monkeypatch.setattr(services, "list_checkpoints", lambda: list_checkpoints(tmp_path))
    page = AppTest.from_file(str(PAGE), default_timeout=60).run()
    assert not page.exception
    assert page.selectbox(key="network").options == ["sound"]
    assert [w.value for w in page.warning if "hurt" in w.value]
