"""Detections to messages and back."""

import time

import numpy as np
import pytest

pytest.importorskip('vision_msgs')

from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from std_msgs.msg import Header

from perception_nodes.ros.detections_conversion import (
    ClassIdFormat,
    DetectionMessages,
    detections_from_msg,
    detections_to_msg,
)
from perception_nodes.ros.labels_conversion import label_info_msg, vision_info_msg
from perception_nodes.structures import Detections

NAMES = ('person', 'cone', 'box')
HEADER = Header(stamp=Time(sec=7, nanosec=123_456_789), frame_id='camera_optical_frame')


def test_nothing_found_is_an_empty_array_with_the_header():
    message = detections_to_msg(Detections.empty(), HEADER, NAMES)
    assert message.header == HEADER
    assert len(message.detections) == 0
    assert len(detections_from_msg(message, NAMES)) == 0


def test_box_becomes_centre_and_size_sorted_by_score():
    found = Detections([[10, 20, 30, 60], [0, 0, 1, 1]], [0.5, 0.75], [1, 2])
    message = detections_to_msg(found, HEADER, NAMES)
    second, first = message.detections[1], message.detections[0]
    assert first.results[0].hypothesis.class_id == 'box'
    assert second.results[0].hypothesis.class_id == 'cone'
    assert second.results[0].hypothesis.score == 0.5
    assert (second.bbox.center.position.x, second.bbox.center.position.y) == (20, 40)
    assert (second.bbox.size_x, second.bbox.size_y) == (20, 40)
    assert second.header == HEADER
    assert second.id == ''


def test_index_format_writes_numbers():
    found = Detections([[0, 0, 1, 1]], [0.5], [2])
    message = detections_to_msg(found, HEADER, NAMES, ClassIdFormat.INDEX)
    assert message.detections[0].results[0].hypothesis.class_id == '2'
    assert detections_from_msg(message, NAMES).class_ids.tolist() == [2]


def test_pool_forgets_the_picture_before():
    messages = DetectionMessages(NAMES)
    messages.fill(Detections([[0, 0, 1, 1]] * 3, [0.9, 0.8, 0.7], [0, 1, 2]), HEADER)
    later = Header(frame_id='other')
    message = messages.fill(Detections([[5, 5, 6, 7]], [0.5], [1]), later)
    assert len(message.detections) == 1
    assert message.detections[0].header == later
    assert message.detections[0].bbox.size_y == 2


numbers = st.floats(0, 4000, width=32)
boxes = st.tuples(numbers, numbers, numbers, numbers, st.floats(0, 1, width=32), st.integers(0, 2))


@given(st.lists(boxes, max_size=8))
def test_there_and_back_is_the_same(rows):
    corners = np.array([row[:4] for row in rows], np.float32).reshape(-1, 4)
    xyxy = np.concatenate(
        [np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])], 1
    )
    found = Detections(xyxy, [row[4] for row in rows], [row[5] for row in rows])
    back = detections_from_msg(detections_to_msg(found, HEADER, NAMES), NAMES)
    ordered = found.sorted_by_score()
    np.testing.assert_allclose(back.xyxy, ordered.xyxy, atol=1e-3)
    np.testing.assert_array_equal(back.scores, ordered.scores)
    np.testing.assert_array_equal(back.class_ids, ordered.class_ids)


def test_unknown_class_is_named_with_the_known_ones():
    message = detections_to_msg(Detections([[0, 0, 1, 1]], [0.5], [2]), HEADER, NAMES)
    with pytest.raises(ValueError, match="'box' is neither a known name nor an index: person"):
        detections_from_msg(message, NAMES[:1])


def test_rotated_box_is_refused():
    message = detections_to_msg(Detections([[0, 0, 1, 1]], [0.5], [2]), HEADER, NAMES)
    message.detections[0].bbox.center.theta = 0.5
    with pytest.raises(ValueError, match='only upright boxes'):
        detections_from_msg(message, NAMES)


def test_labels_and_model():
    labels = label_info_msg(NAMES, HEADER, 0.25)
    assert [(item.class_id, item.class_name) for item in labels.class_map] == [
        (0, 'person'),
        (1, 'cone'),
        (2, 'box'),
    ]
    assert labels.threshold == 0.25
    info = vision_info_msg('a model', '/labels', 2, HEADER)
    assert (info.method, info.database_location, info.database_version) == (
        'a model',
        '/labels',
        2,
    )


def test_twenty_boxes_take_less_than_a_millisecond():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 100, (20, 2))
    xyxy = np.concatenate([corners, corners + 10], 1)
    found = Detections(xyxy, rng.uniform(0, 1, 20), rng.integers(0, 3, 20))
    messages = DetectionMessages(NAMES)
    messages.fill(found, HEADER)
    times = []
    for _ in range(50):
        started = time.perf_counter()
        messages.fill(found, HEADER)
        times.append(time.perf_counter() - started)
    assert np.median(times) < 1e-3
