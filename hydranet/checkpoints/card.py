"""The card of a checkpoint: everything that is known of it, checked on load. Light: no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hydranet.checkpoints.int8_note import Int8Note
from hydranet.config import ArchitectureConfig, DynamicConfig, config_from_json
from hydranet.costs import Costs, count_costs
from hydranet.data.normalisation import Normalisation
from hydranet.errors import InputError
from hydranet.evaluation.metrics import Metrics
from hydranet.routing.policies import GATED, Policy
from hydranet.structure import shown, structure, unique
from hydranet.subtasks import members
from hydranet.training.history import EpochRecord
from hydranet.training.recipe import Recipe

CARD_FORMAT = 1
MOST_TRAININGS = 20
_CARD_BYTES = 4 * 2**20
_LONGEST_CLASS_NAME = 100


def check_class_names(names: Sequence[str], whose: str) -> None:
    """Raise InputError unless a card can hold these names. `whose` begins the sentence."""
    seen: set[str] = set()
    for name in names:
        fits = 0 < len(name) <= _LONGEST_CLASS_NAME and name.isprintable()
        if not fits or name in seen:
            raise InputError(
                f"{whose} must name each class, differently, in at most {_LONGEST_CLASS_NAME} "
                f"characters that can be printed, but one is {shown(name)}."
            )
        seen.add(name)


@dataclass(frozen=True, kw_only=True)
class DataNote:
    """Which images trained, chose and tested; the SHA-256 are `ImageSet.sha256`."""

    name: str
    train_images: int
    validation_images: int
    test_images: int
    train_sha256: str
    test_sha256: str


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where, when and with what the network was trained."""

    created: str
    hardware: str
    threads: int
    versions: dict[str, str]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training that the weights went through before: `name` is that of the checkpoint that it
    gave, `top1` what the checkpoint reached on test images, percent."""

    name: str
    top1: float
    recipe: Recipe
    provenance: Provenance


@dataclass(frozen=True, kw_only=True)
class _CardBody:
    """The part of a card that is read field by field."""

    name: str
    class_names: tuple[str, ...]
    subtask_of_class: tuple[int, ...] | None = None
    normalisation: Normalisation
    data: DataNote
    test: Metrics
    validation: Metrics
    recipe: Recipe
    history: tuple[EpochRecord, ...]
    provenance: Provenance
    weights_sha256: str
    int8: Int8Note | None = None
    before: tuple[Training, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Card(_CardBody):
    """A checkpoint's card.

    `test` metrics are those of the stored weights, read once at the end; `validation` metrics are
    those that choices were made by. `subtask_of_class`: the branch meant for each class, None for a
    static network and for one with many heads, where no gate chooses. `int8`: what that costs it,
    where it has been quantised. `before`: the trainings of the checkpoint that it started from, at
    most the last 20, oldest first; `recipe`, `history` and `provenance` are of its own.

    Examples:
        >>> import hydranet
        >>> card = hydranet.load("hydra_res_d1").card
        >>> card.class_names[0], len(card.subtasks), card.costs.parameters
        ('apple', 20, 1276680)
    """

    architecture: ArchitectureConfig

    def __post_init__(self) -> None:
        classes = self.architecture.num_classes
        if len(self.class_names) != classes:
            raise InputError(
                f"The card names {len(self.class_names)} classes for {classes} outputs."
            )
        check_class_names(self.class_names, "The card")
        if len(self.before) > MOST_TRAININGS:
            raise InputError(
                f"A card tells at most {MOST_TRAININGS} trainings before its own, not "
                f"{len(self.before)}."
            )
        branches, subtasks = self.costs.num_branches, self.subtask_of_class
        if (subtasks is not None) != self.architecture.has_subtasks:
            raise InputError(
                "A card gives subtasks for a HydraNet whose gate chooses, and only for such a one."
            )
        if subtasks is not None and (
            len(subtasks) != classes or not all(0 <= s < branches for s in subtasks)
        ):
            raise InputError(f"The card must give each class one of {branches} subtasks.")
        by_k = [self.test.top1_by_k] + ([self.test.hit_rate_by_k] if subtasks is not None else [])
        if any(len(values) != branches for values in by_k):
            raise InputError(f"The card must give test metrics for k from 1 to {branches}.")

    @cached_property
    def costs(self) -> Costs:
        """Exact parameters and MACs, counted from the architecture."""
        return count_costs(self.architecture)

    @property
    def trainings(self) -> tuple[Training, ...]:
        """All trainings that its weights went through, oldest first, its own last."""
        own = Training(
            name=self.name, top1=self.test.top1, recipe=self.recipe, provenance=self.provenance
        )
        return (*self.before, own)

    @property
    def teacher(self) -> str | None:
        """The last teacher that its weights learned from, or None."""
        taught = [training.recipe.teacher for training in self.trainings if training.recipe.teacher]
        return taught[-1] if taught else None

    @property
    def policy(self) -> Policy:
        """What chooses among the branches; of a static network, as of a HydraNet."""
        architecture = self.architecture
        return architecture.policy if isinstance(architecture, DynamicConfig) else GATED

    @property
    def threshold(self) -> float:
        """How much a branch must be wanted to run, unless a caller says otherwise."""
        architecture = self.architecture
        return architecture.threshold if isinstance(architecture, DynamicConfig) else 0.0

    @property
    def mean_macs(self) -> float:
        """MACs of a test image on average, as the network runs by default. Where branches stand in
        a row it depends on the images how many run, elsewhere it is the same for all."""
        costs = self.costs
        if not self.policy.in_a_row:
            return costs.routed_macs
        each = zip(self.test.branch_load, costs.each, strict=True)
        return costs.always + sum(load * branch.macs for load, branch in each)

    @property
    def subtasks(self) -> list[list[int]]:
        """The classes of each branch's subtask; empty where branches have none."""
        if self.subtask_of_class is None:
            return []
        return members(list(self.subtask_of_class), self.costs.num_branches)

    def to_json(self) -> dict[str, Any]:
        """The whole card as JSON values, costs included for readers of the file."""
        body = asdict(self)
        body["architecture"] = self.architecture.to_json()
        costs = self.costs
        return {
            "format": CARD_FORMAT,
            **body,
            "costs": {"parameters": costs.parameters, "macs": costs.macs_json()},
        }


