"""The path in a real motorway video, with masks of a public network, against lines set by hand."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from perception_nodes.path import (
    MOTORWAY,
    PathClasses,
    PathEstimate,
    PathEstimator,
    road_projection,
)

pytestmark = pytest.mark.data
ANNOTATIONS = json.loads((Path(__file__).parent / 'lane_video_annotations.json').read_text())
ROAD = road_projection(
    tuple(ANNOTATIONS['size_wh']),
    vanishing_uv=(481.5, 305.3), lane_columns=(208.6, 788.6), lane_row=500,
)  # fmt: skip
LABELS = {0: 'background', 1: 'drivable', 2: 'lane_line'}
CLASSES = PathClasses(road=('drivable',), markings=('lane_line',), blocking=())
EVERY = 5
"""Of the annotated frames, every so many is looked at, with the frame after it."""


@pytest.fixture(scope='module')
def network(shared_data):
    """Return the function from a BGR picture to mask and confidence."""
    onnxruntime = pytest.importorskip('onnxruntime')
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    weights = shared_data / 'models' / 'twinlitenet.onnx'
    session = onnxruntime.InferenceSession(str(weights), options)

    def masks(bgr):
        size_wh = bgr.shape[1::-1]
        rgb = cv2.resize(bgr, (320, 320))[:, :, ::-1].astype(np.float32) / 255
        heads = session.run(None, {'input': np.ascontiguousarray(rgb.transpose(2, 0, 1)[None])})
        drivable, line = (
            cv2.resize(1 / (1 + np.exp(head[0, 0] - head[0, 1])), size_wh) for head in heads
        )
        mask = np.zeros(bgr.shape[:2], np.uint8)
        mask[drivable > 0.5] = 1
        mask[line > 0.5] = 2
        sure = np.choose(mask, (1 - np.maximum(drivable, line), drivable, line))
        return mask, (255 * sure).astype(np.uint8)

    return masks


@pytest.fixture(scope='module')
def look(network):
    """Return the function from a BGR picture to the path that it shows."""
    estimator = PathEstimator(LABELS, MOTORWAY, CLASSES)

    def path(bgr) -> PathEstimate:
        return estimator.estimate(*network(cv2.resize(bgr, ROAD.camera.size_wh)), ROAD)

    return path


@pytest.fixture(scope='module')
def frames(shared_data):
    """Return the annotated frames that are looked at, and those after them, by number."""
    wanted = {item['frame'] + after for item in ANNOTATIONS['lines'][::EVERY] for after in (0, 1)}
    video = cv2.VideoCapture(str(shared_data / 'lane_video' / ANNOTATIONS['video']))
    found, number = {}, 0
    while video.grab():
        if number in wanted:
            found[number] = video.retrieve()[1]
        number += 1
    assert number == ANNOTATIONS['frames']
    return found


@pytest.fixture(scope='module')
def estimates(frames, look):
    return {number: look(frame) for number, frame in frames.items()}


def annotated_offset_m(lines):
    """Return how far the camera is to the left of the middle of the annotated lane."""
    row = ROAD.to_pixels(np.array([[MOTORWAY.look_ahead_m, 0.0]]))[0, 1]
    sides = []
    for name in ('left', 'right'):
        (u, v), (other_u, other_v) = lines[name]
        column = u + (row - v) * (other_u - u) / (other_v - v)
        sides.append(ROAD.to_ground(np.array([[column, row]]))[0][0, 1])
    return -float(np.mean(sides))


def test_every_frame_shows_the_path(estimates):
    assert [item.reason for item in estimates.values() if not item.is_valid] == []
    assert np.median([item.width_m for item in estimates.values()]) == pytest.approx(3.7, abs=0.1)


def test_offset_is_that_of_the_lines_set_by_hand(estimates):
    for lines in ANNOTATIONS['lines'][::EVERY]:
        told = estimates[lines['frame']].lateral_error_m
        assert told == pytest.approx(annotated_offset_m(lines), abs=0.06), lines['frame']


def test_neighbouring_frames_say_about_the_same(estimates):
    steps = [
        abs(estimates[number + 1].lateral_error_m - estimates[number].lateral_error_m)
        for number in estimates
        if number + 1 in estimates
    ]
    assert len(steps) == 4
    assert max(steps) < 0.05


@pytest.mark.parametrize('shift_px', [20, -20])
def test_shifted_picture_shifts_the_path(frames, estimates, look, shift_px):
    move = np.array([[1, 0, shift_px], [0, 1, 0]], np.float32)
    number = min(frames)
    shifted = cv2.warpAffine(
        frames[number], move, ROAD.camera.size_wh, borderMode=cv2.BORDER_REPLICATE
    )
    ahead = ROAD.to_pixels(np.array([[MOTORWAY.look_ahead_m, 0.0]]))[0]
    aside_m = ROAD.to_ground(ahead[None] + (shift_px, 0))[0][0, 1]
    moved_m = look(shifted).lateral_error_m - estimates[number].lateral_error_m
    assert moved_m == pytest.approx(-aside_m, abs=0.04)


def test_pictures_without_a_road_show_no_path(frames, look, shared_data):
    frame = frames[min(frames)]
    rng = np.random.default_rng(0)
    pictures = {
        'black': np.zeros_like(frame),
        'grey': np.full_like(frame, 128),
        'noise': rng.integers(0, 255, frame.shape, dtype=np.uint8),
        **{f'blurred {side}': _blurred(frame, side) for side in (30, 12)},
    }
    for path in sorted((shared_data / 'coco_val_detection').rglob('*.jpg'))[:7]:
        pictures[path.name] = cv2.imread(str(path))
    assert len(pictures) == 12
    wrong = [name for name, picture in pictures.items() if look(picture).is_valid]
    assert wrong == []


def _blurred(picture, columns):
    """Return a picture as a lens shows it that tells only so many columns apart."""
    small = cv2.resize(picture, (columns, columns), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
