"""Classes of a model in the numbers of the labels, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def label_numbers(
    found: Sequence[str], labels: Sequence[str], renamed: Mapping[str, str] | None = None
) -> list[int | None]:
    """
    Return the number in the labels of each class of a model; None for one they do not have.

    :param found: class names of the model.
    :param labels: class names of the labels.
    :param renamed: ``{class of the model: class of the labels}`` where names differ.
    :raises ValueError: when no class has a label, or a renamed one does not exist.
    """
    renamed = dict(renamed or {})
    for name, label in renamed.items():
        if name not in found or label not in labels:
            raise ValueError(
                f'cannot rename {name!r} to {label!r}: the model has {", ".join(found)}; '
                f'the labels have {", ".join(labels)}'
            )
    places = {name: number for number, name in enumerate(labels)}
    numbers = [places.get(renamed.get(name, name)) for name in found]
    if all(number is None for number in numbers):
        raise ValueError(
            f'no class of the model ({", ".join(found)}) is a class of the labels '
            f'({", ".join(labels)}); rename one'
        )
    return numbers
