"""Take the screenshots of the README and the docs: every page and every section, a visitor's own
network and data, light and dark; the pages' beginnings narrow, too.

Needs Chromium. Starts the dashboard itself: `make screenshots [ONLY="compare specialise-gate"]`.
"""

from __future__ import annotations

import io
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from app.intake import SAMPLES
from app.outside.looking import wait_until_drawn, watch
from app.outside.serving import CHROMIUM_FLAGS, find_chromium, served
from app.views.compare import keys
from app.views.inspect.sections import SECTIONS
from app.views.specialise.sections import SECTIONS as DATA_SECTIONS
from hydranet.checkpoints import CHECKPOINTS, FILES

FOLDER = Path(__file__).parent / "screenshots"
SIZES = {"wide": (1280, 800), "narrow": (400, 800)}
COLOURS = 256
CHOSEN = ("hydra_res_d2", "resnet56")
OWN_NETWORK = "resnet8"
OWN_LABELS = {"rocket": "rocket", "coffee": "cup", "astronaut": "woman"}
BELOW_NAVIGATION = "e => { e.style.scrollMarginTop = '80px'; e.scrollIntoView(); }"


@dataclass(frozen=True)
class Shot:
    """A page at `path`, after what a visitor does there; `top`: the text that is scrolled to the
    top (None: the page's beginning); `sizes`: of the window."""

    path: str
    top: str | None = None
    act: Callable[[Page, Path], None] | None = None
    sizes: tuple[str, ...] = ("wide",)


def hand_over_network(page: Page, folder: Path) -> None:
    """A checkpoint as a visitor's own, and the field that it was handed over in."""
    path = folder / "my_network.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in FILES:
            archive.write(CHECKPOINTS / OWN_NETWORK / name, f"my_network/{name}")
    page.get_by_role("button", name="Yours").click()
    page.locator("[class*=st-key-own_network_] input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Forget").wait_for()
    page.mouse.move(0, 400)  # away from the button and its hint


def hand_over_images(page: Page, folder: Path) -> None:
    """Crops of sample photos, labelled by their folders."""
    path = folder / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for photo, label in OWN_LABELS.items():
            with Image.open(SAMPLES / f"{photo}.jpg") as image:
                for number in range(20):
                    buffer = io.BytesIO()
                    edge = min(image.size) - 8 * number
                    image.crop((4 * number, 4 * number, edge, edge)).resize((64, 64)).save(
                        buffer, "PNG"
                    )
                    archive.writestr(f"{label}/{number:02}.png", buffer.getvalue())
    page.get_by_role("button", name="Your own data").click()
    page.locator("[class*=st-key-own_images_] input[type=file]").set_input_files(path)
    page.get_by_text("60 images of your photos.zip").wait_for()
    page.keyboard.press("Escape")


def named(text: str) -> str:
    """As part of a file's name."""
    return text.lower().replace(" ", "-")


SHOTS: dict[str, Shot] = {
    "inspect": Shot("/", sizes=("wide", "narrow")),
    "batch": Shot("/batch", sizes=("wide", "narrow")),
    "compare": Shot("/compare", sizes=("wide", "narrow")),
    "specialise": Shot("/specialise", sizes=("wide", "narrow")),
    "inspect-yours": Shot("/", act=hand_over_network),
    "specialise-own-data": Shot("/specialise?show=Images", act=hand_over_images),
    "specialise-class-map": Shot(
        "/specialise?show=Subtasks&label=wolf", "Classes that look alike to the network"
    ),
}
SHOTS |= {
    f"inspect-{named(name)}": Shot(f"/?{urlencode({'view': name})}", "Look closer")
    for name in SECTIONS
}
SHOTS |= {
    f"compare-{named(name)}": Shot(
        f"/compare?{urlencode({keys.SECTION: name, keys.CHOSEN: CHOSEN}, doseq=True)}",
        "Look closer",
    )
    for name in keys.SECTIONS
}
SHOTS |= {
    f"specialise-{named(name)}": Shot(f"/specialise?{urlencode({'show': name})}", "Look at")
    for name in DATA_SECTIONS
}


def main() -> None:
    """Serve, visit every page in every look, and save what is seen as PNG."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("Screenshots need Chromium, which is not installed. Install it and try again.")
    if unknown := set(sys.argv[1:]) - set(SHOTS):
        sys.exit(f"There is no {', '.join(sorted(unknown))}. There are: {', '.join(SHOTS)}.")
    chosen = {name: shot for name, shot in SHOTS.items() if name in (sys.argv[1:] or SHOTS)}
    FOLDER.mkdir(exist_ok=True)
    with served() as dashboard, sync_playwright() as playwright, _folder() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        for scheme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                watch(context)
                for name, shot in chosen.items():
                    if size not in shot.sizes:
                        continue
                    page = context.new_page()
                    page.goto(dashboard.address + shot.path)
                    wait_until_drawn(page)
                    if shot.act:
                        shot.act(page, folder)
                        wait_until_drawn(page)
                    if shot.top:
                        page.get_by_text(shot.top, exact=True).evaluate(BELOW_NAVIGATION)
                        wait_until_drawn(page)
                    _save(page.screenshot(), FOLDER / f"{name}-{scheme}-{size}.png")
                    page.close()
                context.close()
        browser.close()


@contextmanager
def _folder() -> Iterator[Path]:
    """For what is handed over."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _save(png: bytes, path: Path) -> None:
    """With few colours: a third of the bytes. They are spread over all that there are, so that
    none of the page's is far from one of them, rare ones of a small mark included."""
    with Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(
            COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE
        )
        few.save(path, optimize=True)


if __name__ == "__main__":
    main()
