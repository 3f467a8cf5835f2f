"""XML elements with numbers in them."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

import numpy as np

Element = ElementTree.Element


def add(parent: Element, tag: str, text: object = None, /, **attributes: object) -> Element:
    """Return a new child; numbers and lists of numbers are written as text."""
    child = ElementTree.SubElement(parent, tag, {k: written(v) for k, v in attributes.items()})
    if text is not None:
        child.text = written(text)
    return child


def add_all(parent: Element, **values: object) -> None:
    """Add one child for every value."""
    for tag, value in values.items():
        add(parent, tag, value)


def written(value: object) -> str:
    """Return the text of a value: true and false, numbers to a micrometre, lists with spaces."""
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return ' '.join(written(item) for item in value)
    number = round(float(value), 6)  # type: ignore[arg-type]
    return str(int(number)) if number == int(number) else repr(number)


def rpy_of(quaternion: tuple[float, float, float, float]) -> tuple[float, float, float]:
    """Return roll, pitch and yaw in rad of a unit quaternion (w, x, y, z)."""
    w, x, y, z = quaternion
    roll = np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = np.arcsin(np.clip(2 * (w * y - z * x), -1, 1))
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return float(roll), float(pitch), float(yaw)


def document(root: Element) -> str:
    """Return the indented text of a document."""
    ElementTree.indent(root)
    return f"<?xml version='1.0'?>\n{ElementTree.tostring(root, encoding='unicode')}\n"
