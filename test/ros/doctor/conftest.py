"""Hand-made graphs: a healthy one, and the means to break it in one place."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import pytest

from perception_nodes.ros.doctor.snapshot import (
    CAMERA_INFO,
    DETECTIONS_2D,
    IMAGE,
    Endpoint,
    GraphSnapshot,
    Lifecycle,
    NodeState,
    ProcessState,
    Sample,
    Stream,
    TransformSample,
)
from perception_nodes.ros.domains import free_domain

START_S = 1_795_000_000.0
WINDOW_S = 5.0
CAMERA_PID, DETECTOR_PID = 100, 200
PROJECT_ROOT = Path(__file__).resolve().parents[3]
# The shipped shared-memory profile, for Fast DDS 2 and 3.
LARGE_SEGMENT = dict.fromkeys(
    ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'),
    str(PROJECT_ROOT / 'config' / 'fastdds_shared_memory.xml'),
)
NO_VISION_MSGS = 'no vision_msgs: source environment/activate.sh'
# Graphs that are planted at once: five processes each, which mostly wait.
SIDE_BY_SIDE = 4


def samples(rate_hz=30.0, **changes):
    """Return messages over the window; callables in ``changes`` get the arrival time."""
    found = []
    for index in range(int(rate_hz * WINDOW_S)):
        received_s = START_S + index / rate_hz
        values = {
            'stamp_s': received_s - 0.01,
            'source_s': received_s - 0.005,
            'frame_id': 'camera_optical',
            'sequence': index + 1,
            'size_bytes': 640 * 480 * 3,
            'encoding': 'rgb8',
        }
        for key, value in changes.items():
            values[key] = value(received_s) if callable(value) else value
        found.append(Sample(received_s=received_s, **values))
    return tuple(found)


def transforms(stamp_offset_s=0.0, camera_parent='base_link'):
    """Return odom → base_link at 20 Hz and the camera, static."""
    moving = tuple(
        TransformSample(
            parent='odom',
            child='base_link',
            stamp_s=START_S + index / 20 + stamp_offset_s,
            received_s=START_S + index / 20 + 0.01,
        )
        for index in range(int(20 * WINDOW_S))
    )
    mount = TransformSample(
        parent=camera_parent, child='camera_optical', received_s=START_S, is_static=True
    )
    return (*moving, mount)


class Graph:
    """Builds snapshots; everything a test does not change is healthy."""

    samples = staticmethod(samples)
    transforms = staticmethod(transforms)
    start_s, window_s = START_S, WINDOW_S
    camera_pid, detector_pid = CAMERA_PID, DETECTOR_PID

    @property
    def healthy(self):
        """Return camera → detector → reader, with transforms."""
        image = Endpoint(topic='/image', type_name=IMAGE, node='/camera', process_id=CAMERA_PID)
        results = Endpoint(
            topic='/detector/detections',
            type_name=DETECTIONS_2D,
            node='/detector',
            process_id=DETECTOR_PID,
        )
        return GraphSnapshot(
            started_s=START_S,
            ended_s=START_S + WINDOW_S,
            domain_id=7,
            nodes=(
                NodeState(name='/camera', use_sim_time=False),
                NodeState(name='/detector', lifecycle=Lifecycle.ACTIVE, use_sim_time=False),
            ),
            publishers=(
                image,
                replace(image, topic='/camera_info', type_name=CAMERA_INFO),
                results,
            ),
            subscriptions=(
                replace(image, node='/detector', process_id=DETECTOR_PID),
                replace(results, node='/planner', process_id=300),
            ),
            streams=(
                Stream(topic='/image', type_name=IMAGE, samples=samples()),
                Stream(topic='/camera_info', type_name=CAMERA_INFO, samples=samples()),
                Stream(
                    topic='/detector/detections',
                    type_name=DETECTIONS_2D,
                    samples=samples(count=2, size_bytes=0, encoding=''),
                ),
            ),
            transforms=transforms(),
            processes=(
                ProcessState(process_id=CAMERA_PID, environment={}, segment_bytes=64 << 20),
                ProcessState(process_id=DETECTOR_PID, environment={}),
            ),
        )

    def with_stream(self, topic, snapshot=None, /, **changes):
        """Return the graph with one stream changed."""
        snapshot = snapshot or self.healthy
        streams = tuple(
            replace(stream, **changes) if stream.topic == topic else stream
            for stream in snapshot.streams
        )
        return replace(snapshot, streams=streams)

    def with_images(self, **changes):
        """Return the graph with every image message changed."""
        return self.with_stream('/image', samples=samples(**changes))

    def with_endpoint(self, side, topic, snapshot=None, /, **changes):
        """Return the graph with the endpoints of one topic changed; side as in the snapshot."""
        snapshot = snapshot or self.healthy
        endpoints = tuple(
            replace(endpoint, **changes) if endpoint.topic == topic else endpoint
            for endpoint in getattr(snapshot, side)
        )
        return replace(snapshot, **{side: endpoints})

    def without(self, side, topic, snapshot=None):
        """Return the graph without the endpoints of one topic."""
        snapshot = snapshot or self.healthy
        endpoints = tuple(e for e in getattr(snapshot, side) if e.topic != topic)
        return replace(snapshot, **{side: endpoints})


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def summary():
    """Return a function that reduces findings to (check, subject) of the errors."""

    def errors(findings):
        return [(item.check, item.subject) for item in findings if item.severity == 'error']

    return errors


def wait_until_ready(process):
    assert process.stdout.readline().strip() == 'ready', f'{process.args} did not start'


class Plant:
    """Starts roles of ``planted_graph.py`` as processes and asks the real doctor about them."""

    def __init__(self, domain_id):
        self.domain_id, self.other_domain_id = domain_id, domain_id + 1
        self.processes = []

    def start(self, role, **options):
        """Start one role and return its process when it is up."""
        process = self.launch(role, **options)
        wait_until_ready(process)
        return process

    def launch(self, role, *, environment=None, sim_time=False, large_segment=False, **options):
        """Start one role as a process."""
        script = Path(__file__).parent / 'planted_graph.py'
        command = [sys.executable, str(script), role, json.dumps(options)]
        if sim_time:
            command += ['--ros-args', '-p', 'use_sim_time:=true']
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **self.environment,
                **(LARGE_SEGMENT if large_segment else {}),
                **(environment or {}),
            },
        )
        self.processes.append(process)
        return process

    @property
    def environment(self):
        """Return the variables of a healthy process, without a profile of the caller's shell."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if 'DEFAULT_PROFILES_FILE' not in name
        }
        return {**kept, 'ROS_DOMAIN_ID': str(self.domain_id)}

    @property
    def elsewhere(self):
        """Return the variable that puts a role on the other domain."""
        return {'ROS_DOMAIN_ID': str(self.other_domain_id)}

    def start_all(self, roles):
        """Start pairs of a role and its options, and return when all are up."""
        for process in [self.launch(role, **options) for role, options in roles]:
            wait_until_ready(process)

    def ask_doctor(self, *arguments, duration_s=3.0):
        """Run the command and return (exit code, report)."""
        result = subprocess.run(
            [
                *(sys.executable, '-m', 'perception_nodes.cli.main', 'doctor', '--json'),
                *('--duration', str(duration_s)),
                *arguments,
            ],
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=60,
            cwd=PROJECT_ROOT,
        )
        assert result.stdout, result.stderr
        return result.returncode, json.loads(result.stdout)

    def stop(self):
        """
        Let every process say goodbye to its graph, and return whether all did.

        Leaving a graph is the middleware's work, and seldom hangs there; such a process is killed.
        """
        all_left = True
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                all_left = False
                process.kill()
                process.wait()
            process.stdout.close()
        return all_left


