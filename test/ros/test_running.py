"""Nodes as processes: how they end, and that each side survives the death of the other."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
CAMERA = """
import array, rclpy
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node('camera')
publisher = node.create_publisher(Image, 'image', 5)
image = Image(width=320, height=320, step=960, encoding='rgb8')
image.data = array.array('B', bytes(307200))
def tick():
    image.header.stamp = node.get_clock().now().to_msg()
    publisher.publish(image)
node.create_timer(0.05, tick)
rclpy.spin(node)
"""


class Processes:
    """Children of a test, with their output in files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen] = []
        paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
        self.environment = {
            **os.environ,
            'PYTHONPATH': os.pathsep.join(filter(None, paths)),
            'ROS_LOG_DIR': str(folder),
        }

    def python(self, *arguments: str) -> subprocess.Popen:
        output = self.folder / f'{len(self.running)}.log'
        with output.open('wb') as stream:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=self.environment,
            )
        process.log = output
        self.running.append(process)
        return process

    def node(self, name: str, **parameters: object) -> subprocess.Popen:
        settings = [f'{key}:={value}' for key, value in parameters.items()]
        flags = [part for setting in settings for part in ('-p', setting)]
        return self.python('-m', f'perception_nodes.ros.{name}', '--ros-args', *flags)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


@pytest.fixture
def detector(processes, blob_bundle):
    return lambda: processes.node('detection_node', model=blob_bundle.path, threads=1)


def active(graph) -> object:
    return graph.wait_until(lambda: graph.probe.count_subscribers('image'), 30.0)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_an_active_node_cleanly(graph, detector, number):
    process = detector()
    active(graph)
    process.send_signal(number)
    assert process.wait(10) == 0
    assert 'Traceback' not in process.log.read_text()
    graph.wait_until(lambda: not graph.probe.count_subscribers('image'))


def test_impatient_user_who_presses_twice_gets_a_clean_end(graph, detector):
    process = detector()
    active(graph)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert 'Traceback' not in process.log.read_text()


def test_signal_with_pictures_in_work_ends_cleanly(graph, processes, detector):
    processes.python('-c', CAMERA)
    found = graph.listen(Detection2DArray, 'detection_node/detections')
    process = detector()
    graph.wait_until(lambda: len(found) > 3, 30.0)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert 'Traceback' not in process.log.read_text()


def test_simulator_ends_cleanly(graph, processes):
    process = processes.node('simulation_node', drive='path', things=2, walkers=0)
    frames = graph.listen(Image, 'camera/image_raw')
    graph.wait_until(lambda: len(frames) > 2, 60.0)
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0
    assert 'Traceback' not in process.log.read_text()


def test_parameter_that_breaks_a_rule_ends_with_the_reason(processes):
    process = processes.node('detection_node', score_threshold='2.0')
    assert process.wait(30) == 2
    text = process.log.read_text()
    assert 'Traceback' not in text
    assert 'score_threshold' in text


def test_killed_camera_that_comes_back_is_answered(graph, processes, detector):
    found = graph.listen(Detection2DArray, 'detection_node/detections')
    process = detector()
    for _ in range(2):
        camera = processes.python('-c', CAMERA)
        found.clear()
        graph.wait_until(lambda: len(found) > 3, 30.0)
        camera.kill()
        camera.wait()
    assert process.poll() is None


def test_killed_detector_that_comes_back_answers(graph, processes, detector):
    camera = processes.python('-c', CAMERA)
    pictures = graph.listen(Image, 'image')
    for _ in range(2):
        found = graph.listen(Detection2DArray, 'detection_node/detections')
        process = detector()
        graph.wait_until(lambda collected=found: len(collected) > 3, 30.0)
        process.kill()
        process.wait()
    pictures.clear()
    started = time.monotonic()
    graph.wait_until(lambda: len(pictures) > 10)
    assert time.monotonic() - started < 5
    assert camera.poll() is None
