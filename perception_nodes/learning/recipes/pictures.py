"""What recipes of detectors and segmenters say alike about their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perception_nodes.structures import setting


def disturbed_setting() -> Any:
    """Return the field of the part of the pictures in bad light and weather."""
    return setting(
        0.0,
        'part of the pictures in bad light, rain, fog, and through a dirty lens, several at once',
        minimum=0.0,
        maximum=1.0,
    )


def balanced_setting() -> Any:
    """Return the field of how much more often pictures of rare classes are drawn."""
    return setting(
        0.0,
        'power of the inverse frequency of the rarest class in a picture by which it is drawn: 0 '
        'as they are, 0.5 usual',
        minimum=0.0,
        maximum=1.0,
    )


def mosaic_setting() -> Any:
    """Return the field of the part of the crops that are made of four pictures."""
    return setting(
        0.0, 'part of the crops that show windows of four pictures', minimum=0.0, maximum=1.0
    )


def paste_setting() -> Any:
    """Return the field of the part of the pictures that get things of others."""
    return setting(
        0.0,
        'part of the pictures onto which up to three things of other pictures are pasted',
        minimum=0.0,
        maximum=1.0,
    )


def class_names(field: str, names: Any) -> tuple[str, ...]:
    """
    Return the names in a field of a recipe.

    :raises ValueError: for one word instead of a list.
    """
    if isinstance(names, str):
        raise ValueError(f'{field}: {names!r} is one word; write a list: [{names}]')
    return tuple(names)


def check_pasted(names: Sequence[str], classes: Sequence[str]) -> None:
    """
    Refuse names that are no classes of the recipe.

    :raises ValueError: naming them, and the classes.
    """
    unknown = [name for name in names if name not in classes]
    if unknown:
        raise ValueError(
            f'paste_classes: no class {", ".join(unknown)}; the recipe has {", ".join(classes)}'
        )
