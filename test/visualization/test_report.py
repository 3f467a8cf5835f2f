"""Reports: self-contained, escaped, complete."""

import html.parser
import re

import numpy as np
import pytest

from perception_nodes.structures import Frame
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Plot,
    Report,
    Section,
    Table,
    Text,
    Video,
    contact_sheet,
    picture,
    render_report,
    write_report,
)

FRAME = Frame(pixels=np.full((30, 40, 3), (250, 10, 10), np.uint8))


def page(*blocks):
    return render_report(Report(title='A title', sections=(Section(title='S', blocks=blocks),)))


def test_report_without_sections_is_a_page():
    text = render_report(Report(title='Empty', sections=()))
    assert '<title>Empty</title>' in text
    assert '<section>' not in text


def test_every_kind_of_block_appears():
    text = page(
        Figures(items=(Figure(label='mAP', value='0.912', note='300 scenes'),)),
        Table(columns=('class', 'AP', 'n'), rows=(('cone', 0.5, 3), ('sign', float('nan'), None))),
        Text(paragraphs=('one', 'two')),
        Plot(svg='<svg id="probe"></svg>', caption='a plot'),
        Gallery(pictures=(picture(FRAME, 'a frame'),)),
        Video(source='demo.webm', caption='a film'),
    )
    for part in ('0.912', '300 scenes', '<td>0.500</td><td>3</td>', '<td>–</td><td>–</td>'):
        assert part in text
    for part in ('<p>two</p>', '<svg id="probe">', 'a frame', 'type="video/webm"', 'a film'):
        assert part in text


def test_text_is_escaped():
    text = page(Text(paragraphs=('<script>alert(1)</script>',)))
    assert '<script>' not in text
    assert '&lt;script&gt;' in text


def test_page_loads_nothing_from_elsewhere():
    text = page(Gallery(pictures=(picture(FRAME),)))
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert 'url(' not in text


def test_tags_are_balanced():
    class Balance(html.parser.HTMLParser):
        void = ('meta', 'img', 'source', 'br')
        open_tags: list = []  # noqa: RUF012

        def handle_starttag(self, tag, attrs):
            if tag not in self.void:
                self.open_tags.append(tag)

        def handle_endtag(self, tag):
            assert self.open_tags.pop() == tag

    parser = Balance()
    parser.feed(page(Table(columns=('a',), rows=(('b',),), caption='c'), Video(source='v.mp4')))
    assert parser.open_tags == []


def test_table_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match='does not fit'):
        Table(columns=('a', 'b'), rows=((1,),))


def test_contact_sheet_pads_the_last_row():
    sheet = contact_sheet([FRAME] * 5, columns=4, tile_width=40)
    assert sheet.size_wh == (160, 60)
    assert tuple(sheet.pixels[45, 20]) == (250, 10, 10)
    assert tuple(sheet.pixels[45, 60]) == (0, 0, 0)


def test_contact_sheet_of_nothing_is_refused():
    with pytest.raises(ValueError, match='needs a frame'):
        contact_sheet([])


def test_report_is_written_into_a_new_folder(tmp_path):
    path = write_report(Report(title='T', sections=()), tmp_path / 'new' / 'report.html')
    assert path.read_text(encoding='utf-8').startswith('<!DOCTYPE html>')
