"""Text of strangers in Plotly figures, whose texts are HTML of a kind."""

from __future__ import annotations


def escaped(text: str) -> str:
    """`text` shown as it is: class names come from files."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def in_lines(words: list[str], a_line: int) -> str:
    """Escaped words with commas, so many of them a line."""
    safe = [escaped(word) for word in words]
    lines = [", ".join(safe[i : i + a_line]) for i in range(0, len(safe), a_line)]
    return ",<br>".join(lines)
