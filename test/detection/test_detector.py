"""The complete path from frame to boxes, on a real network with a known answer."""

import cv2
import numpy as np
import pytest

from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.inference.bundle import BundleError, write_bundle
from perception_nodes.inference.bundle_spec import Calibration, DecoderSpec, InputSpec
from perception_nodes.inference.decoders import DecoderError
from perception_nodes.inference.golden import GoldenMismatch
from perception_nodes.inference.golden_boxes import expected_from
from perception_nodes.structures import Frame

RED, BLUE = [16, 16, 32, 32], [96, 32, 112, 48]
HALF_BLUE = 128 / 255


@pytest.fixture
def detector(make_bundle):
    detector = Detector.load(make_bundle(), device='cpu', threads=1)
    yield detector
    detector.close()


def test_black_picture_gives_an_empty_result(detector):
    found = detector(Frame(pixels=np.zeros((64, 128, 3), np.uint8)))
    assert len(found) == 0
    assert found.xyxy.shape == (0, 4)


def test_boxes_are_in_source_pixels_surest_first(detector, picture):
    found = detector(picture)
    np.testing.assert_allclose(found.xyxy, [RED, BLUE], atol=0.01)
    np.testing.assert_allclose(found.scores, [1.0, HALF_BLUE], atol=0.01)
    assert [detector.class_names[i] for i in found.class_ids] == ['red', 'blue']


def test_channel_order_of_the_frame_does_not_matter(detector, picture):
    swapped = Frame(pixels=picture.pixels[:, :, ::-1].copy(), color_order='bgr')
    np.testing.assert_array_equal(detector(swapped).class_ids, detector(picture).class_ids)


def test_letterboxed_square_picture_maps_back(detector):
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[16:32, 32:48] = (255, 0, 0)
    np.testing.assert_allclose(detector(Frame(pixels=pixels)).xyxy, [[32, 16, 48, 32]], atol=0.01)


def test_boxes_in_the_letterbox_border_are_left_out(make_bundle):
    bundle = make_bundle(
        input=InputSpec(size_wh=(64, 32), resize='letterbox', pad_value=255, scale=1 / 255)
    )
    found = Detector.load(bundle, device='cpu')(Frame(pixels=np.zeros((64, 64, 3), np.uint8)))
    assert len(found) == 0


def test_region_of_interest_reports_in_the_whole_picture(detector, picture):
    found = detector(picture, DetectionConfig(roi=(64, 32, 64, 32)))
    # Cut out, the picture is not scaled down: the blue square covers four cells.
    assert found.class_ids.tolist() == [1] * 4
    np.testing.assert_allclose(found.xyxy.min(axis=0), [96, 32, 104, 40], atol=0.01)
    np.testing.assert_allclose(found.xyxy.max(axis=0), [104, 40, 112, 48], atol=0.01)


@pytest.mark.parametrize(
    ('changes', 'names'),
    [
        ({}, ['red', 'blue']),
        ({'score_threshold': 0.6}, ['red']),
        ({'classes': ('blue',)}, ['blue']),
        ({'class_thresholds': ('blue=0.6',)}, ['red']),
        ({'max_detections': 1}, ['red']),
    ],
)
def test_filters_choose_what_is_reported(detector, picture, changes, names):
    found = detector(picture, DetectionConfig(**changes))
    assert [detector.class_names[i] for i in found.class_ids] == names


def test_temperature_of_the_bundle_moves_scores(make_bundle, picture):
    bundle = make_bundle(calibration=Calibration(temperature=2.0, score_threshold=0.3))
    found = Detector.load(bundle, device='cpu')(picture)
    logit = np.log(HALF_BLUE / (1 - HALF_BLUE))
    assert found.scores[1] == pytest.approx(1 / (1 + np.exp(-logit / 2)), abs=1e-3)


def test_unknown_class_is_refused_and_nothing_changes(detector, picture):
    with pytest.raises(ValueError, match="no class 'rad'; did you mean red"):
        detector(picture, DetectionConfig(classes=('rad',)))
    assert len(detector(picture)) == 2


def test_network_of_nan_finds_nothing_and_counts(make_bundle, picture):
    detector = Detector.load(make_bundle(bias=float('nan')), device='cpu')
    assert len(detector(picture)) == 0
    assert detector.dropped == 32


def test_times_of_the_phases_are_measured(detector, picture):
    assert detector.times.total_s == 0.0
    detector(picture)
    times = detector.times
    assert min(times.preprocess_s, times.infer_s, times.postprocess_s) > 0.0
    assert times.total_s < 1.0


def test_description_names_model_and_device(detector):
    assert detector.description.startswith('cells on cpu')
    assert detector.device == 'cpu'


def test_folder_is_opened_as_well_as_a_bundle(make_bundle, picture):
    path = make_bundle().path
    assert len(Detector.load(str(path), device='cpu')(picture)) == 2


def test_close_may_be_called_twice(make_bundle):
    detector = Detector.load(make_bundle(), device='cpu')
    detector.close()
    detector.close()


def test_bundle_for_another_task_is_refused(make_bundle):
    with pytest.raises(BundleError, match='the task is segmentation'):
        Detector.load(make_bundle(task='segmentation'), device='cpu')


def test_wrong_input_size_is_refused_on_loading(make_bundle):
    bundle = make_bundle(input=InputSpec(size_wh=(416, 416)))
    with pytest.raises(BundleError, match=r'input.size_wh \(416, 416\).*takes \(64, 32\)'):
        Detector.load(bundle, device='cpu')


def test_wrong_decoder_is_explained_by_warm_up(make_bundle):
    detector = Detector.load(make_bundle(decoder=DecoderSpec(name='yolox')), device='cpu')
    with pytest.raises(DecoderError, match=r'cells \(1, 7, 4, 8\)[\s\S]*known decoders'):
        detector.warm_up()


def test_wrong_class_count_is_explained_by_warm_up(make_bundle):
    detector = Detector.load(make_bundle(classes=('red', 'blue', 'green')), device='cpu')
    with pytest.raises(DecoderError, match=r'expected output \(8, rows, columns\)'):
        detector.warm_up()


@pytest.fixture
def with_golden(make_bundle, picture, tmp_path):
    """Return a function that gives a bundle, as changed, the true bundle's golden frame."""
    truth = make_bundle()
    frame = tmp_path / 'frame.png'
    cv2.imwrite(str(frame), picture.pixels[:, :, ::-1])
    expected = expected_from(Detector.load(truth, device='cpu')(picture), truth.classes)

    def make(**changes):
        bundle = make_bundle(name='changed', **changes)
        weights = bundle.weights_path
        return write_bundle(tmp_path / 'golden', bundle.spec, weights, frame, expected)

    return make


def test_right_bundle_passes_its_golden_frame(with_golden):
    Detector.load(with_golden(), device='cpu').verify()


def test_bundle_without_golden_frame_passes(detector):
    detector.verify()


@pytest.mark.parametrize(
    'changes',
    [
        {'input': InputSpec(size_wh=(64, 32), color_order='bgr', pad_value=0, scale=1 / 255)},
        {'input': InputSpec(size_wh=(64, 32), pad_value=0, scale=0.7 / 255)},
        {'input': InputSpec(size_wh=(64, 32), pad_value=0, scale=1 / 255, mean=(0.3, 0.3, 0.3))},
        {'classes': ('blue', 'red')},
    ],
    ids=['colour order', 'scale', 'mean', 'class order'],
)
def test_wrong_description_cannot_go_unnoticed(with_golden, changes):
    with pytest.raises(GoldenMismatch):
        Detector.load(with_golden(**changes), device='cpu').verify()