def read_card(path: Path) -> Card:
    """The card in the file `path`.

    Raises:
        InputError: it is missing, no JSON, of another format, or a field does not fit.
    """
    try:
        if path.stat().st_size > _CARD_BYTES:
            raise InputError(
                f"{path.name} is larger than {_CARD_BYTES >> 20} MiB; that is no card."
            )
        data = json.loads(path.read_bytes(), object_pairs_hook=unique)
    except FileNotFoundError:
        raise InputError(f"{path.name} is missing.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} cannot be read ({error}). Fetch it again.") from None
    return card_from_json(data)


def card_from_json(data: object) -> Card:
    """The card that `Card.to_json` wrote; see `read_card` for errors."""
    if not isinstance(data, dict) or data.get("format") != CARD_FORMAT:
        found = data.get("format") if isinstance(data, dict) else None
        raise InputError(f"The card must have format {CARD_FORMAT}, not {shown(found)}.")
    body = {key: value for key, value in data.items() if key not in ("format", "costs")}
    architecture = config_from_json(body.pop("architecture", None))
    fields = vars(structure(_CardBody, body, "The card"))
    card = Card(architecture=architecture, **fields)
    if data.get("costs") != (counted := card.to_json()["costs"]):
        raise InputError(
            f"The card's costs are not those of its architecture, {counted['parameters']} "
            "parameters; the card or its architecture was changed."
        )
    return card
