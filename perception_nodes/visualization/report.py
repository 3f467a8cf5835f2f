"""
One-page reports that need nothing but a browser: sections are data, pictures are embedded.

    report = Report(title='Evaluation', subtitle='COCO', sections=(Section(title='Result',
        blocks=(Figures(items=(Figure(label='mAP', value='0.31'),)), Table(…), Plot(…))),))
    write_report(report, Path('out/report.html'))

Everything that is text is escaped; only :class:`Plot` carries markup, from our own plots.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import jinja2
import numpy as np

from perception_nodes.structures import ColorOrder, Frame

_TEMPLATES = Path(__file__).parent / 'templates'
_MIME_OF_SUFFIX = {'.webm': 'video/webm', '.mp4': 'video/mp4'}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """
    One number that the reader should see first.

    :param label: what it is, with the unit.
    :param value: the number as text.
    :param note: how it was measured, in a few words.
    """

    label: str
    value: str
    note: str = ''


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A row of key figures."""

    kind: ClassVar[str] = 'figures'
    items: tuple[Figure, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """
    Rows of text and numbers.

    :param columns: headings; text is set left, numbers right.
    :param rows: cells as text or numbers; None and NaN become a dash.
    :param digits: of floats, after the point.
    """

    kind: ClassVar[str] = 'table'
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    caption: str = ''
    digits: int = 3

    def __post_init__(self) -> None:
        """Refuse rows of another length than the headings."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f'Table row {row!r} does not fit the columns {self.columns!r}')


@dataclass(frozen=True, kw_only=True)
class Text:
    """Paragraphs of plain text."""

    kind: ClassVar[str] = 'text'
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """An ``<svg>`` element from :mod:`perception_nodes.visualization.plots`."""

    kind: ClassVar[str] = 'plot'
    svg: str
    caption: str = ''


@dataclass(frozen=True, kw_only=True)
class Picture:
    """
    An embedded picture.

    :param data_uri: ``data:image/…;base64,…``, made by :func:`picture`.
    """

    data_uri: str
    caption: str = ''


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Pictures side by side."""

    kind: ClassVar[str] = 'gallery'
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, kw_only=True)
class Video:
    """
    A video beside the report; too big to embed.

    :param source: path relative to the report.
    :param poster: ``data:`` address of the picture shown before it plays, or empty.
    """

    kind: ClassVar[str] = 'video'
    source: str
    caption: str = ''
    poster: str = ''

    @property
    def mime(self) -> str:
        """The media type for the browser."""
        return _MIME_OF_SUFFIX.get(Path(self.source).suffix, 'video/webm')


Block = Figures | Table | Text | Plot | Gallery | Video


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """
    A page.

    :param subtitle: one sentence: what was done, when.
    :param footer: how to get the same page again.
    """

    title: str
    sections: tuple[Section, ...]
    subtitle: str = ''
    footer: str = ''


def picture(frame: Frame, caption: str = '', *, quality: int = 85) -> Picture:
    """
    Return a frame as an embedded JPEG.

    :param quality: JPEG quality in 1..100.
    """
    pixels = np.ascontiguousarray(frame.in_order(ColorOrder.BGR))
    _, data = cv2.imencode('.jpg', pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))
    text = base64.b64encode(data.tobytes()).decode('ascii')
    return Picture(data_uri=f'data:image/jpeg;base64,{text}', caption=caption)


def contact_sheet(frames: Sequence[Frame], *, columns: int = 4, tile_width: int = 320) -> Frame:
    """
    Return one picture that shows all frames in rows, each scaled to the same width.

    :param frames: at least one frame; the first decides the shape of the tiles.
    """
    if not frames or columns < 1 or tile_width < 1:
        raise ValueError('contact_sheet needs a frame, columns ≥ 1 and tile_width ≥ 1')
    width, height = frames[0].size_wh
    tile_wh = (tile_width, max(1, round(tile_width * height / width)))
    tiles = [
        cv2.resize(frame.in_order(ColorOrder.RGB), tile_wh, interpolation=cv2.INTER_AREA)
        for frame in frames
    ]
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return Frame(pixels=np.vstack(rows))


def render_report(report: Report) -> str:
    """Return the page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters['cell'] = _cell
    return environment.get_template('report.html.j2').render(report=report)


def write_report(report: Report, path: Path) -> Path:
    """Write the page and return its path; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_report(report), encoding='utf-8')
    return path


def _cell(value: object, digits: int) -> str:
    """Return a table cell as text."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return '–'
    return f'{value:.{digits}f}' if isinstance(value, float) else str(value)
