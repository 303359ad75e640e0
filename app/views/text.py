"""Text of strangers, shown as text."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")


def plain(text: str) -> str:
    """`text` with everything escaped that Streamlit's Markdown would act upon."""
    return _SPECIAL.sub(r"\\\1", text)
