"""``perception nav2 check``: what a user sees, and the exit codes that scripts see."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from perception_nodes.cli.main import main
from perception_nodes.cli.nav2 import app

CONFIG = Path(__file__).parents[2] / 'config'
SOUND = CONFIG / 'nav2_voxel_layer.yaml'


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('COLUMNS', '220')


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return a file with one error (data_type) and one warning (publish_frequency)."""
    text = SOUND.read_text().replace('data_type: PointCloud2', 'data_type: LaserScan', 1)
    text = text.replace('publish_frequency: 2.0', 'publish_frequency: 0.0')
    path = tmp_path / 'mine.yaml'
    path.write_text(text)
    return path


def call(*words: object, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(app, ['check', *map(str, words)])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


def line_of(path: Path, text: str) -> str:
    rows = path.read_text().splitlines()
    return f'{path.name}:{next(n for n, row in enumerate(rows, 1) if text in row)}'


def test_sound_file_ends_with_zero():
    assert 'nothing found' in call(SOUND).output


def test_error_is_shown_with_place_line_and_cure(broken):
    output = call(broken, exit_code=1).output
    assert 'local_costmap/local_costmap: voxel_layer.semantic.data_type' in output
    assert line_of(broken, 'data_type: LaserScan') in output
    assert 'write PointCloud2' in output
    assert '1 error, 1 warning' in output


def test_warning_alone_fails_only_when_strict(tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text(SOUND.read_text().replace('publish_frequency: 2.0', 'publish_frequency: 0.0'))
    call(path)
    call(path, '--strict', exit_code=1)


def test_json_is_one_object_with_lines(broken):
    report = json.loads(call(broken, '--json', exit_code=1).stdout)
    assert report['sound'] is False
    first = report['findings'][0]
    assert (first['check'], first['severity']) == ('data_type', 'error')
    assert first['line'] == line_of(broken, 'data_type: LaserScan')
    assert set(first) == {'check', 'severity', 'where', 'what', 'cure', 'line'}


def test_json_of_a_sound_file():
    assert json.loads(call(SOUND, '--json').stdout) == {'sound': True, 'findings': []}


def test_second_file_overrides_the_first(broken, tmp_path):
    cure = tmp_path / 'cure.yaml'
    cure.write_text(
        '/local_costmap/local_costmap:\n  ros__parameters:\n'
        '    publish_frequency: 1.0\n    voxel_layer.semantic.data_type: PointCloud2\n'
    )
    call(broken, cure)


def test_release_decides_about_relative_topics(tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text(SOUND.read_text().replace('topic: /semantic', 'topic: semantic'))
    assert 'relative' in call(path, exit_code=1).output
    call(path, '--release', 'kilted')


def test_missing_file_is_a_usage_error(tmp_path):
    assert 'does not exist' in call(tmp_path / 'none.yaml', exit_code=2).output


def test_broken_yaml_is_one_line_through_the_root_command(tmp_path, capsys):
    path = tmp_path / 'mine.yaml'
    path.write_text('local_costmap:\n  a: 1\n b: 2\n')
    with pytest.raises(SystemExit) as caught:
        main(['nav2', 'check', str(path)])
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert 'mine.yaml:3' in (printed.out + printed.err).replace('\n', '')


def test_brackets_in_a_file_are_no_markup(tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text("local_costmap:\n  local_costmap:\n    '[bold]x[/oops]': 1\n")
    assert '[bold]x[/oops]' in call(path, exit_code=1).output
