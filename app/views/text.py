"""Text of strangers, shown as text."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&=^])")
_LINK = re.compile(r"(?i)(?<=:)(?=//)|(?<=w)(?=ww\.)|(?<=@)")
_WORD_JOINER = "\u2060"


def plain(text: str) -> str:
    """`text` with everything escaped that Streamlit's Markdown would act upon.

    Addresses become links even where they are escaped, so in them stands a character that takes no
    room.
    """
    return _SPECIAL.sub(r"\\\1", _LINK.sub(_WORD_JOINER, text))
