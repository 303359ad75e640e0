"""Whether sign-in is set up as meant. Where it is not, the server does not start.

Streamlit takes a file of secrets that it cannot read for no file at all: a slip of the pen in it
would open a dashboard that was meant for some to everyone.
"""

from __future__ import annotations

import tomllib
from importlib.util import find_spec
from pathlib import Path

from streamlit import config
from streamlit.runtime.secrets import secrets_singleton

from hydranet.errors import InputError

_PACKAGES = ("authlib", "httpx2")
_NEEDED = ("redirect_uri", "cookie_secret")


def check_secrets() -> None:
    """Raise InputError where there are secrets that cannot be read, or sign-in that cannot work."""
    for path in map(Path, config.get_option("secrets.files")):
        if not path.is_file():
            continue
        try:
            tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} cannot be read as TOML ({error}), so it is not known who may see the "
                "dashboard. Correct or remove it."
            ) from None
    if not secrets_singleton.load_if_toml_exists() or "auth" not in secrets_singleton:
        return
    missing = [name for name in _NEEDED if not secrets_singleton["auth"].get(name)]
    if missing:
        raise InputError(
            f"Sign-in needs {' and '.join(missing)} under [auth] in secrets.toml, see "
            "docs/serving.md."
        )
    if absent := [name for name in _PACKAGES if find_spec(name) is None]:
        raise InputError(
            f"Sign-in is set up, but needs {' and '.join(absent)}, which is not installed. "
            'Install it with: pip install "hydranet-explorer[sign-in]"'
        )
