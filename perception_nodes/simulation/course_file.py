"""Course files: YAML in, a :class:`Course` out, or an error that names value, choice and cure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import yaml

from perception_nodes.inference.resources import share_folders
from perception_nodes.simulation.course import (
    THING_KINDS,
    TRUNK,
    Branch,
    Course,
    CourseCamera,
    CourseError,
    CourseThing,
    Segment,
    StepIn,
)
from perception_nodes.simulation.robot_model import RobotModel
from perception_nodes.simulation.vehicle import Pose2D

COURSE_FOLDER = Path('worlds') / 'courses'
KEYS = (
    'name', 'segments', 'lane_width_m', 'tape_width_m', 'start', 'closed', 'branches', 'route',
    'worn_percent', 'camera', 'robot', 'things', 'obstacles',
)  # fmt: skip
Value = TypeVar('Value')


def parse_course(text: str, name: str) -> Course:
    """
    Return the course that a YAML text describes; see docs/simulation.md for the schema.

    :raises CourseError: what is wrong, and where.
    """
    place = f'course {name!r}'
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise CourseError(f'{place} is not YAML: {error}') from error
    if not isinstance(document, dict) or not isinstance(document.get('segments'), list):
        raise CourseError(f'{place} needs a list "segments"')
    _refuse_unknown(document, KEYS, place)
    widths = {
        key: _number(document, key, place)
        for key in ('lane_width_m', 'tape_width_m', 'worn_percent')
        if key in document
    }
    return Course(
        name=str(document.get('name', name)),
        segments=_segments(document['segments'], place),
        start=_start(document.get('start'), place),
        closed=document.get('closed') is True,
        branches=tuple(
            _branch(entry, f'{place}, branch {index}')
            for index, entry in enumerate(_list(document, 'branches', place))
        ),
        route=tuple(str(entry) for entry in _list(document, 'route', place)),
        camera=_described(CourseCamera, document.get('camera'), f'{place}, camera'),
        robot=_described(RobotModel, document.get('robot'), f'{place}, robot'),
        things=_each(document, 'things', place, _thing),
        obstacles=_each(document, 'obstacles', place, _obstacle),
        **widths,
    )


def course_files() -> dict[str, Path]:
    """Return the files of the shipped courses by name; the first folder found wins."""
    files: dict[str, Path] = {}
    for share in share_folders():
        for path in sorted((share / COURSE_FOLDER).glob('*.yaml')):
            files.setdefault(path.stem, path)
    return files


def load_course(name_or_path: str) -> Course:
    """
    Return a shipped course by name, or the one in a file.

    :raises CourseError: unknown name (the known ones are listed) or a broken file.
    """
    path = Path(name_or_path)
    if path.suffix in ('.yaml', '.yml'):
        if not path.is_file():
            raise CourseError(f'course file {name_or_path} does not exist')
        return parse_course(path.read_text(encoding='utf-8'), path.stem)
    known = course_files()
    if name_or_path not in known:
        raise CourseError(
            f'unknown course {name_or_path!r}; known: {", ".join(sorted(known)) or "none"}, '
            'or give the path of a .yaml file'
        )
    return parse_course(known[name_or_path].read_text(encoding='utf-8'), name_or_path)


def _refuse_unknown(entry: dict[Any, Any], allowed: tuple[str, ...], place: str) -> None:
    """Refuse keys that nobody reads: mostly they are misspelt."""
    for key in entry:
        if key not in allowed:
            raise CourseError(f'{place}: unknown key {key!r}; allowed: {", ".join(allowed)}')


def _number(entry: dict[str, Any], key: str, place: str) -> float:
    """Return a number of a course file."""
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CourseError(f'{place}: {key} must be a number, got {value!r}')
    return float(value)


def _list(document: dict[str, Any], key: str, place: str) -> list[Any]:
    """Return an optional list."""
    value = document.get(key, [])
    if not isinstance(value, list):
        raise CourseError(f'{place}: {key} must be a list, got {value!r}')
    return value


def _mapping(value: Any, place: str) -> dict[str, Any]:
    """Return an optional mapping."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CourseError(f'{place} must be a mapping, got {value!r}')
    return value


def _segments(entries: Any, place: str) -> tuple[Segment, ...]:
    """Return a list of parts."""
    if not isinstance(entries, list):
        raise CourseError(f'{place}: segments must be a list, got {entries!r}')
    return tuple(_segment(entry, f'{place}, segment {k}') for k, entry in enumerate(entries))


