"""Explanations for the page Inspect: kept, estimated, computed, cancelled. Draws nothing.

A result is kept under the weights' hash, the image file's hash, the branches that fired, the target
and the method. What `progress` raises ends the work: Streamlit interrupts a script that way, and
then the core is free again and nothing is kept of what was not finished. Between two batches of the
work others who wait for the core go first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.cores.admission import Turn
from app.cores.computing import admitted, once
from app.cores.kept import Kept
from app.inspection import Inspection
from app.services import Key, key
from app.torch_services import held, needs_torch, network

if TYPE_CHECKING:
    from hydranet.explain.attributions import Attribution
    from hydranet.explain.stability_strip import StabilityStrip
    from hydranet.explain.targets import Target

_Route = tuple[tuple[int, ...], bytes, bytes]
_Asked = tuple[Key, _Route, "Target", str]
_KEPT: Kept[_Asked, Attribution] = Kept(512)
_SECONDS: Kept[tuple[str, str, str, str, int], float] = Kept(256)
_STRIPS: Kept[tuple[Key, str, int | None, float], StabilityStrip] = Kept(64)


def known(
    inspection: Inspection, targets: Sequence[Target], method: str
) -> list[Attribution] | None:
    """The attributions if all of them were computed before."""
    found = [_KEPT.get(_asked(inspection, target, method)) for target in targets]
    done = [attribution for attribution in found if attribution is not None]
    return done if len(done) == len(targets) else None


def explain(
    inspection: Inspection,
    targets: Sequence[Target],
    method: str,
    progress: Callable[[float], None] | None = None,
) -> list[Attribution]:
    """Explain each target on the route of the inspection, one after the other.

    `progress` is told the part that is done, 0 to 1.

    Raises:
        InputError: the network, the image or the route do not have what is to be explained, or a
            package is missing.
    """
    model, x, route = held(inspection)
    from hydranet.explain.attributions import attribute

    found: list[Attribution] = []
    for target in targets:
        asked = _asked(inspection, target, method)
        attribution = _KEPT.get(asked)
        if attribution is None:
            with admitted(long=True) as turn, needs_torch():

                def tell(part: float, turn: Turn = turn) -> None:
                    if progress is not None:
                        progress((len(found) + part) / len(targets))
                    turn.give_way()

                tell(0.0)
                attribution = attribute(model, x, target, method, route=route, progress=tell)
            _KEPT.put(asked, attribution)
        found.append(attribution)
    return found


def estimate_seconds(inspection: Inspection, targets: Sequence[Target], method: str) -> float:
    """How long `explain` would take for what is not yet known, on a core of this server now.

    One batch of each kind of target is timed, once for each network, method and number of branches.

    Raises:
        InputError: where `explain` does.
    """
    missing = [t for t in targets if _KEPT.get(_asked(inspection, t, method)) is None]
    return sum(_estimate(inspection, target, method) for target in missing)


def _estimate(inspection: Inspection, target: Target, method: str) -> float:
    model, x, route = held(inspection)
    from hydranet.explain.attributions import estimate_seconds

    return once(
        _SECONDS,
        (
            inspection.checkpoint.name, inspection.card.weights_sha256, method,
            type(target).__name__, len(inspection.found.fired),
        ),
        lambda: estimate_seconds(model, x, target, method, route=route),
        long=True,
    )  # fmt: skip


def strip(inspection: Inspection, dial: str) -> StabilityStrip:
    """The network on the image at all settings of a dial; k and threshold as on the page.

    Raises:
        InputError: there is no such dial, or a package is missing.
    """
    board = inspection.board
    k, threshold = (None, 0.0) if board is None else (board.k, board.threshold)
    model = network(inspection.checkpoint)
    from hydranet.explain.stability_strip import stability

    def turn_the_dial() -> StabilityStrip:
        with needs_torch():
            return stability(model, inspection.intake.image, dial, k=k, threshold=threshold)

    asked = key(inspection.checkpoint, inspection.intake), dial, k, threshold
    return once(_STRIPS, asked, turn_the_dial, long=True)


def _asked(inspection: Inspection, target: Target, method: str) -> _Asked:
    found = inspection.found  # where every token has its own route, that is what is held
    tokens, weights = (
        b"" if of_tokens is None else of_tokens.tobytes()
        for of_tokens in (found.tokens, found.token_weights)
    )
    route = found.fired, tokens, weights
    return key(inspection.checkpoint, inspection.intake), route, target, method
