"""Feature maps with distributions per edge, and with anchors."""

import numpy as np
import pytest

from perception_nodes.inference.decoders import DecoderError, build_decoder
from perception_nodes.inference.decoders.candidates import logit

WH = (64, 32)
BINS = 8


def distribution(distances):
    """Return logits over the bins whose expected value is each distance."""
    logits = np.full((4, BINS), -50.0)
    for edge, distance in enumerate(distances):
        low = int(distance)
        logits[edge, low] = np.log(1 - (distance - low) + 1e-9)
        logits[edge, low + 1] = np.log(distance - low + 1e-9)
    return logits.reshape(-1)


def maps(row, column, distances, level):
    """Return maps of strides 8 and 16 with one box of class 1 and score 0.7."""
    found = []
    for index, (rows, columns) in enumerate([(4, 8), (2, 4)]):
        array = np.full((1, 4 * BINS + 3, rows, columns), -20.0, np.float32)
        if index == level:
            array[0, : 4 * BINS, row, column] = distribution(distances)
            array[0, 4 * BINS + 1, row, column] = logit(0.7)
        found.append(array)
    return found


def check(found, box):
    np.testing.assert_allclose(found.xyxy, [box], atol=1e-2)
    np.testing.assert_allclose(found.scores, [0.7], atol=1e-5)
    assert found.class_ids.tolist() == [1]


@pytest.mark.parametrize('reverse', [False, True], ids=['finest first', 'coarsest first'])
@pytest.mark.parametrize(('level', 'stride'), [(0, 8), (1, 16)], ids=['stride 8', 'stride 16'])
def test_distances_are_counted_in_cells(level, stride, reverse):
    arrays = maps(1, 2, (1.25, 0.5, 2.0, 0.75), level)
    outputs = {str(i): a for i, a in enumerate(arrays[::-1] if reverse else arrays)}
    decoder = build_decoder('yolo_multi_head', {'bins': BINS}, class_count=3)
    box = np.array([2.5 - 1.25, 1.5 - 0.5, 2.5 + 2.0, 1.5 + 0.75]) * stride
    check(decoder.decode(outputs, WH, 0.3).detections, box)


@pytest.mark.parametrize('class_first', [False, True])
def test_split_heads_are_told_apart_by_channels(class_first):
    (array, _) = maps(1, 2, (1.25, 0.5, 2.0, 0.75), 0)
    parts = [array[:, : 4 * BINS], array[:, 4 * BINS :]]
    outputs = dict(zip('ab', parts[::-1] if class_first else parts, strict=True))
    decoder = build_decoder('yolo_multi_head', {'bins': BINS}, class_count=3)
    check(decoder.decode(outputs, WH, 0.3).detections, [10, 8, 36, 18])


@pytest.mark.parametrize('layout', ['channels', 'five dimensions'])
@pytest.mark.parametrize('rule', ['v5', 'v3'])
def test_anchor_box_comes_out(layout, rule):
    anchors = [[[10.0, 20.0], [30.0, 8.0]]]
    raw = np.full((2, 4, 8, 8), -20.0, np.float32)  # anchor, row, column, values
    centre, size, cell = np.array([21.0, 12.0]), np.array([24.0, 10.0]), np.array([2, 1])
    inside = centre / 8 - cell
    values = raw[1, 1, 2]
    if rule == 'v5':
        values[:2] = [logit((part + 0.5) / 2) for part in inside]
        values[2:4] = [logit(np.sqrt(r) / 2) for r in size / anchors[0][1]]
    else:
        values[:2] = [logit(part) for part in inside]
        values[2:4] = np.log(size / anchors[0][1])
    values[4], values[6] = logit(0.875), logit(0.8)
    tensor = raw[None] if layout == 'five dimensions' else None
    if tensor is None:
        tensor = raw.transpose(0, 3, 1, 2).reshape(1, 16, 4, 8)
    decoder = build_decoder(
        'yolo_multi_head', {'anchors': anchors, 'box_rule': rule}, class_count=3
    )
    found = decoder.decode({'out': tensor}, WH, 0.3).detections
    check(found, [*(centre - size / 2), *(centre + size / 2)])


def test_number_of_anchor_lists_must_fit():
    decoder = build_decoder('yolo_multi_head', {'anchors': [[[1, 1]], [[2, 2]]]}, class_count=3)
    with pytest.raises(DecoderError, match='2 lists of anchors for 1 feature maps'):
        decoder.decode({'out': np.zeros((1, 8, 4, 8))}, WH, 0.3)


def test_wrong_bins_name_the_channels():
    decoder = build_decoder('yolo_multi_head', class_count=3)
    with pytest.raises(DecoderError, match=r'have \[35\] channels, expected 67, or 64 and 3'):
        decoder.decode({'out': np.zeros((1, 35, 4, 8))}, WH, 0.3)
