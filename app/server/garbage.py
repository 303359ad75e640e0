"""What visitors leave behind is collected now and then, not after every run of a page.

Reference cycles, which tracebacks and frames leave, wait for Python's collector. Streamlit would
have it look through every object of the process at the end of each run, with all threads held up
meanwhile: that took several times as long as the page itself. So `runner.postScriptGC` is off,
what is there before the first visitor is left aside for good, and the rest is looked through every
few seconds.
"""

from __future__ import annotations

import gc
import threading

EVERY_S = 10.0


def collect_in_background(every_s: float = EVERY_S) -> threading.Event:
    """Leave aside what is there now, and collect from time to time what comes later; set the event
    to end that.

    Before the first visitor: what is left aside is never collected.
    """
    gc.collect()
    gc.freeze()
    over = threading.Event()

    def collect() -> None:
        while not over.wait(every_s):
            gc.collect()

    threading.Thread(target=collect, name="garbage", daemon=True).start()
    return over
