"""Launch files run for real, where ``launch_ros`` can be had."""

import contextlib
import importlib.util
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

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


def command_of(folder: Path, stem: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that launches, and its environment."""
    environment = {
        **os.environ,
        'ROS_LOG_DIR': str(folder),
        'PYTHONPATH': f'{LAUNCH_FOLDER.parent}:{os.environ.get("PYTHONPATH", "")}',
    }
    return [sys.executable, '-c', SCRIPT, str(LAUNCH_FOLDER / f'{stem}.launch.py')], environment


@contextlib.contextmanager
def launched(folder: Path, *arguments: str, stem: str = 'detection') -> Iterator[subprocess.Popen]:
    """Launch nodes in the namespace front; Ctrl-C must end everything quickly."""
    command, environment = command_of(folder, stem)
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


# In place of a program of another package: notes how it was started, and waits for its end.
PROGRAM = """#!{python}
import json, os, signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
with open({note!r} + '.part', 'w') as note:
    json.dump({{'arguments': sys.argv[1:], 'environment': dict(os.environ)}}, note)
os.rename({note!r} + '.part', {note!r})
signal.pause()
"""
# As in ros_gz_sim: a shell reads the arguments.
GZ_SIM_LAUNCH = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration


def generate_launch_description():
    command = [{program!r}, LaunchConfiguration('gz_args')]
    return LaunchDescription([
        DeclareLaunchArgument('gz_args', default_value=''),
        ExecuteProcess(cmd=command, shell=True),
    ])
"""
PROGRAMS = {
    'ros_gz_sim': 'gz', 'ros_gz_bridge': 'parameter_bridge',
    'robot_state_publisher': 'robot_state_publisher', 'rviz2': 'rviz2',
}  # fmt: skip


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Install programs under the names of those of other packages; return where they note."""
    prefix = tmp_path / 'others'
    notes = {}
    for package, name in PROGRAMS.items():
        notes[name] = prefix / f'{name}.json'
        program = prefix / 'lib' / package / name
        index = prefix / 'share/ament_index/resource_index/packages' / package
        for path, text in (
            (program, PROGRAM.format(python=sys.executable, note=str(notes[name]))),
            (index, ''),
            (
                prefix / 'share' / package / 'launch/gz_sim.launch.py',
                GZ_SIM_LAUNCH.format(program=f'exec {program}'),
            ),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        program.chmod(0o755)
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{prefix}:{os.environ["AMENT_PREFIX_PATH"]}')
    monkeypatch.setenv('PERCEPTION_CACHE', str(tmp_path / 'cache of mine'))
    return notes


def parameters_of(arguments: list[str]) -> dict[str, object]:
    """Return the parameters of a node's command line."""
    found = {}
    for flag, value in itertools.pairwise(arguments):
        if flag == '--params-file':
            found |= yaml.safe_load(Path(value).read_text())['/**']['ros__parameters']
    return found


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.usefixtures('real_launch')
def test_gazebo_is_started_with_what_the_bridge_and_the_robot_need(
    graph, programs: dict[str, Path], tmp_path: Path
):
    pytest.importorskip('perception_nodes.simulation.backend')
    arguments = ('course:=s_curve', 'headless:=true', 'release:=fortress', 'rviz:=true')
    with launched(tmp_path, *arguments, stem='gazebo'):
        graph.wait_until(lambda: all(note.is_file() for note in programs.values()), 60)
        graph.wait_until(lambda: state(graph, 'cmd_vel_timeout_node') == 'active', 60)
        assert graph.probe.count_subscribers('/front/cmd_vel') == 1
        assert graph.probe.count_publishers('/front/base/cmd_vel') == 1
        notes = {name: json.loads(note.read_text()) for name, note in programs.items()}
        bridge = notes['parameter_bridge']['arguments']
        config = Path(parameters_of(bridge)['config_file'])
        description = parameters_of(notes['robot_state_publisher']['arguments'])
    *options, world = notes['gz']['arguments']
    assert options == ['-r', '-s', '--headless-rendering']
    assert Path(world).parent == config.parent
    assert {'cmd_vel:=base/cmd_vel', '/tf:=tf', '__ns:=/front'} <= set(bridge)
    assert 'ignition.msgs.Twist' in config.read_text()
    assert 'MALLOC_MMAP_THRESHOLD_' in notes['parameter_bridge']['environment']
    assert description['robot_description'].startswith('<?xml')
    assert description['use_sim_time'] is True
    assert notes['rviz2']['arguments'][0] == '-d'


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.usefixtures('real_launch')
def test_without_gazebo_the_launch_ends_with_the_cure(tmp_path: Path):
    pytest.importorskip('perception_nodes.simulation.backend')
    command, environment = command_of(tmp_path, 'gazebo')
    environment['PERCEPTION_CACHE'] = str(tmp_path)
    done = subprocess.run(
        [*command, 'course:=straight'], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert 'sudo apt install' in done.stdout
    assert '-ros-gz' in done.stdout
