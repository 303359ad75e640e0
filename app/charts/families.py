"""Families of networks in the six groups that a chart can tell apart by colour.

Colours: Okabe and Ito, "Color Universal Design", 2008, told apart by colour-blind eyes too. Six is
what that palette holds beside black, so small families share a group.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FamilyGroup:
    """`families` as in `PublishedResult.family` and `ArchitectureConfig.family`."""

    name: str
    colour: str
    families: tuple[str, ...]


OTHER = FamilyGroup(
    "Other dynamic",
    "#cc79a7",
    (
        "early-exit",
        "routed",
        "multihead-resnet",
        "multihead-densenet",
        "hydra-ressep",
        "hydra-backbone",
        "early-exit-resnet",
        "moe-vit",
    ),
)

GROUPS = (
    FamilyGroup("Hydra-ResNet", "#0072b2", ("hydra-resnet",)),
    FamilyGroup("ResNet", "#e69f00", ("resnet",)),
    FamilyGroup("Hydra-DenseNet", "#56b4e9", ("hydra-densenet",)),
    FamilyGroup("DenseNet", "#d55e00", ("densenet",)),
    FamilyGroup(
        "Compact static",
        "#009e73",
        ("mobilenetv2", "shufflenetv2", "condensenet", "efficientnet", "ressep", "backbone"),
    ),
    OTHER,
)

_BY_FAMILY = {family: group for group in GROUPS for family in group.families}


def group_of(family: str) -> FamilyGroup:
    """The group of a family; a family that is not listed counts as other."""
    return _BY_FAMILY.get(family, OTHER)
