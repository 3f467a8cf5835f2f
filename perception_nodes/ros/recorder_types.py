"""Message definitions for bags, read from the packages that are installed."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from rosbags.interfaces import Nodetype
from rosbags.interfaces.typing import Typesdict
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore


def bag_typestore(type_names: tuple[str, ...]) -> Typestore:
    """
    Return a store that knows the given types and all that they are made of.

    Standard types come with ``rosbags``; others, such as ``vision_msgs``, are read from the
    ``.msg`` files of the installed packages, so that the bag holds what was on the wire.

    :param type_names: as in ``vision_msgs/msg/Detection2DArray``.
    :raises ValueError: when a package or a definition is not installed.
    """
    store = get_typestore(_standard_types())
    for name in type_names:
        _register(store, name)
    return store


@lru_cache
def _standard_types() -> Stores:
    distribution = os.environ.get('ROS_DISTRO', 'jazzy').upper()
    return getattr(Stores, f'ROS2_{distribution}', Stores.LATEST)


def _register(store: Typestore, type_name: str) -> None:
    """Add a type and, depth first, the types of its fields, unless the store has them."""
    if type_name in store.fielddefs:
        return
    found = get_types_from_msg(_definition(type_name), type_name)
    for needed in _field_types(found):
        if needed not in found:
            _register(store, needed)
    store.register(found)


def _definition(type_name: str) -> str:
    package, _, message = type_name.split('/')
    try:
        path = Path(get_package_share_directory(package)) / 'msg' / f'{message}.msg'
        return path.read_text(encoding='utf-8')
    except (PackageNotFoundError, FileNotFoundError) as error:
        raise ValueError(
            f'no definition of {type_name} is installed; cure: make setup, then source '
            f'environment/activate.sh (or install ros-$ROS_DISTRO-{package.replace("_", "-")})'
        ) from error


def _field_types(found: Typesdict) -> set[str]:
    """Return the names of all message types that fields refer to, arrays opened."""
    descriptions: list[Any] = [field for _, fields in found.values() for _, field in fields]
    opened = [d[1][0] if d[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE) else d for d in descriptions]
    return {content for kind, content in opened if kind is Nodetype.NAME}
