"""`hydranet push` and `hydranet fetch`: checkpoints to and from the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hydranet.cli.shared import JsonOption, RootOption, checkpoints_root, print_json
from hydranet.errors import InputError

CheckpointArgument = Annotated[str, typer.Argument(help="Name of a checkpoint, or its folder.")]


def push_command(
    checkpoint: CheckpointArgument,
    repo: Annotated[str | None, typer.Argument(help="Repository on the Hub: user/name.")] = None,
    to: Annotated[
        Path | None, typer.Option(help="Write the repository's files into this folder instead.")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="If the repository is made now: not for all to see.")
    ] = False,
    license: Annotated[
        str | None, typer.Option(help="Of the weights, by the Hub's identifiers, such as mit.")
    ] = None,
    json: JsonOption = False,
    checkpoints: RootOption = None,
) -> None:
    """Upload a checkpoint, with a model card made from its card, to the Hugging Face Hub."""
    from hydranet.hub import push_to_hub, save_pretrained

    if (repo is None) == (to is None):
        raise InputError("Name either a repository of the Hub, such as user/name, or --to FOLDER.")
    if to is not None and private:
        raise InputError("--private is for a repository of the Hub; with --to, leave it out.")
    root = checkpoints_root(checkpoints)
    if to is not None:
        where = str(save_pretrained(checkpoint, to, license=license, root=root))
    else:
        assert repo is not None, "one of the two was given"
        where = push_to_hub(checkpoint, repo, private=private or None, license=license, root=root)
    if json:
        print_json({"checkpoint": checkpoint, "at": where})
    else:
        print(f"{checkpoint}: {where}")


def fetch_command(
    source: Annotated[
        str, typer.Argument(help="Repository on the Hub, user/name, or a folder with its files.")
    ],
    name: Annotated[str | None, typer.Option(help="Name of the checkpoint here; its own.")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit.")] = None,
    json: JsonOption = False,
    checkpoints: RootOption = None,
) -> None:
    """Put a checkpoint of the Hugging Face Hub among those that commands and pages know."""
    from hydranet.hub import fetch_checkpoint

    root = checkpoints_root(checkpoints)
    found = fetch_checkpoint(source, name=name, revision=revision, root=root)
    if json:
        print_json({"checkpoint": found.name, "folder": str(found.folder)})
    else:
        print(f"{found.folder}: top-1 {found.card.test.top1:.2f} % on {found.card.data.name}.")
