"""How long the server works on the page Inspect: first answer, another k, a switched branch.

`python benchmarks/inspect_page.py [ROUNDS] [SECTION]` prints one JSON object: milliseconds of whole
runs of the page's script, driven by Streamlit's AppTest in this process, as median, least and most.
Drawing in the browser and the way there are not in it; making and reading AppTest's own messages
is. `first_ms`: a new session with an image that was not seen before, the network loaded;
`k_ms` and `switch_ms`: every change is to a route that was not run before. Each round starts with
empty caches of results. Nothing else should run meanwhile.
"""

from __future__ import annotations

import io
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from app.cores import kept
from hydranet.machine import hardware, versions

PAGE = Path(__file__).parent.parent / "app" / "page_scripts" / "inspect.py"
KS = (1, 2, 3, 5, 6, 8, 10)


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    section = sys.argv[2] if len(sys.argv) > 2 else "Parts"
    found: dict[str, list[float]] = {"first_ms": [], "k_ms": [], "switch_ms": []}
    _open(section)  # loads what is loaded once: packages, the networks
    for number in range(rounds):
        kept.forget()
        page = _open(section)
        page.file_uploader(key="upload_0").set_value(("noise.png", _picture(number), "image/png"))
        found["first_ms"].append(_run_ms(page))
        for k in KS:
            page.slider(key="k").set_value(k)
            found["k_ms"].append(_run_ms(page))
        for branch in range(len(KS)):
            page.pills(key="off").set_value(list(range(branch + 1)))
            found["switch_ms"].append(_run_ms(page))
    report = {name: _spread(values) for name, values in found.items()}
    about = {"machine": hardware(), "versions": versions(), "section": section, "by": "AppTest"}
    print(json.dumps({**about, "rounds": rounds, **report}))


def _open(section: str) -> AppTest:
    """A new session on the page."""
    page = AppTest.from_file(str(PAGE), default_timeout=120)
    page.query_params["view"] = section
    return page.run()


def _run_ms(page: AppTest) -> float:
    start = time.perf_counter()
    page.run()
    milliseconds = 1000 * (time.perf_counter() - start)
    if page.exception or page.error:
        raise RuntimeError("The page shows an error instead of an answer.")
    return milliseconds


def _picture(seed: int) -> bytes:
    """A photo-sized image that no other round has."""
    small = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(small).resize((1024, 768)).save(buffer, "PNG")
    return buffer.getvalue()


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 1),
        "min": round(min(values), 1),
        "max": round(max(values), 1),
        "n": len(values),
    }


if __name__ == "__main__":
    main()
