"""Decoders of masks: shapes, garbage, temperature, heads, ready-made numbers."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.inference.decoders import (
    DECODERS,
    ClassLogits,
    ClassNumbers,
    DecoderError,
    build_decoder,
    known_decoders,
)

CLASSES = 3
# (name, options, shapes of the outputs)
CASES = {
    'logits': ('semantic_logits', {}, {'out': (1, CLASSES, 4, 6)}),
    'logits by name': (
        'semantic_logits',
        {'output': 'b'},
        {'a': (1, CLASSES, 4, 6), 'b': (1, CLASSES, 2, 3)},
    ),
    'probabilities, channels last': (
        'semantic_logits',
        {'activated': True, 'channels_last': True},
        {'out': (1, 4, 6, CLASSES)},
    ),
    'heads': (
        'semantic_heads',
        {'heads': {'area': 1, 'lines': 2}},
        {'area': (1, 2, 4, 6), 'lines': (1, 1, 4, 6)},
    ),
    'numbers': ('label_map', {}, {'labels': (1, 4, 6), 'confidence': (1, 1, 4, 6)}),
    'numbers alone': ('label_map', {}, {'labels': (4, 6)}),
}
GARBAGE = [np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0.0, 255.0, 1e5]


def decode(name, outputs, options=None, *, classes=CLASSES, temperature=1.0):
    decoder = build_decoder(name, options, class_count=classes, task='segmentation')
    return decoder.decode(outputs, temperature)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=0))
    return exponentials / exponentials.sum(axis=0)


def test_every_decoder_is_in_the_table():
    masks = {name for name, kind in DECODERS.items() if kind.task == 'segmentation'}
    assert {name for name, _, _ in CASES.values()} == masks


@pytest.mark.parametrize('case', CASES)
@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.3, 5.0, 1e3, 1e30]),
    garbage=st.lists(st.sampled_from(GARBAGE), max_size=12),
    dtype=st.sampled_from([np.float32, np.float16, np.float64, np.int64, np.uint8]),
)
def test_garbage_values_never_raise(case, seed, spread, garbage, dtype):
    name, options, shapes = CASES[case]
    rng = np.random.default_rng(seed)
    with np.errstate(all='ignore'), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        outputs = {
            key: rng.normal(0, spread, shape).astype(dtype) for key, shape in shapes.items()
        }
        for value in garbage:
            array = outputs[rng.choice(list(outputs))].reshape(-1)
            array[rng.integers(array.size)] = np.float64(value).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        decoded = decode(name, outputs, options)
    if isinstance(decoded, ClassLogits):
        assert np.isfinite(decoded.logits).all()
        assert decoded.logits.shape[0] == CLASSES
    else:
        assert ((decoded.class_ids < CLASSES) | (decoded.class_ids == 255)).all()
    assert decoded.dropped >= 0


@pytest.mark.parametrize('case', CASES)
@settings(deadline=None, max_examples=60)
@given(
    shapes=st.dictionaries(
        st.sampled_from(['out', 'a', 'b', 'area', 'lines', 'labels', 'confidence']),
        st.lists(st.integers(0, 5), max_size=5),
        max_size=4,
    ),
)
def test_random_shapes_are_decoded_or_explained(case, shapes):
    name, options, _ = CASES[case]
    reason = ''
    try:
        decode(name, {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}, options)
    except DecoderError as error:
        reason = str(error)
    assert not reason or known_decoders('segmentation') in reason


def test_wrong_shape_names_what_came_and_the_decoders_of_the_task():
    with pytest.raises(DecoderError) as caught:
        decode('semantic_logits', {'lanes': np.zeros((1, 2, 8, 8))})
    text = str(caught.value)
    assert 'lanes (1, 2, 8, 8)' in text
    assert 'semantic_heads: ' in text
    assert 'yolox' not in text


def test_decoder_of_another_task_is_refused_naming_those_that_fit():
    with pytest.raises(DecoderError, match=r'yolox is for detection[\s\S]*label_map'):
        build_decoder('yolox', class_count=3, task='segmentation')


def test_temperature_softens_probabilities():
    logits = np.array([2.0, 0.0, -1.0], np.float32).reshape(1, 3, 1, 1)
    hot = decode('semantic_logits', {'out': logits}, temperature=2.0).logits
    np.testing.assert_allclose(hot.ravel(), [1.0, 0.0, -0.5])


def test_cells_that_are_no_numbers_are_marked_and_minus_infinity_is_certain():
    logits = np.zeros((1, 3, 1, 4), np.float32)
    logits[0, 0, 0] = np.nan, np.inf, -np.inf, 0.0
    decoded = decode('semantic_logits', {'out': logits})
    assert decoded.broken.tolist() == [[True, True, False, False]]
    assert decoded.dropped == 2
    assert softmax(decoded.logits)[:, 0, 2].tolist() == pytest.approx([0, 0.5, 0.5])


def test_probabilities_come_back_as_they_were():
    probabilities = np.array([0.7, 0.2, 0.1], np.float32).reshape(1, 3, 1, 1)
    decoded = decode('semantic_logits', {'out': probabilities}, {'activated': True})
    np.testing.assert_allclose(softmax(decoded.logits), probabilities[0], atol=1e-6)


@pytest.mark.parametrize(
    ('options', 'value', 'second'),
    [({}, 2.0, 1 / (1 + np.exp(-2.0))), ({'activated': True}, 0.9, 0.9)],
)
def test_one_channel_serves_two_classes(options, value, second):
    outputs = {'out': np.full((1, 1, 2, 2), value, np.float32)}
    decoded = decode('semantic_logits', outputs, options, classes=2)
    np.testing.assert_allclose(softmax(decoded.logits)[1], second, atol=1e-6)


HEADS = {'heads': {'area': 1, 'lines': 2}}


@pytest.mark.parametrize(
    ('area', 'lines', 'probabilities'),
    [
        (0.0, 0.0, [0.25, 0.25, 0.5]),
        (20.0, -20.0, [0, 1, 0]),
        (20.0, 20.0, [0, 0, 1]),
        (-20.0, -20.0, [1, 0, 0]),
        (-1.0, 1.0, [0.1966, 0.0723, 0.7311]),
    ],
    ids=['undecided', 'area', 'line on area', 'nothing', 'between'],
)
def test_later_head_covers_earlier_one(area, lines, probabilities):
    outputs = {
        'area': np.array([0, area], np.float32).reshape(1, 2, 1, 1),
        'lines': np.array([-lines / 2, lines / 2], np.float32).reshape(1, 2, 1, 1),
    }
    decoded = decode('semantic_heads', outputs, HEADS)
    np.testing.assert_allclose(softmax(decoded.logits).ravel(), probabilities, atol=1e-4)


def test_temperature_softens_every_head():
    outputs = {key: np.full((1, 1, 1, 1), 4.0, np.float32) for key in ('area', 'lines')}
    decoded = decode('semantic_heads', outputs, HEADS, temperature=2.0)
    assert softmax(decoded.logits)[2] == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-5)


@pytest.mark.parametrize(
    'options',
    [{}, {'heads': {'area': 1}}, {'heads': {'area': 0, 'lines': 2}}, {'heads': {'a': 1, 'b': 1}}],
)
def test_heads_must_name_every_class_once(options):
    with pytest.raises(DecoderError):
        build_decoder('semantic_heads', options, class_count=3)


@pytest.mark.parametrize(
    ('outputs', 'words'),
    [
        ({'area': np.zeros((1, 2, 4, 4))}, "no output 'lines'"),
        ({'area': np.zeros((1, 2, 4, 4)), 'lines': np.zeros((1, 2, 2, 2))}, 'differ in size'),
        ({'area': np.zeros((1, 3, 4, 4)), 'lines': np.zeros((1, 2, 4, 4))}, '1 or 2 channels'),
    ],
)
def test_heads_that_do_not_fit_are_explained(outputs, words):
    with pytest.raises(DecoderError, match=words):
        decode('semantic_heads', outputs, HEADS)


def test_ready_made_numbers_keep_their_confidence():
    outputs = {
        'labels': np.array([[[0, 2, 3, -1]]], np.int64),
        'confidence': np.array([[[255, 51, 0, 0]]], np.uint8),
    }
    decoded = decode('label_map', outputs)
    assert isinstance(decoded, ClassNumbers)
    assert decoded.class_ids.tolist() == [[0, 2, 255, 255]]
    np.testing.assert_allclose(decoded.confidence, [[1.0, 0.2, 0, 0]])
    assert decoded.dropped == 2


def test_ready_made_numbers_take_no_temperature():
    with pytest.raises(DecoderError, match='with the temperature inside'):
        decode('label_map', {'labels': np.zeros((2, 2))}, temperature=1.5)
