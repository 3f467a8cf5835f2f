"""The demo itself: real processes over real DDS, and what it says when something is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from perception_nodes.cli.demo import command as demo_module

pytestmark = pytest.mark.ros
START = (sys.executable, '-m', 'perception_nodes.cli.main', 'demo')


def environment(**more):
    return {**os.environ, 'ROS_PYTHON_CHECK_FIELDS': '0', 'VIEWER': '', **more}


def demo(*words, **more):
    return subprocess.run(
        [*START, *words], capture_output=True, text=True, timeout=280, env=environment(**more)
    )


@pytest.fixture(scope='module')
def model(shared_data, tmp_path_factory):
    """Yield a bundle of a small COCO detector, so that the test needs no trained one."""
    patch = pytest.MonkeyPatch()
    patch.setenv('PERCEPTION_CACHE', str(tmp_path_factory.mktemp('cache')))
    from perception_nodes.inference.catalogue import fetch, load_catalogue
    from perception_nodes.inference.registry import resolve_model

    weights = shared_data / 'models' / 'yolox_nano.onnx'
    fetch(load_catalogue()['yolox_nano_sample'], from_file=weights)
    yield str(resolve_model('yolox_nano_sample').path)
    patch.undo()


@pytest.fixture(scope='module')
def finished(model, tmp_path_factory):
    """Return the folder that a short demo left."""
    pytest.importorskip('perception_nodes.simulation.backend')
    out = tmp_path_factory.mktemp('demo')
    done = demo('--out', str(out), '--duration', '4', '--rate', '5', '--model', model)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.data
@pytest.mark.slow
def test_demo_leaves_video_report_and_figures(finished):
    figures = json.loads((finished / 'results.json').read_text())
    frames = figures['frames']
    assert frames['taken'] >= 18
    assert frames['answered'] >= 1
    assert frames['detector']['received'] == frames['detector']['dropped'] + frames['answered']
    assert figures['recorder']['dropped'] == {}
    assert figures['time']['simulated_s'] == pytest.approx(4, abs=0.7)
    assert figures['latency_ms']['p50'] > 1
    assert figures['drive']['driven_m'] > 0.2
    assert figures['drive']['departures'] == 0
    assert figures['map']['cells'] > 100
    assert (finished / 'demo.webm').stat().st_size > 10_000
    page = (finished / 'report.html').read_text(encoding='utf-8')
    for title in ('What the robot saw', 'The drive', 'The map'):
        assert title in page


@pytest.mark.data
@pytest.mark.slow
def test_bag_holds_typed_messages_with_identical_stamps(finished):
    from rosbags.highlevel import AnyReader

    stamps: dict[str, set] = {}
    with AnyReader([finished / 'bag']) as reader:
        types = {item.topic: item.msgtype for item in reader.connections}
        for connection, _, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            if hasattr(message, 'header'):
                at = (message.header.stamp.sec, message.header.stamp.nanosec)
                stamps.setdefault(connection.topic, set()).add(at)
    assert types['/detection_node/detections'] == 'vision_msgs/msg/Detection2DArray'
    assert types['/detection_node/timing'] == 'perception_suite/msg/FrameTiming'
    masks = stamps['/segmentation_node/mask/compressed']
    assert types['/path_following_node/status'] == 'perception_suite/msg/PathFollowingStatus'
    assert types['/semantic_map_node/occupancy'] == 'nav_msgs/msg/OccupancyGrid'
    assert stamps['/path_following_node/estimate'] <= masks
    found = stamps['/detection_node/detections']
    assert found
    assert masks <= stamps['/camera/image_raw/compressed']
    assert found <= stamps['/camera/image_raw/compressed']
    assert found <= stamps['/camera/ground_truth/detections']


def test_detector_that_cannot_load_ends_the_demo_with_its_reason(tmp_path):
    done = demo(
        '--out', str(tmp_path), '--model', str(tmp_path / 'no_such_model'), '--duration', '1'
    )
    text = ''.join(done.stderr.split())  # lines of a terminal's width may part a path
    assert done.returncode == 2
    assert 'no_such_model' in text
    assert 'Traceback' not in text


def test_unknown_viewer_is_refused_before_anything_starts(tmp_path):
    done = demo('--out', str(tmp_path), VIEWER='telescope')
    assert done.returncode == 2
    assert 'telescope' in done.stderr
    assert not (tmp_path / 'logs').exists()


@pytest.mark.data
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['ctrl_c', 'sigterm'])
def test_interrupted_demo_leaves_no_process_behind(model, tmp_path, number):
    pytest.importorskip('perception_nodes.simulation.backend')
    command = [*START, '--out', str(tmp_path), '--model', model]
    process = subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        # As a background job of a shell would find it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    log = tmp_path / 'logs' / 'simulation_node.log'
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        children = _children(process.pid)
        if log.exists() and len(children) == 5:
            break
        time.sleep(0.1)
    try:
        assert log.exists()
        assert len(children) == 5
        process.send_signal(number)
        assert process.wait(40) != 0
        assert not [pid for pid in children if Path(f'/proc/{pid}').exists()]
    finally:  # a failure here must not disturb the tests that follow
        process.kill()
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_output_folder_is_emptied_only_of_what_a_demo_made(tmp_path, monkeypatch):
    (tmp_path / 'bag').mkdir()
    (tmp_path / 'bag' / 'old.mcap').write_text('')
    (tmp_path / 'report.html').write_text('')
    (tmp_path / 'my_notes.txt').write_text('keep')
    monkeypatch.setattr(os, 'environ', dict(os.environ))
    demo_module._prepare(
        demo_module.DemoOptions(
            out=tmp_path,
            duration_s=1,
            model='',
            segmenter='',
            device='',
            course='',
            seed=0,
            rate_hz=1,
            speed_m_s=1,
            viewer='',
        )
    )
    assert [path.name for path in tmp_path.iterdir()] == ['my_notes.txt']


def _children(pid: int) -> list[int]:
    folder = Path(f'/proc/{pid}/task')
    listed = [(task / 'children').read_text().split() for task in folder.iterdir()]
    return sorted({int(child) for children in listed for child in children})
