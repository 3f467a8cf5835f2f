"""The golden frame catches what no shape check can: colours, scale, size, class order."""

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.detection.detector import Detector
from perception_nodes.inference.bundle import BundleError, ModelBundle, write_bundle
from perception_nodes.inference.bundle_spec import GoldenSpec, InputSpec, ModelSpec
from perception_nodes.inference.golden import (
    GoldenMismatch,
    read_frame,
    record_golden,
    verify_golden,
)
from perception_nodes.inference.golden_boxes import (
    compare_detections,
    expected_from,
    parse_expected,
    read_expected,
)
from perception_nodes.inference.resources import resource_path
from perception_nodes.structures import Detections

CLASSES = ('cat', 'dog')
BOX = {'xyxy': [10, 10, 50, 50], 'score': 0.8, 'class': 'cat'}


def found(*boxes: tuple) -> Detections:
    """Return detections of (xyxy, score, class id)."""
    if not boxes:
        return Detections.empty()
    xyxy, scores, class_ids = zip(*boxes, strict=True)
    return Detections(np.array(xyxy), np.array(scores), np.array(class_ids))


def compare(expected: list, actual: Detections, **options: float) -> list[str]:
    return compare_detections(expected, actual, CLASSES, 0.9, 0.05, **options)


def test_nothing_expected_and_nothing_found_agree():
    assert compare([], found()) == []


def test_equal_boxes_agree_in_any_order():
    boxes = [BOX, {**BOX, 'xyxy': [60, 60, 90, 90], 'class': 'dog'}]
    assert compare(boxes, found(([60, 60, 90, 90], 0.8, 1), ([10, 10, 50, 50], 0.8, 0))) == []


def test_small_changes_agree():
    assert compare([BOX], found(([10.3, 9.8, 50.2, 50], 0.77, 0))) == []


@pytest.mark.parametrize(
    ('actual', 'words'),
    [
        (found(), 'nothing is found there'),
        (found(([100, 100, 140, 140], 0.8, 0)), 'nothing is found there'),
        (found(([10, 10, 50, 50], 0.6, 0)), r'score is 0\.60 \(-0\.20\)'),
        (found(([10, 10, 50, 50], 0.8, 1)), 'is called dog'),
        (found(([20, 20, 60, 60], 0.8, 0)), r'nearest is cat at \[20, 20, 60, 60\]'),
        (found(([10, 10, 50, 50], 0.8, 0), ([70, 70, 80, 80], 0.9, 1)), 'not expected: dog 0.90'),
        (found(([10, 10, 50, 50], 0.8, 0), ([10, 10, 50, 50], 0.8, 0)), 'not expected: cat'),
        (found(([10, 10, 50, 50], 0.8, 7)), 'is called class 7'),
    ],
)
def test_disagreement_is_put_into_words(actual, words):
    assert re.search(words, '\n'.join(compare([BOX], actual)))


def test_boxes_near_the_threshold_may_come_and_go():
    weak = {**BOX, 'score': 0.33}
    assert compare([weak], found(), score_threshold=0.3) == []
    assert compare([], found(([10, 10, 50, 50], 0.33, 0)), score_threshold=0.3) == []
    assert compare([BOX], found(), score_threshold=0.3) != []


def test_boxes_without_area_do_not_divide_by_zero():
    point = {**BOX, 'xyxy': [5, 5, 5, 5]}
    assert compare([point], found(([5, 5, 5, 5], 0.8, 0))) != []


boxes = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 40), st.integers(1, 40)),
    min_size=1,
    max_size=6,
    unique=True,
)


@settings(deadline=None)
@given(boxes=boxes, data=st.data())
def test_what_was_recorded_always_agrees_with_itself(boxes, data):
    detections = found(
        *[
            ([x, y, x + w, y + h], data.draw(st.floats(0.1, 1)), data.draw(st.integers(0, 1)))
            for x, y, w, h in boxes
        ]
    )
    expected = expected_from(detections, CLASSES)
    assert parse_expected(json.loads(json.dumps(expected)))
    assert compare(expected, detections) == []
    assert compare_detections(expected, detections, CLASSES[::-1], 0.9, 0.05) != []


@pytest.mark.parametrize(
    'data',
    [
        {},
        'x',
        [1],
        [{}],
        [{**BOX, 'xyxy': [1, 2, 3]}],
        [{**BOX, 'xyxy': [9, 0, 1, 1]}],
        [{**BOX, 'score': 2}],
        [{**BOX, 'class': 3}],
        [{**BOX, 'extra': 1}],
        [BOX] * 10_001,
    ],
)
def test_malformed_expected_result_is_refused(tmp_path, data):
    path = tmp_path / 'expected.json'
    path.write_text(json.dumps(data))
    with pytest.raises(BundleError, match=r'expected\.json'):
        read_expected(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(['xyxy', 'score', 'class', 'x']), inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(deadline=None, max_examples=300)
@given(data=json_values)
def test_any_json_is_read_or_refused(data):
    try:
        expected = parse_expected(data)
    except BundleError:
        return
    assert isinstance(expected, list)


@pytest.mark.parametrize('content', [b'', b'{', b'\xff', b'[' * 100_000, b' ' * (2 << 20)])
def test_unreadable_expected_result_is_refused(tmp_path, content):
    (tmp_path / 'e.json').write_bytes(content)
    with pytest.raises(BundleError):
        read_expected(tmp_path / 'e.json')


@pytest.mark.parametrize('content', [None, b'', b'no picture', b'\x89PNG\r\n\x1a\n'])
def test_file_that_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / 'frame.png'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BundleError, match=r'frame\.png'):
        read_frame(path)


