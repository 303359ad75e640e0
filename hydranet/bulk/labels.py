"""The classes of a network by the labels that came with images. Light.

A label that is a name is a class of that name; upper and lower case, spaces, hyphens and
underscores count alike unless that leaves two classes to choose from. A number, from a table whose
schema does not name its classes, is the network's class of that number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_SHOWN = 5
_BETWEEN = re.compile(r"[\s_\-]+")


class Labels:
    """Finds the class of each label, and counts what it found.

    `matched`, `unmatched`: images of each label that is, or is not, a class; `without`: images that
    came without a label, which whoever reads them counts.
    """

    def __init__(self, class_names: Sequence[str]) -> None:
        self._count = len(class_names)
        self._exact = {name: index for index, name in enumerate(class_names)}
        alike = Counter(map(_bare, class_names))
        self._alike = {
            _bare(name): index for index, name in enumerate(class_names) if alike[_bare(name)] == 1
        }
        self.matched: Counter[str | int] = Counter()
        self.unmatched: Counter[str | int] = Counter()
        self.without = 0

    def find(self, label: str | int | None) -> int | None:
        """The class by number, or None; labels are counted."""
        if label is None:
            return None
        if isinstance(label, int):
            found = label if 0 <= label < self._count else None
        else:
            found = self._exact.get(label, self._alike.get(_bare(label)))
        (self.unmatched if found is None else self.matched)[label] += 1
        return found

    def sentences(self, network: str) -> list[str]:
        """How labels were understood, and what was left out for its label."""
        lines = []
        names = [label for label in self.matched if isinstance(label, str)]
        numbers = [label for label in self.matched if isinstance(label, int)]
        if names:
            lines.append(
                f"{len(names):,} of {len(names) + len(self.unmatched):,} labels are names of "
                f"classes of {network}; upper and lower case, spaces, hyphens and underscores "
                "count alike."
            )
        if numbers:
            lines.append(
                "The table gives its labels as numbers without names, so they are taken as the "
                f"class numbers of {network}, from 0 to {self._count - 1}."
            )
        if self.unmatched:
            first = ", ".join(f"{label} ({n:,})" for label, n in self.unmatched.most_common(_SHOWN))
            more = len(self.unmatched) - _SHOWN
            rest = f" and {more:,} other labels" if more > 0 else ""
            lines.append(
                f"Left out: {_images(self.unmatched.total())} with a label that is no class of "
                f"{network}: {first}{rest}."
            )
        if self.without:
            lines.append(
                f"Left out: {_images(self.without)} without a label. Put the images of each class "
                "into a folder of its name."
            )
        return lines


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"


def _bare(name: str) -> str:
    return _BETWEEN.sub("_", name.strip()).casefold()
