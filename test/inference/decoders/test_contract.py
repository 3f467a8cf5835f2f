"""What holds for every decoder: options, shapes, garbage values."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.inference.decoders import (
    DECODERS,
    Decoded,
    DecoderError,
    build_decoder,
    known_decoders,
)

WH = (64, 32)
CLASSES = 3
CELLS = 8 * 4 + 4 * 2 + 2 * 1  # strides 8, 16, 32

# (name, options, shapes of the outputs)
CASES = {
    'torchvision': ('torchvision', {}, {'boxes': (9, 4), 'scores': (9,), 'labels': (9,)}),
    'ssd with tensor of priors': (
        'ssd',
        {},
        {'scores': (1, 9, CLASSES + 1), 'boxes': (1, 9, 4), 'priors': (1, 9, 4)},
    ),
    'ssd on strides': (
        'ssd',
        {'strides': [16, 32], 'anchor_sizes': [[10, [8, 16]], [32]], 'activation': 'softmax'},
        {'scores': (1, 18, CLASSES + 1), 'boxes': (1, 18, 4)},
    ),
    'ssd decoded': (
        'ssd',
        {'boxes': 'corners', 'background': -1, 'activation': 'sigmoid', 'multi_label': True},
        {'scores': (1, 9, CLASSES), 'boxes': (1, 9, 4)},
    ),
    'fcos': (
        'fcos',
        {},
        {'logits': (1, CELLS, CLASSES), 'ltrb': (1, CELLS, 4), 'quality': (1, CELLS, 1)},
    ),
    'fcos without quality': (
        'fcos',
        {'multi_label': True},
        {'logits': (1, CELLS, CLASSES), 'ltrb': (1, CELLS, 4)},
    ),
    'yolo v5': ('yolo', {}, {'output': (1, 11, 5 + CLASSES)}),
    'yolo v8': ('yolo', {'multi_label': True}, {'output': (1, 4 + CLASSES, 11)}),
    'yolo end to end': ('yolo', {'layout': 'end_to_end'}, {'output': (1, 11, 6)}),
    'yolo distributions': (
        'yolo_multi_head',
        {'bins': 4},
        {'a': (1, 16 + CLASSES, 4, 8), 'b': (1, 16 + CLASSES, 2, 4)},
    ),
    'yolo split heads': (
        'yolo_multi_head',
        {'bins': 1, 'activated': True},
        {'box': (1, 4, 4, 8), 'class': (1, CLASSES, 4, 8)},
    ),
    'yolo anchors': (
        'yolo_multi_head',
        {'anchors': [[[10, 13], [16, 30]]]},
        {'a': (1, 2 * (5 + CLASSES), 4, 8)},
    ),
    'yolo anchors v3': (
        'yolo_multi_head',
        {'anchors': [[[10, 13], [16, 30]]], 'box_rule': 'v3'},
        {'a': (1, 2, 4, 8, 5 + CLASSES)},
    ),
    'yolox': ('yolox', {}, {'output': (1, CELLS, 5 + CLASSES)}),
    'yolox multi label': ('yolox', {'multi_label': True}, {'out': (1, CELLS, 5 + CLASSES)}),
    'fastestdet': ('fastestdet', {}, {'758': (1, 5 + CLASSES, 3, 4)}),
    'detr softmax': (
        'detr',
        {},
        {'logits': (1, 9, CLASSES + 1), 'pred_boxes': (1, 9, 4)},
    ),
    'detr sigmoid': (
        'detr',
        {'activation': 'sigmoid'},
        {'logits': (1, 9, CLASSES), 'pred_boxes': (1, 9, 4)},
    ),
}
GARBAGE = [np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0.0, 1.0, 1e5]


def outputs_of(shapes, rng, spread, dtype=np.float32):
    return {name: (rng.normal(0, spread, shape)).astype(dtype) for name, shape in shapes.items()}


def test_every_decoder_is_in_the_table():
    boxes = {name for name, kind in DECODERS.items() if kind.task == 'detection'}
    assert {name for name, _, _ in CASES.values()} == boxes


@pytest.mark.parametrize('case', CASES)
@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.3, 5.0, 1e3, 1e30]),
    garbage=st.lists(st.sampled_from(GARBAGE), max_size=12),
    threshold=st.sampled_from([0.0, 0.001, 0.3, 0.999, 1.0]),
    dtype=st.sampled_from([np.float32, np.float16, np.float64]),
)
def test_garbage_values_never_raise(case, seed, spread, garbage, threshold, dtype):
    name, options, shapes = CASES[case]
    rng = np.random.default_rng(seed)
    with np.errstate(all='ignore'):
        outputs = outputs_of(shapes, rng, spread, dtype)
        for value in garbage:
            array = outputs[rng.choice(list(outputs))].reshape(-1)
            array[rng.integers(array.size)] = value
    decoder = build_decoder(name, options, class_count=CLASSES)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        decoded = decoder.decode(outputs, WH, threshold)
    assert isinstance(decoded, Decoded)
    assert decoded.dropped >= 0
    assert (decoded.detections.class_ids < CLASSES).all()
    assert (decoded.detections.scores >= threshold - 1e-3).all()


@pytest.mark.parametrize('case', CASES)
def test_nothing_but_nan_is_dropped_and_counted(case):
    name, options, shapes = CASES[case]
    outputs = {key: np.full(shape, np.nan, np.float32) for key, shape in shapes.items()}
    decoded = build_decoder(name, options, class_count=CLASSES).decode(outputs, WH, 0.3)
    assert len(decoded.detections) == 0
    assert decoded.dropped > 0


@settings(deadline=None, max_examples=150)
@given(
    case=st.sampled_from(sorted(CASES)),
    shapes=st.dictionaries(
        st.sampled_from(['output', 'boxes', 'scores', 'labels', 'logits', 'ltrb', 'x', '758']),
        st.lists(st.integers(0, 9), max_size=5),
        max_size=4,
    ),
)
def test_random_shapes_are_decoded_or_explained(case, shapes):
    name, options, _ = CASES[case]
    outputs = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
    decoder = build_decoder(name, options, class_count=CLASSES)
    reason = ''
    try:
        decoder.decode(outputs, WH, 0.5)
    except DecoderError as error:
        reason = str(error)
    assert not reason or known_decoders('detection') in reason


@pytest.mark.parametrize('case', CASES)
def test_threshold_of_one_finds_nothing_in_weak_scores(case):
    name, options, shapes = CASES[case]
    outputs = {key: np.full(shape, 0.1, np.float32) for key, shape in shapes.items()}
    decoded = build_decoder(name, options, class_count=CLASSES).decode(outputs, WH, 1.0)
    assert len(decoded.detections) == 0
    assert decoded.dropped == 0


def test_wrong_shape_names_what_came_and_what_is_known():
    decoder = build_decoder('yolox', class_count=80)
    with pytest.raises(DecoderError) as caught:
        decoder.decode({'drivable': np.zeros((1, 2, 320, 320))}, (416, 416), 0.3)
    text = str(caught.value)
    assert 'drivable (1, 2, 320, 320)' in text
    assert 'output (N, 85)' in text
    for name, kind in DECODERS.items():
        assert (f'  {name}: ' in text) == (kind.task == 'detection')


def test_wrong_number_of_cells_names_both_counts():
    decoder = build_decoder('yolox', class_count=80)
    with pytest.raises(DecoderError, match='3549 cells, but the tensor has 100 rows'):
        decoder.decode({'output': np.zeros((1, 100, 85))}, (416, 416), 0.3)


def test_unknown_decoder_names_the_known_ones():
    with pytest.raises(DecoderError, match=r"unknown decoder 'yolo9000'[\s\S]*fastestdet"):
        build_decoder('yolo9000', class_count=3)


def test_unknown_option_names_the_allowed_ones():
    with pytest.raises(DecoderError, match=r"no option 'stride'; allowed: .*strides"):
        build_decoder('yolox', {'stride': 8}, class_count=3)


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('yolox', {'strides': []}),
        ('yolox', {'strides': [0]}),
        ('yolox', {'strides': 8}),
        ('fcos', {'strides': ['a']}),
        ('ssd', {'boxes': 'centres'}),
        ('ssd', {'activation': 'relu'}),
        ('ssd', {'background': 9}),
        ('yolo', {'layout': 'v9'}),
        ('yolo', {'box_format': 'xywh'}),
        ('yolo_multi_head', {'bins': 0}),
        ('yolo_multi_head', {'box_rule': 'v4'}),
        ('yolo_multi_head', {'anchors': [10, 13]}),
        ('detr', {'activation': 'none'}),
    ],
)
def test_impossible_option_value_is_refused(name, options):
    with pytest.raises(DecoderError):
        build_decoder(name, options, class_count=3)


def test_model_without_classes_is_refused():
    with pytest.raises(DecoderError, match='class_count'):
        build_decoder('yolox', class_count=0)
