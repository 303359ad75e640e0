"""The training loss. The paper leaves it open; this is a plain and sound start.

Cross-entropy of the combined logits, plus, for a HydraNet, a weighted cross-entropy of the gate's
scores against the subtask of the true class.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from hydranet.models.hydra import HydraOutput
from hydranet.training.recipe import Recipe


def training_loss(
    output: Tensor | HydraOutput, labels: Tensor, subtask_of_class: Tensor | None, recipe: Recipe
) -> Tensor:
    """A scalar. `output`: logits (B, C), or what a HydraNet returns; `labels`: (B,);
    `subtask_of_class`: (C,), for a HydraNet."""
    logits = output.logits if isinstance(output, HydraOutput) else output
    loss = F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
    if isinstance(output, HydraOutput) and subtask_of_class is not None and recipe.gate_loss:
        scores = output.gate_scores.float()
        loss = loss + recipe.gate_loss * F.cross_entropy(scores, subtask_of_class[labels])
    return loss
