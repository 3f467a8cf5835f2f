"""YOLOX, FCOS, YOLO, FastestDet and DETR: a known box goes in and comes out."""

import numpy as np
import pytest

from perception_nodes.inference.decoders import build_decoder
from perception_nodes.inference.decoders.candidates import logit

WH = (64, 32)
COUNTS = (8 * 4, 4 * 2, 2 * 1)
BOX = np.array([10.0, 4.0, 30.0, 20.0])  # centre (20, 12), size (20, 16)
CENTRE, SIZE = (BOX[:2] + BOX[2:]) / 2, BOX[2:] - BOX[:2]


def check(decoded, class_id=1, score=0.72, box=BOX):
    assert decoded.dropped == 0
    np.testing.assert_allclose(decoded.detections.xyxy, [box], atol=1e-3)
    np.testing.assert_allclose(decoded.detections.scores, [score], atol=1e-5)
    assert decoded.detections.class_ids.tolist() == [class_id]


def yolox_tensor(objectness=0.9, class_scores=(0.1, 0.8, 0.2)):
    tensor = np.zeros((1, sum(COUNTS), 8), np.float32)
    row = COUNTS[0] + 1 * 4 + 2  # stride 16, row 1, column 2
    tensor[0, row, :2] = CENTRE / 16 - (2, 1)
    tensor[0, row, 2:4] = np.log(SIZE / 16)
    tensor[0, row, 4] = objectness
    tensor[0, row, 5:] = class_scores
    return tensor


def test_yolox_box_comes_out():
    check(build_decoder('yolox', class_count=3).decode({'output': yolox_tensor()}, WH, 0.3))


def test_yolox_with_many_labels_reports_each_class():
    decoder = build_decoder('yolox', {'multi_label': True}, class_count=3)
    found = decoder.decode({'o': yolox_tensor(class_scores=(0.5, 0.8, 0.2))}, WH, 0.3).detections
    assert found.class_ids.tolist() == [0, 1]
    np.testing.assert_allclose(found.scores, [0.45, 0.72], atol=1e-6)


def test_yolox_strides_follow_the_order_of_the_tensor():
    tensor = yolox_tensor()
    split = np.split(tensor, np.cumsum(COUNTS)[:-1], axis=1)
    decoder = build_decoder('yolox', {'strides': [32, 16, 8]}, class_count=3)
    check(decoder.decode({'output': np.concatenate(split[::-1], axis=1)}, WH, 0.3))


@pytest.mark.parametrize(
    ('options', 'quality', 'score'),
    [
        ({}, 0.81, 0.72),  # sqrt(0.64 · 0.81)
        ({'geometric_mean': False}, 0.81, 0.64 * 0.81),
        ({}, None, 0.64),
    ],
)
def test_fcos_box_and_score_come_out(options, quality, score):
    row = COUNTS[0] + 1 * 4 + 2  # stride 16: centre (40, 24)
    box = np.array([25.0, 10.0, 50.0, 30.0])
    logits = np.full((1, sum(COUNTS), 3), -20.0, np.float32)
    logits[0, row, 1] = logit(0.64)
    ltrb = np.zeros((1, sum(COUNTS), 4), np.float32)
    ltrb[0, row] = 40 - box[0], 24 - box[1], box[2] - 40, box[3] - 24
    outputs = {'logits': logits, 'ltrb': ltrb}
    if quality is not None:
        outputs['quality'] = np.full((1, sum(COUNTS), 1), logit(quality), np.float32)
    decoded = build_decoder('fcos', options, class_count=3).decode(outputs, WH, 0.3)
    check(decoded, score=score, box=box)


def test_fcos_threshold_on_logits_loses_nothing_that_passes():
    rng = np.random.default_rng(0)
    outputs = {
        'logits': rng.normal(0, 2, (1, sum(COUNTS), 3)).astype(np.float32),
        'ltrb': rng.uniform(1, 9, (1, sum(COUNTS), 4)).astype(np.float32),
        'quality': rng.normal(0, 2, (1, sum(COUNTS), 1)).astype(np.float32),
    }
    sigmoid = {key: 1 / (1 + np.exp(-value[0])) for key, value in outputs.items()}
    best = np.sqrt(sigmoid['logits'].max(axis=1) * sigmoid['quality'][:, 0])
    found = build_decoder('fcos', class_count=3).decode(outputs, WH, 0.6).detections
    assert len(found) == (best >= 0.6).sum() > 0
    np.testing.assert_allclose(sorted(found.scores), sorted(best[best >= 0.6]), rtol=1e-5)