@pytest.fixture(scope='session')
def plant_domain():
    """Return a domain of this test run's own; the next one is its own, too."""
    return free_domain(2)


@pytest.fixture
def plant(plant_domain):
    """Return a planted graph on a domain of this test run's own."""
    pytest.importorskip('vision_msgs', reason=NO_VISION_MSGS)
    plant = Plant(plant_domain)
    yield plant
    plant.stop()


@pytest.fixture(scope='module')
def plant_side_by_side():
    """
    Return a function that plants graphs on domains of their own; it returns a report by name.

    Asking a doctor is mostly waiting, so that several may be asked at once. They keep to their own
    domains, since those beside are no bystanders.
    """
    pytest.importorskip('vision_msgs', reason=NO_VISION_MSGS)
    free = SimpleQueue()
    pool = ThreadPoolExecutor(SIDE_BY_SIDE)

    def report(roles):
        plant = Plant(free.get())
        try:
            plant.start_all(roles)
            return plant.ask_doctor('--own-domain')
        finally:
            # A process that was killed stays a member of its domain for some seconds.
            free.put(plant.domain_id if plant.stop() else free_domain(2))

    def start(graphs):
        for _ in range(SIDE_BY_SIDE):
            free.put(free_domain(2))
        asked = {name: pool.submit(report, roles) for name, roles in graphs.items()}

        def report_of(name):
            """Return what was asked side by side; the next time, for a second try, ask anew."""
            future = asked.pop(name, None) or pool.submit(report, graphs[name])
            return future.result()

        return report_of

    yield start
    pool.shutdown(cancel_futures=True)
