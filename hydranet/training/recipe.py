"""Every setting of a training run, in one place; the card of a checkpoint stores it whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hydranet.errors import InputError
from hydranet.structure import structure

EXECUTIONS = ("auto", "fired", "all", "grouped", "buckets")
PRECISIONS = ("auto", "float32", "bfloat16")
SWITCHES = ("auto", "on", "off")
SUBTASKS = ("clusters", "superclasses", "random")
GATE_TARGETS = ("subtask", "teacher")
DISTILLATIONS = ("dkd", "standardised")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained. One recipe serves static networks and HydraNets.

    Optimiser: SGD with Nesterov momentum, rate rising linearly over `warmup` (a share of all steps)
    to `learning_rate` and falling linearly to 0; `weight_decay` on matrices and kernels only.

    `gate_loss`: weight of the gate's cross-entropy against the subtask of the true class.
    `subtasks`: "clusters" (balanced clusters of class features of `start`), "superclasses" (the
    data set's own), or "random". `start`: checkpoint of the static network that a HydraNet begins
    as a copy of, or of the same network, from which it goes on; or None. `execution`: "fired"
    computes only the branches that fired, "all" computes all and masks, "grouped" does so with one
    grouped convolution for all branches, "buckets" computes those that fired in fixed shapes, see
    `hydranet.executions.buckets`. `execution`, `precision` and `compile`: "auto" is settled at the
    start.
    `validation_images` are held out of the training split for choices: a tenth of it, at most
    2,000, unless said; none where the data set has a validation split of its own.
    `teacher`: checkpoint of a static network or HydraNet to learn from, or None; `distillation`:
    how, see `training/distillation.py`; `distillation_weight`: times what its paper weighs it by;
    `label_loss`: weight of the cross-entropy against the labels beside it. `gate_targets`: what the
    gate learns, the "subtask" of the true class, or how probable the "teacher" finds each subtask.
    `warmup_all_branches`: epochs at the start in which all branches run for every image.
    `branch_loss`, `load_balance`: weights of the losses of that name in `training/losses.py`.
    `freeze_trunk`: epochs at the start in which a HydraNet's stem stays as it is, batch norm too.
    `erase`: side in pixels of the square that is erased from each training image, 0 for none.
    `cutmix`: share of the training images into which a patch of another one is pasted, at most half
    of the image; the labels then count by area, a teacher says what it thinks of what it sees.
    `dirichlet`: concentration of the draw that weighs the images of each head of a multi-head
    network, once for the whole run; 0 for equal weights.
    `clip_norm`: the longest gradient of all parameters together, longer ones are shortened to it;
    0 for none. It holds the strong loss of a teacher together with a high learning rate.
    """

    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 0.2
    warmup: float = 0.15
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    gate_loss: float = 0.5
    subtasks: str = "clusters"
    start: str | None = None
    execution: str = "auto"
    precision: str = "auto"
    compile: str = "auto"
    validation_images: int | None = None
    seed: int = 0
    teacher: str | None = None
    distillation: str = "dkd"
    distillation_weight: float = 1.0
    label_loss: float = 1.0
    gate_targets: str = "subtask"
    warmup_all_branches: int = 0
    branch_loss: float = 0.0
    load_balance: float = 0.0
    freeze_trunk: int = 0
    dirichlet: float = 0.0
    erase: int = 0
    clip_norm: float = 0.0
    cutmix: float = 0.0

    def __post_init__(self) -> None:
        _check_choice("subtasks", self.subtasks, SUBTASKS)
        _check_choice("execution", self.execution, EXECUTIONS)
        _check_choice("precision", self.precision, PRECISIONS)
        _check_choice("compile", self.compile, SWITCHES)
        _check_choice("distillation", self.distillation, DISTILLATIONS)
        _check_choice("gate_targets", self.gate_targets, GATE_TARGETS)
        if self.gate_targets == "teacher" and self.teacher is None:
            raise InputError(
                "gate_targets must be subtask where there is no teacher, not 'teacher'. Name a "
                "teacher's checkpoint."
            )
        for name in ("epochs", "batch_size"):
            _check_whole(name, getattr(self, name), 1, 10**9)
        if self.validation_images is not None:
            _check_whole("validation_images", self.validation_images, 1, 10**9)
        for name in ("warmup_all_branches", "freeze_trunk", "erase"):
            _check_whole(name, getattr(self, name), 0, 10**9)
        _check_whole("seed", self.seed, 0, 2**32 - 1)
        for name in ("momentum", "label_smoothing", "warmup", "cutmix"):
            _check_number(name, getattr(self, name), 0, 1)
        for name in (
            "learning_rate", "weight_decay", "gate_loss", "distillation_weight", "label_loss",
            "branch_loss", "load_balance", "dirichlet", "clip_norm",
        ):  # fmt: skip
            _check_number(name, getattr(self, name), 0, 1000)

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of step `step` (from 0) of `steps`: a triangle that ends at 0."""
        peak = max(self.warmup * steps, 1e-9)
        done = step + 1
        share = done / peak if done < peak else (steps - step) / max(steps - peak, 1.0)
        return self.learning_rate * min(share, 1.0)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: object) -> Recipe:
        """The recipe that `to_json` wrote.

        Raises:
            InputError: a field is unknown or out of range.
        """
        return structure(cls, data, "The recipe")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}, not {value!r}.")


def _check_whole(name: str, value: object, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")


def _check_number(name: str, value: object, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]  # number checks the type
        raise InputError(f"{name} must be a number from {low} to {high}, not {value!r}.")