def test_bundle_without_golden_frame_passes(small_bundle):
    def never(frame: object) -> Detections:
        raise AssertionError('must not be called')

    verify_golden(small_bundle, never)


def test_golden_result_that_expects_nothing_is_refused(tmp_path, make_spec, write_model):
    cv2.imwrite(str(tmp_path / 'f.png'), np.zeros((8, 8, 3), np.uint8))
    bundle = write_bundle(tmp_path / 'b', make_spec(), write_model(), tmp_path / 'f.png', [])
    with pytest.raises(BundleError, match='proves nothing'):
        verify_golden(bundle, lambda frame: Detections.empty())


def test_picture_in_which_nothing_is_seen_is_not_recorded(tmp_path):
    cv2.imwrite(str(tmp_path / 'f.png'), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(BundleError, match='finds nothing'):
        record_golden(lambda frame: Detections.empty(), CLASSES, tmp_path / 'f.png')


@pytest.fixture
def golden_yolox(yolox_bundle: ModelBundle, tmp_path: Path) -> ModelBundle:
    """Return the shared detector with a golden frame, recorded from the right description."""
    picture = resource_path('config/models/golden/frame.jpg')
    detector = Detector.load(yolox_bundle, device='cpu', threads=1)
    expected = record_golden(detector, yolox_bundle.classes, picture)
    return write_bundle(
        tmp_path / 'golden', yolox_bundle.spec, yolox_bundle.weights_path, picture, expected
    )


def described(bundle: ModelBundle, **changes: object) -> ModelSpec:
    return replace(bundle.spec, **changes)


def with_input(bundle: ModelBundle, **changes: object) -> ModelSpec:
    return replace(bundle.spec, input=replace(bundle.spec.input, **changes))


def check(bundle: ModelBundle, spec: ModelSpec) -> None:
    """Run the check that happens whenever a model is configured."""
    wrong = ModelBundle(path=bundle.path, spec=spec)
    verify_golden(wrong, Detector.load(wrong, device='cpu', threads=1))


@pytest.mark.data
def test_right_description_passes(golden_yolox):
    check(golden_yolox, golden_yolox.spec)
    assert len(read_expected(golden_yolox.file('golden/expected.json'))) >= 4


@pytest.mark.data
@pytest.mark.parametrize(
    'changes',
    [
        {'color_order': 'rgb'},
        {'mean': (123.7, 116.3, 103.5)},
        {'mean': (103.5, 116.3, 123.7), 'std': (57.4, 57.1, 58.4)},
        {'std': (2.0, 2.0, 2.0)},
        {'scale': 1 / 255},
        {'resize': 'stretch'},
        {'resize': 'letterbox'},
    ],
    ids=str,
)
def test_wrong_preparation_of_the_picture_is_caught(golden_yolox, changes):
    with pytest.raises(GoldenMismatch, match=r'Likely wrong in model\.yaml') as caught:
        check(golden_yolox, with_input(golden_yolox, **changes))
    assert str(golden_yolox.path) in str(caught.value)


@pytest.mark.data
def test_wrong_input_size_is_caught(golden_yolox):
    with pytest.raises(BundleError, match=r'input\.size_wh'):
        check(golden_yolox, with_input(golden_yolox, size_wh=(320, 320)))


@pytest.mark.data
def test_permuted_classes_are_caught_and_named(golden_yolox):
    classes = golden_yolox.classes
    with pytest.raises(GoldenMismatch, match='the order of classes') as caught:
        check(golden_yolox, described(golden_yolox, classes=(*classes[1:], classes[0])))
    assert 'person' in str(caught.value)


@pytest.mark.data
def test_wrong_strides_are_caught(golden_yolox):
    decoder = replace(golden_yolox.spec.decoder, options={'strides': [32, 16, 8]})
    with pytest.raises(ValueError, match=r'golden|decoder'):
        check(golden_yolox, described(golden_yolox, decoder=decoder))


def test_wrong_size_of_a_network_that_takes_any_size_is_caught(tmp_path, make_spec, write_model):
    """The picture reaches such a network in whatever size the description says."""
    cv2.imwrite(str(tmp_path / 'f.png'), np.full((16, 16, 3), 200, np.uint8))
    spec = make_spec(input=InputSpec(size_wh=(16, 16), resize='stretch'), golden=GoldenSpec())
    bundle = write_bundle(
        tmp_path / 'b', spec, write_model('side'), tmp_path / 'f.png', [{**BOX, 'class': 'cat'}]
    )

    def detect_in_half_size(frame: object) -> Detections:
        return found(([5, 5, 25, 25], 0.8, 0))

    with pytest.raises(GoldenMismatch, match=r'input\.size_wh, input\.resize'):
        verify_golden(bundle, detect_in_half_size)
