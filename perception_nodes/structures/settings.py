"""
Configuration fields that describe themselves.

A configuration is a frozen keyword-only dataclass whose fields are made by :func:`setting`.
ROS parameters with their descriptors and the options of the command line are derived from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

_KEY = 'perception_setting'


@dataclass(frozen=True, kw_only=True)
class Setting:
    """
    What a field allows, in words and numbers.

    :param description: one sentence with the unit.
    :param minimum: smallest allowed value (numbers, or elements of a sequence).
    :param maximum: largest allowed value.
    :param choices: closed set of allowed values.
    :param live: may be changed while the node is running.
    """

    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False

    def check(self, name: str, value: Any) -> None:
        """Raise ``ValueError`` naming the field, the value and what is allowed."""
        is_sequence = isinstance(value, Sequence) and not isinstance(value, str)
        for item in value if is_sequence else (value,):
            if self.choices and item not in self.choices:
                raise ValueError(f'{name}: {item!r} is not one of {", ".join(self.choices)}')
            if self.minimum is not None and not item >= self.minimum:
                raise ValueError(f'{name}: {item!r} is below the minimum {self.minimum}')
            if self.maximum is not None and not item <= self.maximum:
                raise ValueError(f'{name}: {item!r} is above the maximum {self.maximum}')


def setting(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] = (),
    live: bool = False,
) -> Any:
    """Return a dataclass field that carries a :class:`Setting`; see there for the arguments."""
    metadata = {
        _KEY: Setting(
            description=description,
            minimum=minimum,
            maximum=maximum,
            choices=tuple(choices),
            live=live,
        )
    }
    return field(default=default, metadata=metadata)


def settings_of(configuration: Any) -> dict[str, tuple[Any, Setting]]:
    """
    Return ``{field name: (value, Setting)}`` of a configuration class or instance.

    For a class the value is the default. Fields without a :class:`Setting` are left out.
    """
    found = {}
    for item in fields(configuration):
        if _KEY in item.metadata:
            value = None if item.default is MISSING else item.default
            if not isinstance(configuration, type):
                value = getattr(configuration, item.name)
            found[item.name] = (value, item.metadata[_KEY])
    return found


def check_settings(configuration: Any) -> None:
    """Check every field of a configuration; call it from ``__post_init__``."""
    for name, (value, rule) in settings_of(configuration).items():
        rule.check(name, value)