def _segment(entry: Any, place: str) -> Segment:
    """Return the segment that one list entry describes."""
    if not isinstance(entry, dict) or len(entry) != 1:
        raise CourseError(f'{place}: expected "straight: {{…}}" or "arc: {{…}}", got {entry!r}')
    ((kind, values),) = entry.items()
    values = values if isinstance(values, dict) else {}
    if kind == 'straight':
        _refuse_unknown(values, ('length_m',), place)
        return Segment(length_m=_number(values, 'length_m', place))
    if kind == 'arc':
        _refuse_unknown(values, ('radius_m', 'angle_deg'), place)
        radius = _number(values, 'radius_m', place)
        angle = np.radians(_number(values, 'angle_deg', place))
        if not radius > 0 or angle == 0:
            raise CourseError(f'{place}: radius_m must be > 0 and angle_deg not 0, got {values!r}')
        return Segment(length_m=radius * abs(angle), curvature_1_m=np.sign(angle) / radius)
    raise CourseError(f'{place}: unknown part {kind!r}; allowed: straight, arc')


def _start(value: Any, place: str) -> Pose2D:
    """Return the pose of the beginning."""
    start = {'x_m': 0.0, 'y_m': 0.0, 'yaw_deg': 0.0, **_mapping(value, f'{place}: start')}
    _refuse_unknown(start, ('x_m', 'y_m', 'yaw_deg'), f'{place}: start')
    x_m, y_m, yaw_deg = (_number(start, key, place) for key in ('x_m', 'y_m', 'yaw_deg'))
    if not all(math.isfinite(number) for number in (x_m, y_m, yaw_deg)):
        raise CourseError(f'{place}: start must be finite, got {start!r}')
    return Pose2D(x_m=x_m, y_m=y_m, yaw_rad=math.radians(yaw_deg))


def _branch(entry: Any, place: str) -> Branch:
    """Return one branch of a junction."""
    entry = _mapping(entry, place)
    _refuse_unknown(entry, ('name', 'after', 'segments'), place)
    if not entry.get('name'):
        raise CourseError(f'{place} needs a name')
    return Branch(
        name=str(entry['name']),
        after=str(entry.get('after', TRUNK)),
        segments=_segments(entry.get('segments'), place),
    )


def _described(kind: Callable[..., Value], value: Any, place: str, **given: Any) -> Value:
    """Return a value of a dataclass from the mapping of its fields."""
    entry = _mapping(value, place)
    names = tuple(item.name for item in fields(kind) if item.name not in given)  # type: ignore[arg-type]
    _refuse_unknown(entry, names, place)
    numbers = {key: _number(entry, key, place) for key in entry if key != 'kind'}
    texts = {'kind': entry['kind']} if 'kind' in entry else {}
    for key, number in numbers.items():
        if not math.isfinite(number):
            raise CourseError(f'{place}: {key} must be finite, got {number!r}')
    try:
        return kind(**numbers, **texts, **given)
    except TypeError as error:
        raise CourseError(f'{place}: a value is missing: {error}') from error
    except CourseError:
        raise
    except ValueError as error:
        raise CourseError(f'{place}: {error}') from error


def _each(
    document: dict[str, Any], key: str, place: str, read: Callable[[Any, str], Value]
) -> tuple[Value, ...]:
    """Return the values of a list of mappings."""
    entries = _list(document, key, place)
    return tuple(read(entry, f'{place}, {key} {index}') for index, entry in enumerate(entries))


def _thing(entry: Any, place: str) -> CourseThing:
    """Return something that stands."""
    thing = _described(CourseThing, entry, place)
    if thing.kind not in THING_KINDS:
        raise CourseError(f'{place}: kind {thing.kind!r} is not one of {", ".join(THING_KINDS)}')
    return thing


def _obstacle(entry: Any, place: str) -> StepIn:
    """Return a figure that steps in."""
    obstacle = _described(StepIn, entry, place)
    if not (obstacle.speed_m_s > 0 and obstacle.when_within_m > 0 and obstacle.stays_s >= 0):
        raise CourseError(
            f'{place}: speed_m_s and when_within_m must be > 0 and stays_s ≥ 0, got {entry!r}'
        )
    if obstacle.from_m == obstacle.to_m:
        raise CourseError(f'{place}: from_m and to_m are the same, nobody steps in: {entry!r}')
    return obstacle
