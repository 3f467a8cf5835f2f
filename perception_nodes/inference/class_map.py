"""Other names for a model's classes: what a network tells apart may be one for the robot."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

UNLABELLED_NAME = 'unlabelled'
"""A class renamed to this becomes 255: the robot is told nothing about it."""


@dataclass(frozen=True, kw_only=True)
class ClassMap:
    """
    Which classes of a model make up each class of the robot.

    :param names: the robot's classes in the order of their numbers.
    :param groups: for each of them, the numbers of the model's classes.
    :param unlabelled: numbers of the model's classes that become 255.
    """

    names: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]
    unlabelled: tuple[int, ...] = ()

    @property
    def is_identity(self) -> bool:
        """Whether every class keeps its number."""
        return self.groups == tuple((i,) for i in range(len(self.groups))) and not self.unlabelled

    def then(self, other: ClassMap) -> ClassMap:
        """Return the map that applies this one first and the other one to its names."""
        groups = tuple(
            tuple(sorted(number for i in group for number in self.groups[i]))
            for group in other.groups
        )
        gone = {number for i in other.unlabelled for number in self.groups[i]}
        unlabelled = tuple(sorted(gone.union(self.unlabelled)))
        return ClassMap(names=other.names, groups=groups, unlabelled=unlabelled)


def map_classes(classes: Sequence[str], renamed: Mapping[str, str], where: str) -> ClassMap:
    """
    Return the map that gives classes other names; classes with the same new name become one.

    :param classes: names in the order of their numbers.
    :param renamed: ``{class: new name}``; classes that are not named keep theirs.
    :param where: the setting, for errors.
    :raises ValueError: for a class that does not exist, naming those that do.
    """
    for name in renamed:
        if name not in classes:
            near = difflib.get_close_matches(name, classes, 1)
            hint = f'; did you mean {near[0]!r}?' if near else ''
            raise ValueError(
                f'{where}: there is no class {name!r}{hint} (classes: {", ".join(classes)})'
            )
    members: dict[str, list[int]] = {}
    for number, name in enumerate(classes):
        members.setdefault(renamed.get(name, name), []).append(number)
    unlabelled = tuple(members.pop(UNLABELLED_NAME, ()))
    if not members:
        raise ValueError(f'{where}: every class becomes {UNLABELLED_NAME}; keep at least one')
    return ClassMap(
        names=tuple(members),
        groups=tuple(tuple(numbers) for numbers in members.values()),
        unlabelled=unlabelled,
    )
