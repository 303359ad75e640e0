"""Distillation: what a trained teacher thinks of an image, as a target beside its label.

Two losses, each with the settings that its paper trains CIFAR-100 with:

"dkd", decoupled knowledge distillation: Zhao, Cui, Song, Qiu, Liang, "Decoupled Knowledge
Distillation", CVPR 2022, section 3; T = 4, alpha = 1, beta = 8, and a linear warm-up over the first
twelfth of training (20 of 240 epochs there).

"standardised", logit standardisation: Sun, Ren, Li, Wang, Cao, "Logit Standardization in Knowledge
Distillation", CVPR 2024, section 4; T = 2, weight 9. Its authors weigh the labels by 0.1 (here
`label_loss` of the recipe).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from hydranet.checkpoints.card import Card
from hydranet.config import ArchitectureConfig
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError
from hydranet.executions.stacked import can_stack
from hydranet.models.dynamic import DynamicNetwork, DynamicOutput
from hydranet.models.network import Network
from hydranet.training.backend import autocast, compile_in_place, settle
from hydranet.training.recipe import Recipe

DKD_TEMPERATURE, DKD_TARGET, DKD_OTHERS, DKD_WARMUP = 4.0, 1.0, 8.0, 1 / 12
STANDARDISED_TEMPERATURE, STANDARDISED_WEIGHT = 2.0, 9.0


@dataclass(frozen=True)
class Teacher:
    """A trained network that says what it thinks of the student's batches.

    It runs in eval mode and without gradients. `scale` and `shift`, (3, 1, 1): from images as the
    student's are normalised to images as the teacher's were.
    """

    model: Network
    scale: Tensor
    shift: Tensor
    recipe: Recipe

    def logits(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) as the student sees them → (B, C) float32."""
        with torch.no_grad(), autocast(self.recipe, images.device):
            seen = images * self.scale + self.shift
            if isinstance(self.model, DynamicNetwork):
                execution = _fixed(self.model) if images.device.type == "cuda" else "eager"
                output = self.model(seen, execution=execution)
            else:
                output = self.model(seen)
        return (output.logits if isinstance(output, DynamicOutput) else output).float()


def _fixed(model: DynamicNetwork) -> str:
    """The execution in fixed shapes, for a step that is recorded."""
    return "buckets" if can_stack(model.branches) else "reference"


def check_teacher(
    config: ArchitectureConfig, card: Card | None, class_names: tuple[str, ...], image_size: int
) -> None:
    """Raise InputError where a teacher knows other classes than the student, or images of another
    size."""
    if config.num_classes != len(class_names):
        raise InputError(
            f"The teacher must have the student's {len(class_names)} classes, but it has "
            f"{config.num_classes}. Choose a checkpoint trained on the same data set."
        )
    if card is not None and card.class_names != class_names:
        raise InputError(
            f"The teacher must have the student's classes in the same order, but {card.name} "
            f"was trained on those of {card.data.name}. Choose another checkpoint."
        )
    if config.image_size != image_size:
        raise InputError(
            f"The teacher must take images of the student's size, {image_size} pixels, but it "
            f"takes {config.image_size}. Choose another checkpoint or --image-size."
        )


def prepare_teacher(
    model: Network,
    *,
    recipe: Recipe,
    class_names: tuple[str, ...],
    image_size: int,
    normalisation: Normalisation,
    device: torch.device,
) -> Teacher:
    """A teacher of `model`, in place, for a student with these classes, images and normalisation.

    `recipe`: the student's; its "auto" is settled for the teacher, so that a teacher which gains
    from compiling is compiled though the student is not.

    Raises:
        InputError: the teacher knows other classes, or images of another size.
    """
    check_teacher(model.config, model.card, class_names, image_size)
    settled = settle(recipe, model, device)
    model.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
    if settled.compile == "on":
        compile_in_place(model)
    own = normalisation if model.card is None else model.card.normalisation
    mean, std, own_mean, own_std = (
        torch.tensor(values, dtype=torch.float64, device=device).view(3, 1, 1)
        for values in (normalisation.mean, normalisation.std, own.mean, own.std)
    )
    scale, shift = std / own_std, (mean - own_mean) / own_std
    return Teacher(model, scale.float(), shift.float(), settled)


def distillation_loss(
    student: Tensor, teacher: Tensor, labels: Tensor, recipe: Recipe, *, done: float | Tensor
) -> Tensor:
    """The loss that the recipe names, with its paper's weights: a scalar.

    `student`, `teacher`: logits (B, C); `labels`: (B,); `done`: share of training that is done,
    for the warm-up, a number or a scalar on the device.
    """
    if recipe.distillation == "dkd":
        begun = done / DKD_WARMUP
        share = begun.clamp(max=1.0) if isinstance(begun, Tensor) else min(begun, 1.0)
        return share * dkd_loss(student, teacher, labels)
    return STANDARDISED_WEIGHT * standardised_loss(student, teacher)


def dkd_loss(student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
    """alpha · T² · KL(b_teacher ‖ b_student) + beta · T² · KL(q_teacher ‖ q_student).

    With p = softmax(logits / T): b = (p_label, 1 − p_label) says how sure a network is of the true
    class, q = the softmax over the other classes alone which of them it likes. Plain distillation
    would weigh the second term by 1 − p_label of the teacher, and so lose it where the teacher is
    sure.
    """
    others = torch.arange(student.shape[1] - 1, device=labels.device)  # (C - 1,)
    others = others + (others >= labels[:, None])  # (B, C - 1): all classes but the true one

    def split(logits: Tensor) -> tuple[Tensor, Tensor]:
        """log b, (B, 2), and log q, (B, C - 1)."""
        log_p = (logits / DKD_TEMPERATURE).log_softmax(dim=1)
        rest = log_p.gather(1, others)
        log_b = torch.stack([log_p.gather(1, labels[:, None])[:, 0], rest.logsumexp(dim=1)], dim=1)
        return log_b, rest.log_softmax(dim=1)

    (student_b, student_q), (teacher_b, teacher_q) = split(student), split(teacher)
    target, non_target = _divergence(student_b, teacher_b), _divergence(student_q, teacher_q)
    return DKD_TEMPERATURE**2 * (DKD_TARGET * target + DKD_OTHERS * non_target)


def standardised_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """T² · KL(softmax(z_teacher / T) ‖ softmax(z_student / T)), z = (logits − mean) / deviation.

    Mean and deviation over the classes of one image: the student need not match the range of the
    teacher's logits, only their relations.
    """
    temperature = STANDARDISED_TEMPERATURE
    log_student, log_teacher = (
        (_standardise(logits) / temperature).log_softmax(dim=1) for logits in (student, teacher)
    )
    return temperature**2 * _divergence(log_student, log_teacher)


def _standardise(logits: Tensor) -> Tensor:
    """(B, C) → each row with mean 0 and deviation 1."""
    centred = logits - logits.mean(dim=1, keepdim=True)
    return centred / (logits.std(dim=1, keepdim=True) + 1e-7)


def _divergence(log_student: Tensor, log_teacher: Tensor) -> Tensor:
    """KL(teacher ‖ student), averaged over the batch."""
    return F.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)
