"""Launch files run for real, where ``launch_ros`` can be had."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import GetState

LAUNCH_FOLDER = Path(__file__).resolve().parents[2] / 'launch'


@pytest.fixture
def real_launch() -> None:
    if importlib.util.find_spec('launch_ros') is None:
        pytest.skip('launch_ros is not installed: it is in no registry, source a ROS 2 for it')


SCRIPT = (
    'import sys; from launch import LaunchDescription, LaunchService;'
    'from launch.actions import IncludeLaunchDescription as Include;'
    'from launch.launch_description_sources import PythonLaunchDescriptionSource as Source;'
    'service = LaunchService(noninteractive=True);'
    'arguments = [a.split(":=", 1) for a in sys.argv[2:]];'
    'service.include_launch_description(LaunchDescription(['
    '    Include(Source(sys.argv[1]), launch_arguments=arguments)]));'
    'sys.exit(service.run())'
)


@contextlib.contextmanager
def launched(folder: Path, *arguments: str, stem: str = 'detection') -> Iterator[subprocess.Popen]:
    """Launch nodes in the namespace front; Ctrl-C must end everything quickly."""
    command = [sys.executable, '-c', SCRIPT, str(LAUNCH_FOLDER / f'{stem}.launch.py')]
    environment = {
        **os.environ,
        'ROS_LOG_DIR': str(folder),
        'PYTHONPATH': f'{LAUNCH_FOLDER.parent}:{os.environ.get("PYTHONPATH", "")}',
    }
    process = subprocess.Popen([*command, 'namespace:=front', *arguments], env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        assert process.wait(20) == 0
    assert time.monotonic() - started < 5, 'the node was killed, it did not end by itself'


def children(process: subprocess.Popen) -> list[int]:
    """Return the process ids of what launch started."""
    listing = Path(f'/proc/{process.pid}/task').glob('*/children')
    return [int(number) for path in listing for number in path.read_text().split()]


def state(graph, node: str = 'detection_node') -> str:
    name = f'/front/{node}/get_state'
    return graph.call(GetState, name, GetState.Request(), 60).current_state.label


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.usefixtures('real_launch')
@pytest.mark.parametrize(('autostart', 'wanted'), [('true', 'active'), ('false', 'unconfigured')])
def test_launched_node_reaches_the_state_that_autostart_says(
    autostart: str, wanted: str, graph, blob_bundle, tmp_path: Path
):
    arguments = (f'model:={blob_bundle.path}', f'autostart:={autostart}')
    with launched(tmp_path, *arguments):
        graph.wait_until(lambda: state(graph) == wanted, 60)


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.usefixtures('real_launch')
def test_killed_node_is_active_again_after_respawn(graph, blob_bundle, tmp_path: Path):
    reports = graph.listen(DiagnosticArray, '/diagnostics')

    def active() -> bool:
        found = any(entry.value == 'active' for r in reports for entry in r.status[0].values)
        reports.clear()
        return found

    arguments = (f'model:={blob_bundle.path}', 'use_respawn:=true')
    with launched(tmp_path, *arguments) as process:
        graph.wait_until(active, 60)
        os.kill(children(process)[0], signal.SIGKILL)
        graph.turn(1.5)
        reports.clear()
        graph.wait_until(active, 60)


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.usefixtures('real_launch')
def test_nodes_of_nav2_perception_are_active_and_joined(graph, colour_bundle, tmp_path: Path):
    arguments = (f'model:={colour_bundle.path}', 'camera_info:=camera/camera_info')
    with launched(tmp_path, *arguments, stem='nav2_perception'):
        for node in ('segmentation_node', 'semantic_map_node'):
            graph.wait_until(lambda name=node: state(graph, name) == 'active', 60)
        for topic in ('mask', 'confidence', 'label_info'):
            name = f'/front/segmentation_node/{topic}'
            graph.wait_until(lambda wanted=name: graph.probe.count_subscribers(wanted))
            assert graph.probe.count_publishers(name) == 1
        assert graph.probe.count_subscribers('/front/camera/camera_info') == 1
