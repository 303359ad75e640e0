"""One call of a session after another on the same memory, at the least cost a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, OrtValue


class Calls:
    """Keeps what is bound to a session's inputs and outputs; binds only what changes.

    Binding anew takes about as long as a small graph takes to run. Serves one thread at a time.
    `run()` runs on what is bound.
    """

    def __init__(
        self, session: InferenceSession, bound: Mapping[str, OrtValue] | None = None
    ) -> None:
        self._binding = session.io_binding()
        self.run: Callable[[], None] = partial(session.run_with_iobinding, self._binding)
        self._inputs = {node.name for node in session.get_inputs()}
        self._bound: dict[str, OrtValue] = {}
        for name, value in (bound or {}).items():
            self._binding.bind_ortvalue_input(name, value)

    def bind(self, **values: OrtValue) -> None:
        """From now on read and write these, by the names of the graph's inputs and outputs."""
        for name, value in values.items():
            if self._bound.get(name) is not value:
                if name in self._inputs:
                    self._binding.bind_ortvalue_input(name, value)
                else:
                    self._binding.bind_ortvalue_output(name, value)
                self._bound[name] = value
