"""The root of the command line: quick, lazy, and plain when something is wrong."""

import os
import subprocess
import sys
import types

import pytest
import typer

from perception_nodes.cli import main as root

HEAVY = ('torch', 'cv2', 'numpy', 'onnxruntime', 'mujoco', 'matplotlib', 'rclpy')


@pytest.fixture
def mount(monkeypatch):
    """Mount a function or an app as the command ``probe``."""

    def add(target, extra=''):
        module = types.ModuleType('perception_nodes.cli.probe')
        module.target = target
        monkeypatch.setitem(sys.modules, 'perception_nodes.cli.probe', module)
        command = root.LazyCommand(module='probe', attribute='target', help='Probe.', extra=extra)
        monkeypatch.setitem(root.COMMANDS, 'probe', command)

    return add


def ends_with(code, *words):
    with pytest.raises(SystemExit) as end:
        root.main(words)
    assert end.value.code == code


def test_help_names_every_command(capsys):
    ends_with(0, '--help')
    text = capsys.readouterr().out
    assert all(name in text for name in root.COMMANDS)


def test_root_imports_nothing_heavy():
    code = (
        'import sys; from perception_nodes.cli.main import build_app; build_app(None);'
        f'print([name for name in {HEAVY!r} if name in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'


def test_version_needs_no_command(capsys):
    ends_with(0, '--version')
    assert capsys.readouterr().out.startswith('perception_suite ')


def test_called_function_gets_its_arguments(mount, capsys):
    def probe(count: int = 1) -> None:
        typer.echo(f'count {count}')

    mount(probe)
    ends_with(0, 'probe', '--count', '3')
    assert capsys.readouterr().out == 'count 3\n'


def test_called_group_runs_its_command(mount, capsys):
    app = typer.Typer()
    app.command('one')(lambda: typer.echo('first'))
    app.command('two')(lambda: typer.echo('second'))
    mount(app)
    ends_with(0, 'probe', 'two')
    assert capsys.readouterr().out == 'second\n'


@pytest.mark.parametrize('error', [ValueError('width: 0'), FileNotFoundError('no such bundle')])
def test_our_errors_are_one_line_and_code_two(mount, capsys, error):
    def probe() -> None:
        raise error

    mount(probe)
    ends_with(2, 'probe')
    text = capsys.readouterr().err
    assert f'Error: {error}' in text
    assert 'Traceback' not in text


def test_debug_shows_the_traceback(mount):
    def probe() -> None:
        raise ValueError('width: 0')

    mount(probe)
    with pytest.raises(ValueError, match='width'):
        root.main(['--debug', 'probe'])


def test_defect_is_not_dressed_up_as_a_wrong_call(mount):
    def probe() -> None:
        raise KeyError('lost')

    mount(probe)
    with pytest.raises(KeyError):
        root.main(['probe'])


def test_missing_package_names_the_group_that_installs_it(mount, capsys):
    def probe() -> None:
        import package_that_is_not_there  # noqa: F401

    mount(probe, extra='training')
    ends_with(2, 'probe')
    text = ' '.join(capsys.readouterr().err.split())
    assert "'package_that_is_not_there' is missing" in text
    assert "pip install 'perception_suite[training]'" in text


def test_mistyped_command_suggests_the_right_one(capsys):
    ends_with(2, 'demoo')
    assert "Did you mean 'demo'" in capsys.readouterr().err


def test_completion_imports_the_command_on_the_line(mount, monkeypatch, capsys):
    def probe(threshold: float = 0.5) -> None:
        typer.echo(threshold)

    mount(probe)
    monkeypatch.setitem(os.environ, '_PERCEPTION_COMPLETE', 'complete_bash')
    monkeypatch.setitem(os.environ, 'COMP_WORDS', 'perception probe --thr')
    monkeypatch.setitem(os.environ, 'COMP_CWORD', '2')
    ends_with(0)
    assert '--threshold' in capsys.readouterr().out


@pytest.mark.parametrize('name', sorted(root.COMMANDS))
def test_every_command_loads_and_explains_itself(name, capsys):
    try:
        root.COMMANDS[name].load()
    except ModuleNotFoundError as error:
        if (error.name or '').startswith('perception_nodes'):
            raise
        pytest.skip(f'optional package {error.name} is not installed')
    ends_with(0, name, '--help')
    assert f'perception {name}' in capsys.readouterr().out
