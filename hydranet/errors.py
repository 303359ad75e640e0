"""The one error that a person, not a programmer, is meant to read, and what may stand in it."""

from __future__ import annotations


class InputError(ValueError):
    """What was given cannot be used.

    The message is a plain sentence: what must hold, what came, what to do. The command line prints
    it and exits with 2; the pages show it in place of a result. Nothing else is caught by either.
    """


def one_line(words: object) -> str:
    """What a library says of a stranger's file, or the file of itself, as it may stand in a
    message: printable, on one line, at most 200 characters."""
    line = " ".join(str(words).split())
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= 200 else f"{line[:199]}…"
