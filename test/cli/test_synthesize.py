import json
import re

import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.synthesize import parse_size, synthesize
from perception_nodes.simulation.backend import RenderingUnavailableError, open_gl_context


@pytest.fixture(scope='module')
def run():
    try:
        open_gl_context(64, 64).free()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))
    app = typer.Typer()
    app.command()(synthesize)
    return lambda *arguments: CliRunner().invoke(app, [str(item) for item in arguments])


def test_data_set_is_written_by_two_workers_and_continued(run, tmp_path):
    options = ('--size', '160x120', '--seed', 4)
    first = run(tmp_path, '--scenes', 11, '--workers', 2, *options)
    assert first.exit_code == 0, first.output
    assert 'partly occluded' in first.output
    images = json.loads((tmp_path / 'annotations.json').read_text())['images']
    assert [image['id'] for image in images] == list(range(11))
    before = (tmp_path / 'images/000010.jpg').stat().st_mtime_ns
    again = run(tmp_path, '--scenes', 12, '--workers', 1, *options)
    assert again.exit_code == 0, again.output
    assert (tmp_path / 'images/000010.jpg').stat().st_mtime_ns == before
    assert (tmp_path / 'images/000011.jpg').is_file()
    card = json.loads((tmp_path / 'dataset.json').read_text())
    page = (tmp_path / 'report.html').read_text()
    assert '12 scenes, train, seed 4' in page
    assert page.count('data:image/jpeg') == 1, 'a contact sheet'
    name, count = max(card['objects_per_class'].items(), key=lambda item: item[1])
    assert re.search(rf'<td class="words">{name}</td><td>{count}</td>', page)
    assert 'size_wh' in page, 'the settings'


def test_other_assets_in_the_same_folder_are_refused(run, tmp_path):
    assert run(tmp_path, '--scenes', 1, '--size', '160x120', '--workers', 1).exit_code == 0
    mixed = run(tmp_path, '--scenes', 2, '--size', '160x120', '--assets', 'held_out')
    assert mixed.exit_code == 2
    assert 'another configuration' in ' '.join(mixed.output.split())


def test_unknown_assets_name_the_known_ones(run, tmp_path):
    result = run(tmp_path / 'set', '--assets', 'photos')
    assert result.exit_code == 2
    assert 'held_out' in result.output
    assert not (tmp_path / 'set').exists()


@pytest.mark.parametrize('text', ['640', '640x', 'axb', '8x8', '640x480x3'])
def test_size_that_is_none_is_refused(text):
    with pytest.raises(typer.BadParameter, match='WIDTHxHEIGHT'):
        parse_size(text)


def test_size_is_width_and_height():
    assert parse_size('640x480') == (640, 480)
