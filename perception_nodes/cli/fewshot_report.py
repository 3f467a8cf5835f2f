"""The page and the figures that lie beside a bank of taught classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perception_nodes.fewshot.prototypes import PrototypeBank
from perception_nodes.structures import Frame
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Report,
    Section,
    Table,
    picture,
)


def bank_record(bank: PrototypeBank) -> dict[str, Any]:
    """Return plain values: classes with their pictures and tracks, and what is unknown."""
    return {
        'classes': [
            {'name': name, **_counts(bank, number)} for number, name in enumerate(bank.class_names)
        ],
        'threshold': bank.threshold if bank.rejects else None,
        'rejected_share': bank.rejected_share, 'shrinkage': bank.shrinkage,
        'embedder': bank.embedder_name, 'embedder_settings': bank.embedder_settings,
    }  # fmt: skip


def bank_report(record: Mapping[str, Any], shown: Sequence[Frame]) -> Report:
    """
    Return the page.

    :param record: of :func:`bank_record`, with ``bank``, ``command`` and ``enrolled``.
    :param shown: some pictures of the class that was taught now, none of one that was removed.
    """
    known, threshold = record['classes'], record['threshold']
    unknown = Figure(
        label='unknown below', value='–' if threshold is None else f'{threshold:.3f}',
        note='every class has one picture or one track: nothing is unknown' if threshold is None
        else f'{record["rejected_share"]:.0%} of the taught, left out, score lower',
    )  # fmt: skip
    table = Table(
        columns=('class', 'pictures', 'tracks'),
        rows=tuple((item['name'], item['pictures'], item['tracks']) for item in known),
    )
    taught = Section(
        title=f'Taught now: {record["enrolled"]}',
        blocks=(Gallery(pictures=tuple(picture(frame) for frame in shown)),),
    )
    return Report(
        title=f'Classes of {record["bank"]}',
        subtitle=f'{len(known)} classes, vectors of {record["embedder"]}',
        sections=(
            Section(title='Classes', blocks=(Figures(items=(unknown,)), table)),
            *([taught] if shown else []),
        ),
        footer=record['command'],
    )


def _counts(bank: PrototypeBank, number: int) -> dict[str, int]:
    own = bank.labels == number
    return {'pictures': int(own.sum()), 'tracks': len(np.unique(bank.groups[own]))}
