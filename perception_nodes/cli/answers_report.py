"""The page that ``perception classify`` leaves: what pictures show, by a model or a bank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perception_nodes.cli.report_blocks import leave, thumbnail
from perception_nodes.structures import Frame
from perception_nodes.visualization.report import (
    Gallery,
    Picture,
    Report,
    Section,
    Table,
    Text,
    picture,
)

SHOWN = 60
"""Pictures on the page; the JSON file has all answers."""
_WIDTH_PX = 200


class AnsweredPictures:
    """The first pictures and what was said about them, small, for the page."""

    def __init__(self) -> None:
        self._shown: list[Picture] = []

    def add(self, frame: Frame, words: str) -> None:
        """Keep a picture, if the page still has a place for it."""
        if len(self._shown) < SHOWN:
            self._shown.append(picture(thumbnail(frame, _WIDTH_PX), words))

    def leave(
        self, answers: Sequence[Mapping[str, Any]], record: dict[str, Any], out: Path
    ) -> Path:
        """
        Write page and figures; return the page.

        :param answers: each with ``source`` and ``name``.
        :param record: what answered, and the command.
        """
        counts = Counter(str(item['name']) for item in answers)
        table = Table(columns=('class', 'pictures'), rows=tuple(counts.most_common()))
        words = f'The first {len(self._shown)} of {len(answers)}; report.json has all.'
        report = Report(
            title='What pictures show',
            subtitle=f'{len(answers)} pictures, {record["by"]}',
            sections=(
                Section(title='Classes', blocks=(table,)),
                Section(
                    title='Pictures',
                    blocks=(Text(paragraphs=(words,)), Gallery(pictures=tuple(self._shown))),
                ),
            ),
            footer=record['command'],
        )
        return leave(report, {**record, 'answers': list(answers)}, out)
