"""The page that ``perception data check`` leaves: every kind of fault with pictures of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.curation.balance import Balance
from perception_nodes.curation.checking import DataCheck
from perception_nodes.curation.finding import CHECKS, DataFinding, Place
from perception_nodes.evaluation.ground_truth import GroundTruthError, read_picture
from perception_nodes.structures import ColorOrder, Frame
from perception_nodes.visualization.report import (
    Block,
    Figure,
    Figures,
    Gallery,
    Picture,
    Report,
    Section,
    Table,
    Text,
    picture,
)

SHOWN = 24
"""Pictures of one finding on the page; the JSON file has all."""
_LISTED = 12
_TILE_HEIGHT, _GAP = 160, 4
_RED = (220, 30, 30)


def data_report(result: DataCheck, command: str) -> Report:
    """
    Return the page.

    :param command: how to get it again.
    """
    total = sum(result.pictures.values())
    return Report(
        title='Check of labelled data',
        subtitle=f'{total} pictures in {len(result.pictures)} set(s), {result.seconds:.1f} s',
        sections=(
            Section(title='Result', blocks=(_figures(result), _summary(result))),
            *(_section(finding) for finding in result.findings),
            *(_balance(balance) for balance in result.balances),
        ),
        footer=command,
    )


def _figures(result: DataCheck) -> Figures:
    counts = {'error': 0, 'warning': 0}
    for finding in result.findings:
        counts[finding.severity.value] += len(finding.places)
    return Figures(
        items=(
            Figure(label='places with an error', value=str(counts['error'])),
            Figure(label='places with a warning', value=str(counts['warning'])),
            Figure(label='pictures', value=str(sum(result.pictures.values()))),
        )
    )


def _summary(result: DataCheck) -> Table:
    return Table(
        columns=('severity', 'check', 'data', 'places', 'cure'),
        rows=tuple(
            (item.severity.value, item.check, item.data, len(item.places), CHECKS[item.check].cure)
            for item in result.findings
        ),
        caption='' if result.findings else 'Nothing was found.',
    )


def _section(finding: DataFinding) -> Section:
    kind, count = CHECKS[finding.check], len(finding.places)
    shown = list(_pictures(finding.places[:SHOWN]))
    words = f'{count} {kind.what}: {kind.cure}.'
    blocks: list[Block] = [Text(paragraphs=(words,))]
    if shown:
        blocks.append(Gallery(pictures=tuple(shown)))
    else:
        rows = tuple((str(place.path), place.words) for place in finding.places[:_LISTED])
        blocks.append(Table(columns=('where', 'what'), rows=rows))
    if count > SHOWN:
        blocks.append(Text(paragraphs=('The rest stands in report.json.',)))
    return Section(title=f'{finding.check}, {finding.data}', blocks=tuple(blocks))


def _balance(balance: Balance) -> Section:
    total = max(sum(balance.counts.values()), 1)
    most = max(balance.counts.values(), default=0)
    rows = tuple(
        (name, count, count / total, most / count if count else None)
        for name, count in sorted(balance.counts.items(), key=lambda item: -item[1])
    )
    columns = ('class', balance.unit, 'share', 'most frequent ÷ this')
    return Section(
        title=f'Classes of {balance.data}',
        blocks=(Text(paragraphs=(f'{balance.hint}.',)), Table(columns=columns, rows=rows)),
    )


def _pictures(places: Sequence[Place]) -> Iterable[Picture]:
    """Yield what can be shown: a picture with its box, or two side by side."""
    for place in places:
        tiles = [_tile(path, place) for path in (place.other, place.path) if path is not None]
        found = [tile for tile in tiles if tile is not None]
        if found:
            gap = np.full((_TILE_HEIGHT, _GAP, 3), 255, np.uint8)
            row = [part for tile in found for part in (tile, gap)][:-1]
            names = ' | '.join(path.name for path in (place.other, place.path) if path)
            yield picture(Frame(pixels=np.hstack(row)), f'{names}: {place.words}'.rstrip(': '))


def _tile(path: Path, place: Place) -> np.ndarray | None:
    """Return (160, W, 3) RGB with the box of the place, None for what is no picture."""
    try:
        rgb = read_picture(path).in_order(ColorOrder.RGB)
    except GroundTruthError:
        return None
    factor = _TILE_HEIGHT / rgb.shape[0]
    width = max(1, round(rgb.shape[1] * factor))
    tile = cv2.resize(rgb, (width, _TILE_HEIGHT), interpolation=cv2.INTER_AREA)
    if place.xyxy:
        left, top, right, bottom = (
            round(float(np.clip(value * factor, -9999, 9999))) for value in place.xyxy
        )
        cv2.rectangle(tile, (left, top), (right, bottom), _RED, 2)
    return tile
