"""Accuracy through camera, DDS, detector and bag is the accuracy of the detector alone."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip('rclpy')

from rosbags.highlevel import AnyReader

pytestmark = [pytest.mark.ros, pytest.mark.data]

PICTURES = 80
PUBLISHED_AP, PUBLISHED_AP50 = 0.305, 0.478


def parity(*words):
    return subprocess.run(
        [sys.executable, '-m', 'perception_nodes.cli.main', 'parity', *map(str, words)],
        capture_output=True,
        text=True,
        timeout=150,
        env={**os.environ, 'ROS_PYTHON_CHECK_FIELDS': '0'},
    )


@pytest.fixture(scope='module')
def finished(public_bundle, shared_data, tmp_path_factory):
    """Return the folder that a run over all labelled pictures left."""
    out = tmp_path_factory.mktemp('parity')
    labels = shared_data / 'coco_val_detection' / 'instances_val2017.json'
    model = public_bundle('yolox_nano_sample').path
    threads = ('--device', 'cpu', '--threads', '1')
    done = parity('--model', model, '--data', f'coco:{labels}', '--out', out, *threads)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope='module')
def figures(finished):
    return json.loads((finished / 'parity.json').read_text(encoding='utf-8'))


def test_accuracy_in_the_graph_is_that_of_the_plain_loop(figures):
    assert abs(figures['graph']['mean_ap'] - figures['plain']['mean_ap']) <= 0.001
    assert abs(figures['graph']['ap50'] - figures['plain']['ap50']) <= 0.001
    assert figures['graph']['images'] == PICTURES


def test_accuracy_agrees_with_an_independent_decoder(figures):
    assert figures['graph']['mean_ap'] == pytest.approx(PUBLISHED_AP, abs=0.01)
    assert figures['graph']['ap50'] == pytest.approx(PUBLISHED_AP50, abs=0.01)


def test_every_picture_is_answered_with_the_same_boxes(figures):
    assert figures['lost'] == []
    assert figures['strange_stamps_ns'] == []
    assert len(figures['pictures']) == PICTURES
    assert all(item['graph'] is not None for item in figures['pictures'])
    assert sum(item['plain'] for item in figures['pictures']) > 1000
    assert figures['differing_boxes'] == 0


def test_bag_holds_a_picture_and_a_result_for_every_header(finished):
    headers = {'/camera/image_raw/compressed': [], '/detection_node/detections': []}
    with AnyReader([finished / 'bag']) as reader:
        wanted = [item for item in reader.connections if item.topic in headers]
        for connection, _, data in reader.messages(connections=wanted):
            header = reader.deserialize(data, connection.msgtype).header
            headers[connection.topic].append(
                (header.stamp.sec, header.stamp.nanosec, header.frame_id)
            )
    pictures, results = headers.values()
    assert len(set(results)) == PICTURES
    assert results == pictures == sorted(pictures)


def test_model_that_is_not_there_is_said_plainly(shared_data, tmp_path):
    labels = shared_data / 'coco_val_detection' / 'instances_val2017.json'
    model = tmp_path / 'no_such_model'
    done = parity('--model', model, '--data', f'coco:{labels}', '--out', tmp_path / 'out')
    assert done.returncode == 2
    assert 'no_such_model' in ''.join(done.stderr.split())  # lines may part the path
    assert 'Traceback' not in done.stderr
