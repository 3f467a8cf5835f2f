"""The command itself: what it prints and how it ends."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from perception_nodes.cli import doctor as command
from perception_nodes.cli.main import build_app
from perception_nodes.ros.doctor.finding import error, info, warning
from perception_nodes.ros.doctor.snapshot import GraphSnapshot, NodeState

RUNNER = CliRunner()


def run(monkeypatch, findings, *arguments, nodes=('/camera',)):
    """Call the command with the graph replaced by given findings."""
    snapshot = GraphSnapshot(nodes=tuple(NodeState(name=name) for name in nodes))
    monkeypatch.setattr(command, '_observe', lambda *options: snapshot)
    monkeypatch.setattr(command, '_examine', lambda snapshot: findings)
    monkeypatch.setattr('perception_nodes.ros.doctor.environment.ENVIRONMENT_CHECKS', {})
    return RUNNER.invoke(build_app('doctor'), ['doctor', *arguments])


CAUSE = error('qos', '/image', 'no match', 'let both offer reliable')
HINT = warning('diagnostics', '/camera', 'hot', 'cool it')
NOTE = info('profile', 'VARIABLE', 'unset', 'set it')


@pytest.mark.parametrize(
    ('findings', 'arguments', 'code'),
    [
        ([], [], 0),
        ([NOTE], ['--strict'], 0),
        ([HINT], [], 0),
        ([HINT], ['--strict'], 1),
        ([HINT, CAUSE], [], 1),
    ],
)
def test_exit_code(monkeypatch, findings, arguments, code):
    assert run(monkeypatch, findings, *arguments).exit_code == code


def test_one_line_per_finding_with_mark_subject_and_cure(monkeypatch):
    lines = run(monkeypatch, [CAUSE, HINT]).stdout.splitlines()
    assert '✗ /image: no match → let both offer reliable' in lines
    assert '! /camera: hot → cool it' in lines
    assert lines[-1].startswith('ill')


def test_words_in_square_brackets_are_no_markup(monkeypatch):
    finding = error('qos', '/image', 'offers [red]', 'see [bold]')
    assert 'offers [red] → see [bold]' in run(monkeypatch, [finding]).stdout


def test_clean_graph_is_called_healthy(monkeypatch):
    assert run(monkeypatch, []).stdout.splitlines()[-1] == 'healthy'


def test_empty_graph_is_not_called_healthy(monkeypatch):
    assert 'no graph seen' in run(monkeypatch, [], nodes=()).stdout


def test_json_holds_every_field(monkeypatch):
    report = json.loads(run(monkeypatch, [CAUSE], '--json').stdout)
    assert report['healthy'] is False
    assert report['graph'] == [
        {
            'check': 'qos',
            'severity': 'error',
            'subject': '/image',
            'what': 'no match',
            'cure': 'let both offer reliable',
        }
    ]
    assert report['observed']['nodes'] == ['/camera']


WITHOUT_ROS = """
import sys
sys.modules['rclpy'] = None
from perception_nodes.cli.main import main
main(['doctor', '--json'])
"""


def test_machine_without_ros_gets_its_cure_and_no_traceback():
    result = subprocess.run(
        [sys.executable, '-c', WITHOUT_ROS], capture_output=True, text=True, timeout=60
    )
    report = json.loads(result.stdout)
    assert result.returncode == 1
    assert report['observed'] is None
    named = [item for item in report['environment'] if item['severity'] == 'error']
    assert 'ros' in {item['check'] for item in named}
    assert 'Traceback' not in result.stderr


@pytest.mark.ros
def test_empty_domain_ends_in_time():
    result = subprocess.run(
        [sys.executable, '-m', 'perception_nodes.cli.main', 'doctor', '--duration', '1'],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, 'ROS_DOMAIN_ID': '101'},
    )
    assert 'Graph on domain 101' in result.stdout, result.stderr
