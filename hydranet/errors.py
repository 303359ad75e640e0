"""The one error that a person, not a programmer, is meant to read."""

from __future__ import annotations


class InputError(ValueError):
    """What was given cannot be used.

    The message is a plain sentence: what must hold, what came, what to do. The command line prints
    it and exits with 2; the pages show it in place of a result. Nothing else is caught by either.
    """
