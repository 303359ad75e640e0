"""`hydranet app`: the dashboard."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from hydranet.errors import InputError

_APP = Path(__file__).parents[2] / "app" / "streamlit_app.py"


def app_command(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve on.")] = 8501,
) -> None:
    """Serve the dashboard until interrupted."""
    if find_spec("streamlit") is None:
        raise InputError(
            "The dashboard needs Streamlit, which is not installed. "
            'Install it with: pip install "hydranet-explorer[app]"'
        )
    command = [sys.executable, "-m", "streamlit", "run", str(_APP), "--server.port", str(port)]
    raise typer.Exit(subprocess.call(command))
