"""Child processes: logs, deaths and clean ends."""

import os
import signal
import sys
import time

import pytest

from perception_nodes.cli import child_processes
from perception_nodes.cli.child_processes import Child, ChildDiedError, Children

WAITS = """
import signal, sys, time
def end(number, frame):
    print('ended by', number)
    sys.exit(0)
signal.signal(signal.SIGINT, end)
print('ready')
time.sleep(60)
"""
IGNORES = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print('ready')
time.sleep(60)
"""
FAILS = "print('the reason'); raise SystemExit(3)"


@pytest.fixture
def start(tmp_path):
    started = []

    def run(source, name='node'):
        (tmp_path / f'{name}_script.py').write_text(source)
        environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
        child = Child(
            name, f'{name}_script', (), environment=environment, log_folder=tmp_path / 'logs'
        )
        started.append(child)
        return child

    yield run
    for child in started:
        child.stop()


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_running_child_passes_the_check(start):
    child = start(WAITS)
    wait_for(lambda: 'ready' in child.log_tail())
    child.check()
    assert child.command[0] == sys.executable


def test_child_that_died_is_reported_with_the_end_of_its_log(start):
    child = start(FAILS)
    wait_for(lambda: child.exit_code is not None)
    with pytest.raises(ChildDiedError, match='code 3') as caught:
        child.check()
    assert 'the reason' in str(caught.value)


def test_child_that_heeds_sigint_ends_with_zero(start):
    child = start(WAITS)
    wait_for(lambda: 'ready' in child.log_tail())
    assert child.stop() == 0
    assert f'ended by {int(signal.SIGINT)}' in child.log_tail()
    assert child.stop() == 0


def test_child_that_ignores_sigint_is_terminated(start, monkeypatch):
    monkeypatch.setitem(child_processes._PATIENCE_S, signal.SIGINT, 0.2)
    child = start(IGNORES)
    wait_for(lambda: 'ready' in child.log_tail())
    assert child.stop() == -signal.SIGTERM


def test_group_ends_the_others_when_one_dies(start):
    waits = start(WAITS, 'first')
    wait_for(lambda: 'ready' in waits.log_tail())
    fails = start(FAILS, 'second')
    wait_for(lambda: fails.exit_code is not None)
    with Children() as children:
        children.add(waits)
        children.add(fails)
        with pytest.raises(ChildDiedError, match='second'):
            children.check()
    assert waits.exit_code == 0
