"""Disturbances by name: the presets that ship, or a file of one's own."""

from __future__ import annotations

from pathlib import Path

import yaml

from perception_nodes.imaging.disturbances import Disturbance
from perception_nodes.inference.resources import resource_path
from perception_nodes.structures import settings_of

PRESETS = 'worlds/disturbances/presets.yaml'


class DisturbanceError(ValueError):
    """A disturbance that is not known or not described well; the message names what is."""


def load_presets(path: Path | None = None) -> dict[str, Disturbance]:
    """
    Return the named disturbances of a file; the shipped ones by default.

    :raises DisturbanceError: naming the preset, the key and the allowed ones.
    """
    path = resource_path(PRESETS) if path is None else path
    try:
        document = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DisturbanceError(f'{path} cannot be read: {error}') from error
    if not isinstance(document, dict):
        raise DisturbanceError(f'{path} must map names to levels, got {document!r}')
    return {str(name): _disturbance(levels, f'{path.name}, {name}') for name, levels in
            document.items()}  # fmt: skip


def load_disturbance(name: str) -> Disturbance:
    """
    Return a shipped disturbance by name, or one as ``file.yaml:name``.

    :raises DisturbanceError: unknown name (the known ones are listed) or a broken file.
    """
    file, _, inside = name.rpartition(':')
    presets = load_presets(Path(file) if file else None)
    if inside not in presets:
        raise DisturbanceError(
            f'unknown disturbance {name!r}; known: {", ".join(presets)}, or FILE.yaml:NAME'
        )
    return presets[inside]


def _disturbance(levels: object, place: str) -> Disturbance:
    """Return the disturbance that a mapping describes."""
    if not isinstance(levels, dict):
        raise DisturbanceError(f'{place}: must map keys to numbers, got {levels!r}')
    known = settings_of(Disturbance)
    for key, value in levels.items():
        if key not in known:
            raise DisturbanceError(f'{place}: unknown key {key!r}; allowed: {", ".join(known)}')
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise DisturbanceError(f'{place}: {key} must be a number, got {value!r}')
    try:
        return Disturbance(**levels)
    except ValueError as error:
        raise DisturbanceError(f'{place}: {error}') from error
