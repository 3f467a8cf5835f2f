"""YAML from strangers: size-limited, plain data only, no aliases, no repeated keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from perception_nodes.inference.bundle_checks import BundleError

_MAXIMUM_BYTES = 1 << 20
_MAXIMUM_DEPTH = 24
_SafeLoader: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)


class _StrictLoader(_SafeLoader):
    """The safe loader, with an error where YAML would silently keep the last of two keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """Refuse a key that stands twice in one mapping."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.value in seen if isinstance(key_node.value, str) else False:
                raise yaml.constructor.ConstructorError(
                    None, None, f'the key {key_node.value!r} stands twice', key_node.start_mark
                )
            if isinstance(key_node.value, str):
                seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


def load_yaml(content: bytes | str) -> Any:
    """
    Return plain data.

    :param content: at most 1 MiB of UTF-8 text.
    :raises BundleError: for anything else, for aliases and for deep nesting.
    """
    if len(content) > _MAXIMUM_BYTES:
        raise BundleError(f'is larger than {_MAXIMUM_BYTES} bytes; this is no model description')
    try:
        _check_events(content)
        return yaml.load(content, Loader=_StrictLoader)  # a SafeLoader
    # Constructors of dates, numbers and UTF-8 raise these on malformed values.
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, KeyError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f'is not valid YAML: {error}') from error


def load_yaml_file(path: Path) -> Any:
    """Return the plain data of a file; see :func:`load_yaml`."""
    try:
        with path.open('rb') as stream:
            return load_yaml(stream.read(_MAXIMUM_BYTES + 1))
    except OSError as error:
        raise BundleError(f'cannot be read: {error}') from error


def dump_yaml(data: Any) -> str:
    """Return plain data as YAML with keys in their order and short lists on one line."""
    return yaml.safe_dump(
        data, sort_keys=False, allow_unicode=True, default_flow_style=None, width=95
    )


def _check_events(content: bytes | str) -> None:
    """Raise for aliases, which can grow without bound, and for deep nesting."""
    depth = 0
    for event in yaml.parse(content, Loader=_SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise BundleError('holds a YAML alias (*name); write the value out')
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            depth -= 1
        if depth > _MAXIMUM_DEPTH:
            raise BundleError(f'is nested deeper than {_MAXIMUM_DEPTH} levels')
