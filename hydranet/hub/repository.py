"""A checkpoint as a repository of the Hugging Face Hub, by huggingface_hub's own mixin.

The repository holds the checkpoint's files as they are, `config.json` (the architecture; the Hub
counts downloads by that file) and `README.md` (the model card). What comes from it is a stranger's:
it passes the same checks as any checkpoint, and nothing is unpickled.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from huggingface_hub import (
    EvalResult,
    ModelCard,
    ModelCardData,
    ModelHubMixin,
    hf_hub_download,
    snapshot_download,
)

from hydranet.checkpoints import CARD, FILES, Checkpoint, check_files, find_checkpoint
from hydranet.checkpoints.card import read_card
from hydranet.hub.readme import PAPER, card_text

_TASK = "image-classification"


class HubCheckpoint(
    ModelHubMixin,
    library_name="hydranet",
    pipeline_tag=_TASK,
    tags=["hydranet", "dynamic-networks", "conditional-computation"],
    paper_url=PAPER,
):
    """A checkpoint that goes to the Hub and comes from it; `load_model` makes its network."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self._hub_mixin_config = checkpoint.card.architecture.to_json()

    def _save_pretrained(self, save_directory: Path) -> None:
        check_files(self.checkpoint)
        (save_directory / "README.md").unlink(missing_ok=True)  # it belongs to what was here before
        for name in FILES:
            if (file := self.checkpoint.folder / name).is_file():
                shutil.copyfile(file, save_directory / name)
            else:
                (save_directory / name).unlink(missing_ok=True)  # and so does this

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> HubCheckpoint:
        folder = Path(model_id)
        if not folder.is_dir():
            # The card first: weights of what is no checkpoint are not fetched.
            read_card(Path(hf_hub_download(model_id, CARD, **options)))
            folder = Path(snapshot_download(model_id, allow_patterns=list(FILES), **options))
        checkpoint = find_checkpoint(folder.absolute())
        return cls(replace(checkpoint, name=checkpoint.card.name))

    def generate_model_card(
        self, *, repo_id: str | None = None, license: str | None = None
    ) -> ModelCard:
        """README.md, its metadata with it. `license`: an identifier of the Hub, such as mit."""
        card = self.checkpoint.card
        data = ModelCardData(**self._hub_mixin_info.model_card_data.to_dict())
        data.license = license
        data.model_name = card.name
        data.metrics = ["accuracy"]
        data.eval_results = [
            EvalResult(
                task_type=_TASK,
                dataset_type=card.data.name,
                dataset_name=card.data.name,
                dataset_split="test",
                metric_type="accuracy",
                metric_name=name,
                metric_value=value,
            )
            for name, value in (("top-1", card.test.top1), ("top-5", card.test.top5))
        ]
        return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{card_text(card, repo_id)}")
