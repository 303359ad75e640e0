"""Checkpoints to and from the Hugging Face Hub; what is light about it needs no torch.

`hydranet/hub/repository.py` holds the mixin. huggingface_hub is imported when one of these is
called, and where it is missing a sentence says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hydranet.checkpoints import (
    CARD,
    CHECKPOINTS,
    FILES,
    Checkpoint,
    check_files,
    find_checkpoint,
    is_free,
    load_model,
    replaced_folder,
)
from hydranet.errors import InputError
from hydranet.files import write_whole
from hydranet.hub.errors import hub_errors_said

if TYPE_CHECKING:
    from hydranet.hub.repository import HubCheckpoint
    from hydranet.models import Network


def from_pretrained(
    repo_or_folder: str | Path,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Network:
    """The network in a repository of the Hugging Face Hub, or in a folder that was one.

    `repo_or_folder`: such as "user/name". `revision`: a branch, tag or commit of it; the others are
    huggingface_hub's own. The network is as from `hydranet.load`: in eval mode, with its `.card`.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = save_pretrained("resnet8", folder)
        ...     model = from_pretrained(folder)
        >>> model.card.name
        'resnet8'

    Raises:
        InputError: huggingface_hub is not installed, there is no such repository, it cannot be
            reached, or what it holds is no sound checkpoint.
    """
    found = find_pretrained(
        repo_or_folder,
        revision=revision,
        token=token,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
    )
    return load_model(found)


def find_pretrained(
    repo_or_folder: str | Path,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Checkpoint:
    """The checkpoint of `from_pretrained`, in the folder that it was fetched to; no torch."""
    mixin = _mixin()
    with hub_errors_said(str(repo_or_folder)):
        return mixin.from_pretrained(
            repo_or_folder,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        ).checkpoint


def fetch_checkpoint(
    repo_or_folder: str | Path,
    *,
    name: str | None = None,
    revision: str | None = None,
    root: Path = CHECKPOINTS,
) -> Checkpoint:
    """Put the checkpoint of `find_pretrained` among those under `root`, as `name` or its own.

    Raises:
        InputError: where `find_pretrained` does, a name that is no folder's, one that stands there
            already, or a folder that cannot be written.
    """
    found = find_pretrained(repo_or_folder, revision=revision)
    check_files(found)
    name = found.name if name is None else name
    if not name or Path(name).name != name or name.startswith("."):
        raise InputError(f"A checkpoint's name must be that of one folder, not {name!r}.")
    if not is_free(root / name):
        raise InputError(
            f"There is a checkpoint {name!r} in {root} already. Remove it, or give the new one "
            "another name with --name."
        )
    with replaced_folder(root, name) as part:
        for file in FILES:
            if (found.folder / file).is_file():
                write_whole(part / file, (found.folder / file).read_bytes())
    return find_checkpoint(name, root)


def save_pretrained(
    name_or_folder: str | Path,
    folder: str | Path,
    *,
    license: str | None = None,
    root: Path = CHECKPOINTS,
) -> Path:
    """Write into `folder` what `push_to_hub` would upload; returns `folder`.

    That is the checkpoint, the architecture as config.json, and the model card as README.md.

    Raises:
        InputError: huggingface_hub is not installed, there is no such checkpoint, it is damaged, or
            the folder cannot be written, is the checkpoint's own, or holds a README.md of
            something else.
    """
    mixin, checkpoint = _mixin(), find_checkpoint(name_or_folder, root)
    folder = Path(folder)
    if folder.resolve() == checkpoint.folder.resolve():
        raise InputError(
            f"{folder} is the checkpoint's own folder, and what is written must stand elsewhere. "
            "Choose another folder."
        )
    if (folder / "README.md").exists() and not (folder / CARD).exists():
        raise InputError(
            f"{folder} must be new or hold a checkpoint, for its README.md would be replaced, but "
            "the one there is of something else. Choose another folder."
        )
    try:
        mixin(checkpoint).save_pretrained(folder, model_card_kwargs={"license": license})
    except OSError as error:
        raise InputError(
            f"{folder} could not be written ({error.strerror}). Choose another folder."
        ) from None
    return folder


def push_to_hub(
    name_or_folder: str | Path,
    repo_id: str,
    *,
    private: bool | None = None,
    license: str | None = None,
    token: str | None = None,
    root: Path = CHECKPOINTS,
) -> str:
    """Upload a checkpoint to the Hugging Face Hub; returns the address of the commit.

    The repository is made if it is not there. The card goes with it: class names, data set's name,
    settings and hardware become as public as the repository. `token`: that of `hf auth login`
    unless given.

    Raises:
        InputError: huggingface_hub is not installed, there is no such checkpoint, it is damaged, or
            the Hub cannot be reached or refuses.
    """
    mixin, checkpoint = _mixin(), find_checkpoint(name_or_folder, root)
    # what an earlier checkpoint left in the repository, and this one does not have
    lacking = [name for name in FILES if not (checkpoint.folder / name).is_file()]
    with hub_errors_said(repo_id):
        return mixin(checkpoint).push_to_hub(
            repo_id,
            private=private,
            token=token,
            commit_message=f"{checkpoint.card.name}, trained {checkpoint.card.provenance.created}",
            delete_patterns=lacking,
            model_card_kwargs={"license": license, "repo_id": repo_id},
        )


def _mixin() -> type[HubCheckpoint]:
    try:
        from hydranet.hub.repository import HubCheckpoint
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("huggingface_hub"):
            raise
        raise InputError(
            "The Hugging Face Hub needs the package huggingface_hub, which is not installed. "
            "Install it with: pip install 'hydranet-explorer[hub]'"
        ) from None
    return HubCheckpoint
