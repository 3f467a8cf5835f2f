"""A part of a node's parameters, read without trusting any type in it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# $(var x) of launch files, <robot_namespace> and SPEED_ZONE_ENABLED of Nav2's own launch files.
_UNRESOLVED = re.compile(r'\$\(|\$\{|<\w+>|^(?!OPEN_LOOP$|CLOSED_LOOP$)[A-Z]+(_[A-Z0-9]+)+$')


def is_unresolved(value: object) -> bool:
    """Tell whether a value is filled in by a launch file later."""
    return isinstance(value, str) and bool(_UNRESOLVED.search(value))


@dataclass(frozen=True, kw_only=True)
class Block:
    """
    Parameters with their place in the file.

    Readers return None for what is absent without default, unresolved or of another type: a
    wrong type is named once, by the check of types, and nowhere else.

    :param node: path of the node without leading slash, ``local_costmap/local_costmap``.
    :param path: dotted names from the node down to this block, empty at the top.
    :param values: the parameters; a nested mapping is a nested block.
    """

    node: str
    path: str = ''
    values: Mapping[str, Any]

    def at(self, name: str = '') -> str:
        """Return where a parameter stands, in the words of a finding."""
        dotted = '.'.join(part for part in (self.path, name) if part)
        return f'{self.node}: {dotted}' if dotted else self.node

    def has(self, name: str) -> bool:
        """Tell whether the parameter or block is written."""
        return self.values.get(name) is not None

    def block(self, name: str) -> Block | None:
        """Return a nested block, None where there is none."""
        values = self.values.get(name)
        return self._nested(name, values) if isinstance(values, Mapping) else None

    def blocks(self) -> Iterator[tuple[str, Block]]:
        """Yield every nested block with its name."""
        for name, values in self.values.items():
            if isinstance(values, Mapping):
                yield str(name), self._nested(str(name), values)

    def number(self, name: str, default: float | None = None) -> float | None:
        """Return a finite number."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        # Huge integers do not fit a float; nothing on a robot is that large.
        return float(value) if abs(value) < 1e300 and math.isfinite(value) else None

    def flag(self, name: str, default: bool | None = None) -> bool | None:
        """Return a truth value."""
        value = self.values.get(name, default)
        return value if isinstance(value, bool) else None

    def text(self, name: str, default: str | None = None) -> str | None:
        """Return a string that no launch file changes."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) and not is_unresolved(value) else None

    def numbers(self, name: str) -> list[float] | None:
        """Return a list of numbers."""
        values = self.values.get(name)
        if not isinstance(values, list) or not all(type(item) in (int, float) for item in values):
            return None
        return [float(item) for item in values if abs(item) < 1e300]

    def names(self, name: str) -> list[str]:
        """Return names from a list, or from words between spaces; unresolved ones are left out."""
        values = self.values.get(name)
        if isinstance(values, str):
            values = [] if is_unresolved(values) else values.split()
        if not isinstance(values, list):
            return []
        return [item for item in values if isinstance(item, str) and not is_unresolved(item)]

    def is_settled(self, name: str) -> bool:
        """Tell whether a list or string is written with nothing left to a launch file."""
        value = self.values.get(name)
        items = value if isinstance(value, list) else [value]
        return not any(is_unresolved(item) for item in items)

    def _nested(self, name: str, values: Mapping[str, Any]) -> Block:
        path = f'{self.path}.{name}' if self.path else name
        return Block(node=self.node, path=path, values=values)
