"""Watch a page in a real browser until it is drawn: for screenshots and benchmarks.

Drawn means at rest: the script has run, no skeleton stands, and what is seen has not changed for a
while. Needs Playwright, which only the caller imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

PATIENCE_MS = 120_000

# When the visitor last pressed, when a message last came, and when what is seen last changed and
# was painted, in milliseconds since the page began to load.
_WATCH = """(() => {
  const seen = window.seen = {asked: 0, came: 0, changed: 0, pending: false};
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', () => { seen.came = performance.now(); });
    }
  };
  addEventListener('mousedown', () => { seen.asked = performance.now(); }, {capture: true});
  const painted = () => { seen.changed = performance.now(); seen.pending = false; };
  // What stands inside a canvas is for screen readers: a table's cells, which come a while later.
  const inCanvas = c => (c.type === 'childList' ? c.target : c.target.parentElement)
    ?.closest('canvas');
  const isSeen = c => c.target.closest?.('[data-testid=stMain]') && !inCanvas(c);
  new MutationObserver(changes => {
    if (seen.pending || !changes.some(isSeen)) return;
    seen.pending = true;
    requestAnimationFrame(() => setTimeout(painted));
  }).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
})()"""

_AT_REST = """quiet => document.querySelector('[data-test-script-state=notRunning]')
  && !document.querySelector('[data-testid=stSkeleton]') && !seen.pending
  && seen.changed > seen.asked && performance.now() - Math.max(seen.changed, seen.came) > quiet"""


def watch(context: BrowserContext) -> None:
    """From now on every page of the context can be waited for, and has `window.seen`."""
    context.add_init_script(_WATCH)


def wait_until_drawn(page: Page, *, quiet_ms: int = 1000) -> None:
    """Until nothing has changed for so long."""
    page.wait_for_function(_AT_REST, arg=quiet_ms, timeout=PATIENCE_MS)
