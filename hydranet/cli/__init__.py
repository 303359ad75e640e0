"""The command line: `hydranet …`, and `python -m hydranet …`.

Every command takes `--json` and then prints one JSON object to standard output and nothing else.
Errors go to standard error; bad input exits with 2. One file a command beside this one.
"""

from __future__ import annotations

import atexit
import gc
import sys
from typing import Annotated

import typer

from hydranet import __version__
from hydranet.cli.app import app_command
from hydranet.cli.bench import bench_command
from hydranet.cli.evaluate import evaluate_command
from hydranet.cli.hub import fetch_command, push_command
from hydranet.cli.models import models_command
from hydranet.cli.predict import predict_command
from hydranet.cli.quantise import quantise_command
from hydranet.cli.route import route_command
from hydranet.cli.shards import shards_command
from hydranet.cli.subtasks import subtasks_command
from hydranet.cli.train import train_command
from hydranet.errors import InputError
from hydranet.optional import in_words

cli = typer.Typer(
    help="HydraNets: networks of which each input runs only a part.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.command("models")(models_command)
cli.command("predict")(predict_command)
cli.command("train")(train_command)
cli.command("evaluate")(evaluate_command)
cli.command("route")(route_command)
cli.command("shards")(shards_command)
cli.command("subtasks")(subtasks_command)
cli.command("quantise")(quantise_command)
cli.command("push")(push_command)
cli.command("fetch")(fetch_command)
cli.command("bench")(bench_command)
cli.command("app")(app_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@cli.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """What stands before a command."""


def main() -> None:
    """Run the command line; InputError becomes a sentence and exit code 2."""
    atexit.register(gc.freeze)  # else Python looks through all that was loaded before it ends
    try:
        cli()
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if (said := in_words(error)) is None:
            raise
        print(said, file=sys.stderr)
        sys.exit(2)
