"""SSD against TorchVision's own box coder and prior generator, and on a real network."""

import cv2
import numpy as np
import pytest

from perception_nodes.evaluation.matching import box_iou
from perception_nodes.inference.decoders import DecoderError, build_decoder
from perception_nodes.inference.decoders.priors import relative_sizes
from perception_nodes.inference.nms import suppress

RFB_320 = {
    'strides': [8, 16, 32, 64],
    'anchor_sizes': [[10, 16, 24], [32, 48], [64, 96], [128, 192, 256]],
}


def test_generated_priors_and_decoding_are_those_of_torchvision():
    torch = pytest.importorskip('torch')
    from torchvision.models.detection._utils import BoxCoder
    from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
    from torchvision.models.detection.image_list import ImageList

    ratios, scales = [[2], [2, 3], [2]], [0.1, 0.3, 0.6, 1.0]
    grids, wh = [(8, 6), (4, 3), (2, 1)], (320, 240)
    generator = DefaultBoxGenerator(ratios, scales=scales)
    features = [torch.zeros(1, 1, rows, columns) for columns, rows in grids]
    image = ImageList(torch.zeros(1, 3, wh[1], wh[0]), [(wh[1], wh[0])])
    anchors = generator(image, features)[0]
    offsets = torch.randn(len(anchors), 4, generator=torch.Generator().manual_seed(0))
    expected = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0)).decode_single(offsets, anchors)
    decoder = build_decoder(
        'ssd',
        {
            'feature_sizes': [list(grid) for grid in grids],
            'scales': scales,
            'aspect_ratios': ratios,
            'activation': 'softmax',
        },
        class_count=1,
    )
    outputs = {
        'cls_logits': np.zeros((1, len(anchors), 2), np.float32),
        'bbox_regression': offsets.numpy()[None],
    }
    found = decoder.decode(outputs, wh, 0.1).detections
    np.testing.assert_allclose(found.xyxy, expected.numpy(), rtol=1e-4, atol=1e-2)


def test_scales_follow_the_rule_of_the_paper():
    ((square, between, wide, narrow),) = relative_sizes([0.2, 0.45], [[4]])
    assert square == (0.2, 0.2)
    assert between == pytest.approx((0.3, 0.3))
    assert wide == pytest.approx((0.4, 0.1))
    assert narrow == pytest.approx((0.1, 0.4))


@pytest.mark.parametrize('where', ['tensor', 'options'])
def test_priors_may_be_delivered_or_stored(where):
    prior = [0.5, 0.5, 0.25, 0.5]
    outputs = {'scores': np.array([[[0.3, 0.7]]]), 'boxes': np.zeros((1, 1, 4), np.float32)}
    options = {}
    if where == 'tensor':
        outputs['priors'] = np.array([[prior]])
    else:
        options['priors'] = [prior]
    found = build_decoder('ssd', options, class_count=1).decode(outputs, (64, 32), 0.1).detections
    np.testing.assert_allclose(found.xyxy, [[24, 8, 40, 24]])


@pytest.mark.parametrize(('background', 'class_id'), [(0, 0), (1, 0), (2, 1)])
def test_background_column_is_left_out(background, class_id):
    scores = np.array([[[0.1, 0.7, 0.2]]]) if background != 1 else np.array([[[0.7, 0.1, 0.2]]])
    outputs = {'scores': scores, 'boxes': np.array([[[0, 0, 0.5, 0.5]]])}
    options = {'boxes': 'corners', 'background': background}
    found = build_decoder('ssd', options, class_count=2).decode(outputs, (64, 32), 0.5).detections
    assert found.class_ids.tolist() == [class_id]


def test_wrong_number_of_priors_names_both_counts():
    outputs = {'scores': np.zeros((1, 7, 2)), 'boxes': np.zeros((1, 7, 4))}
    outputs['scores'][..., 1] = 0.9
    with pytest.raises(DecoderError, match=r'4420 priors .* 7 rows'):
        build_decoder('ssd', RFB_320, class_count=1).decode(outputs, (320, 240), 0.3)


def test_feature_maps_without_sizes_are_refused():
    outputs = {'scores': np.full((1, 7, 2), 0.9), 'boxes': np.zeros((1, 7, 4))}
    with pytest.raises(DecoderError, match='give as many'):
        build_decoder('ssd', {'strides': [8]}, class_count=1).decode(outputs, (64, 32), 0.3)


@pytest.mark.data
def test_real_face_network_agrees_with_an_independent_one(shared_data):
    onnxruntime = pytest.importorskip('onnxruntime')
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    models = shared_data / 'models'
    network = onnxruntime.InferenceSession(
        str(models / 'version-RFB-320_simplified.onnx'), options
    )
    yunet = cv2.FaceDetectorYN.create(str(models / 'yunet_n_640_640.onnx'), '', (640, 480), 0.5)
    decoder = build_decoder('ssd', RFB_320, class_count=1)
    faces, confirmed = 0, 0
    for path in sorted((shared_data / 'coco_val_detection' / 'images').glob('*.jpg'))[40:]:
        pixels = cv2.resize(cv2.imread(str(path)), (640, 480))
        small = cv2.resize(pixels, (320, 240))[..., ::-1]
        batch = ((small.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]
        scores, boxes = network.run(None, {'input': np.ascontiguousarray(batch)})
        decoded = decoder.decode({'scores': scores, 'boxes': boxes}, (320, 240), 0.9)
        found = suppress(decoded.detections, 0.3)
        xywh = yunet.detect(pixels)[1]
        xywh = np.zeros((0, 4)) if xywh is None else xywh[:, :4] / 2
        truth = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        faces += len(found)
        confirmed += int((box_iou(found.xyxy, truth) > 0.5).any(axis=1).sum())
    assert faces >= 10
    assert confirmed / faces >= 0.9
