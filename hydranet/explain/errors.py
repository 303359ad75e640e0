"""What stops an explanation that is not a fault. Light."""

from __future__ import annotations


class Cancelled(Exception):
    """The caller asked for the work to stop; nothing was returned and nothing is left behind."""
