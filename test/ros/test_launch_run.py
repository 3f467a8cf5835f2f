"""Launch files run for real, where ``launch_ros`` can be had."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LAUNCH_FOLDER = Path(__file__).resolve().parents[2] / 'launch'


@pytest.fixture
def real_launch() -> None:
    if importlib.util.find_spec('launch_ros') is None:
        pytest.skip('launch_ros is not installed: it is in no registry, source a ROS 2 for it')


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.usefixtures('real_launch')
@pytest.mark.parametrize('autostart', ['true', 'false'])
def test_launched_node_reaches_the_state_that_autostart_says(
    autostart: str, graph, blob_bundle, tmp_path: Path
):
    from lifecycle_msgs.srv import GetState

    script = (
        'import sys; from launch import LaunchDescription, LaunchService;'
        'from launch.actions import IncludeLaunchDescription as Include;'
        'from launch.launch_description_sources import PythonLaunchDescriptionSource as Source;'
        'service = LaunchService(noninteractive=True);'
        'arguments = [a.split(":=", 1) for a in sys.argv[2:]];'
        'service.include_launch_description(LaunchDescription(['
        '    Include(Source(sys.argv[1]), launch_arguments=arguments)]));'
        'sys.exit(service.run())'
    )
    command = [sys.executable, '-c', script, str(LAUNCH_FOLDER / 'detection.launch.py')]
    arguments = [f'model:={blob_bundle.path}', f'autostart:={autostart}', 'namespace:=front']
    environment = {
        **os.environ,
        'ROS_LOG_DIR': str(tmp_path),
        'PYTHONPATH': f'{LAUNCH_FOLDER.parent}:{os.environ.get("PYTHONPATH", "")}',
    }
    wanted = 'active' if autostart == 'true' else 'unconfigured'

    def state() -> str:
        request = GetState.Request()
        return graph.call(GetState, '/front/detection_node/get_state', request, 60)

    with subprocess.Popen(command + arguments, env=environment) as process:
        try:
            graph.wait_until(lambda: state().current_state.label == wanted, 60)
        finally:
            process.send_signal(signal.SIGINT)
            started = time.monotonic()
            assert process.wait(20) == 0
    assert time.monotonic() - started < 5, 'the node was killed, it did not end by itself'