@pytest.mark.parametrize('transposed', [False, True])
def test_yolo_v5_box_comes_out(transposed):
    tensor = np.zeros((1, 12, 8), np.float32)
    tensor[0, 7] = [*CENTRE, *SIZE, 0.9, 0.1, 0.8, 0.2]
    tensor = tensor.transpose(0, 2, 1) if transposed else tensor
    check(build_decoder('yolo', class_count=3).decode({'output0': tensor}, WH, 0.3))


@pytest.mark.parametrize('transposed', [False, True])
def test_yolo_v8_box_comes_out(transposed):
    tensor = np.zeros((1, 7, 12), np.float32)
    tensor[0, :, 5] = [*CENTRE, *SIZE, 0.1, 0.72, 0.2]
    tensor = tensor.transpose(0, 2, 1) if transposed else tensor
    check(build_decoder('yolo', class_count=3).decode({'output0': tensor}, WH, 0.3))


def test_yolo_normalised_corners_are_scaled():
    tensor = np.zeros((1, 12, 7), np.float32)
    tensor[0, 7] = [*(BOX / [64, 32, 64, 32]), 0.1, 0.72, 0.2]
    decoder = build_decoder('yolo', {'box_format': 'xyxy', 'normalised': True}, class_count=3)
    check(decoder.decode({'output0': tensor}, WH, 0.3))


def test_yolo_end_to_end_needs_no_suppression():
    tensor = np.zeros((1, 12, 6), np.float32)
    tensor[0, 0] = [*BOX, 0.72, 1]
    decoder = build_decoder('yolo', {'layout': 'end_to_end'}, class_count=3)
    assert not decoder.needs_suppression
    check(decoder.decode({'output0': tensor}, WH, 0.3))


def test_yolo_class_that_does_not_exist_is_dropped():
    tensor = np.zeros((1, 2, 6), np.float32)
    tensor[0] = [[*BOX, 0.9, 3], [*BOX, 0.9, -1]]
    decoder = build_decoder('yolo', {'layout': 'end_to_end'}, class_count=3)
    decoded = decoder.decode({'output0': tensor}, WH, 0.3)
    assert (len(decoded.detections), decoded.dropped) == (0, 2)


def test_fastestdet_box_comes_out():
    tensor = np.zeros((1, 8, 4, 8), np.float32)  # cells of 8 pixels
    row, column = 1, 2
    tensor[0, 0, row, column] = 0.9
    tensor[0, 1:3, row, column] = np.arctanh(CENTRE / 8 - (column, row))
    tensor[0, 3:5, row, column] = [
        logit(size / whole) for size, whole in zip(SIZE, WH, strict=True)
    ]
    tensor[0, 5:, row, column] = 0.1, 0.8, 0.2
    decoded = build_decoder('fastestdet', class_count=3).decode({'758': tensor}, WH, 0.3)
    check(decoded, score=0.9**0.6 * 0.8**0.4)


def test_detr_softmax_leaves_out_no_object():
    logits = np.full((1, 5, 4), -20.0, np.float32)
    logits[..., 3] = 10.0
    logits[0, 2] = np.log([0.08, 0.72, 0.1, 0.1])
    boxes = np.full((1, 5, 4), 0.5, np.float32)
    boxes[0, 2] = [*(CENTRE / WH), *(SIZE / WH)]
    decoder = build_decoder('detr', class_count=3)
    assert not decoder.needs_suppression
    check(decoder.decode({'pred_logits': logits, 'pred_boxes': boxes}, WH, 0.3))


def test_detr_sigmoid_has_no_background():
    logits = np.full((1, 5, 3), -20.0, np.float32)
    logits[0, 2, 1] = logit(0.72)
    boxes = np.full((1, 5, 4), 0.5, np.float32)
    boxes[0, 2] = [*(CENTRE / WH), *(SIZE / WH)]
    decoder = build_decoder('detr', {'activation': 'sigmoid'}, class_count=3)
    check(decoder.decode({'logits': logits, 'pred_boxes': boxes}, WH, 0.3))


@pytest.mark.parametrize(('offset', 'label'), [(0, 1), (1, 2)])
def test_torchvision_labels_are_shifted(offset, label):
    outputs = {
        'boxes': np.array([BOX, BOX], np.float32),
        'labels': np.array([label, label]),
        'scores': np.array([0.72, 0.1], np.float32),
    }
    decoder = build_decoder('torchvision', {'label_offset': offset}, class_count=3)
    check(decoder.decode(outputs, WH, 0.3))


def test_torchvision_without_detections_gives_none():
    outputs = {'boxes': np.zeros((0, 4)), 'labels': np.zeros(0), 'scores': np.zeros(0)}
    decoded = build_decoder('torchvision', class_count=3).decode(outputs, WH, 0.3)
    assert len(decoded.detections) == 0
