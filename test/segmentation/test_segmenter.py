"""The complete path from frame to mask, on a real network with a known answer."""

import cv2
import numpy as np
import pytest

from perception_nodes.inference.bundle import BundleError
from perception_nodes.inference.bundle_spec import Calibration, DecoderSpec, InputSpec
from perception_nodes.inference.decoders import DecoderError
from perception_nodes.inference.golden import GoldenMismatch, record_golden
from perception_nodes.segmentation import SegmentationConfig, Segmenter
from perception_nodes.structures import UNLABELLED, Frame

FLOOR, RED, BLUE = 0, 1, 2
SURE = 1 / (1 + np.exp(-5.0) + np.exp(-10.0))
"""Softmax of a full red: logits 0, 5, −5."""


@pytest.fixture
def segmenter(make_bundle):
    segmenter = Segmenter.load(make_bundle(), device='cpu', threads=1)
    yield segmenter
    segmenter.close()


def expected_ids(edge_px=0):
    ids = np.zeros((64, 128), np.uint8)
    ids[: 32 + edge_px, : 64 + edge_px] = RED
    ids[32 - edge_px :, 96 - edge_px :] = BLUE
    return ids


def test_black_picture_is_floor_everywhere(segmenter):
    found = segmenter(Frame(pixels=np.zeros((64, 128, 3), np.uint8)))
    assert (found.class_ids == FLOOR).all()
    assert found.class_ids.dtype == found.confidence.dtype == np.uint8


def test_mask_has_the_size_and_the_classes_of_the_picture(segmenter, picture):
    found = segmenter(picture)
    assert found.size_wh == (128, 64)
    # The logits are linear in the colour, so classes meet where the interpolated colour is half.
    np.testing.assert_array_equal(found.class_ids[:24, :56], RED)
    np.testing.assert_array_equal(found.class_ids[40:, 104:], BLUE)
    assert (found.class_ids == expected_ids()).mean() > 0.98
    assert [segmenter.class_names[i] for i in (FLOOR, RED, BLUE)] == ['floor', 'red', 'blue']


def test_confidence_is_the_probability_as_a_byte(segmenter, picture):
    confidence = segmenter(picture).confidence
    assert confidence[8, 8] == round(255 * SURE)
    assert confidence[8, 63] < 0.7 * 255, 'less sure where classes meet'


def test_temperature_of_the_bundle_softens_the_confidence(make_bundle, picture):
    bundle = make_bundle(calibration=Calibration(temperature=4.0))
    confidence = Segmenter.load(bundle, device='cpu')(picture).confidence
    softened = 1 / (1 + np.exp(-5 / 4) + np.exp(-10 / 4))
    assert confidence[8, 8] == pytest.approx(255 * softened, abs=0.51)


@pytest.mark.parametrize('stride', [1, 2, 8])
def test_any_output_size_covers_the_picture(make_bundle, picture, stride):
    found = Segmenter.load(make_bundle(stride=stride), device='cpu')(picture)
    assert (found.class_ids == expected_ids()).mean() > 0.98


def test_channel_order_of_the_frame_does_not_matter(segmenter, picture):
    swapped = Frame(pixels=picture.pixels[:, :, ::-1].copy(), color_order='bgr')
    np.testing.assert_array_equal(segmenter(swapped).class_ids, segmenter(picture).class_ids)


@pytest.mark.parametrize('size_wh', [(64, 64), (100, 31), (33, 77), (640, 480)])
@pytest.mark.parametrize('resize', ['letterbox', 'letterbox_top_left', 'stretch'])
def test_border_is_cut_off_and_halves_meet_in_the_middle(make_bundle, size_wh, resize):
    bundle = make_bundle(
        stride=4, input=InputSpec(size_wh=(64, 32), resize=resize, pad_value=0, scale=1 / 255)
    )
    width, height = size_wh
    pixels = np.full((height, width, 3), (255, 0, 0), np.uint8)
    pixels[:, : width // 2] = (0, 0, 255)
    found = Segmenter.load(bundle, device='cpu')(Frame(pixels=pixels)).class_ids
    # Cells at the rim hold parts of the border, which is black.
    rows = found[height // 3 : height - height // 3]
    assert (rows[:, width // 6 : int(width * 0.43)] == BLUE).all()
    assert (rows[:, int(width * 0.57) : width - width // 6] == RED).all()


def test_outside_the_region_of_interest_nothing_is_known(segmenter, picture):
    found = segmenter(picture, SegmentationConfig(roi=(64, 32, 64, 32)))
    assert found.size_wh == (128, 64)
    outside = np.ones((64, 128), bool)
    outside[32:, 64:] = False
    assert (found.class_ids[outside] == UNLABELLED).all()
    assert (found.confidence[outside] == 0).all()
    assert (found.class_ids[32:, 104:] == BLUE).all()
    assert (found.class_ids[32:, 64:88] == FLOOR).all()


def test_region_outside_the_picture_is_refused(segmenter, picture):
    with pytest.raises(ValueError, match='lies outside the picture'):
        segmenter(picture, SegmentationConfig(roi=(500, 0, 10, 10)))


def test_unsure_pixels_become_unlabelled_with_confidence_zero(segmenter, picture):
    found = segmenter(picture, SegmentationConfig(min_confidence=0.9))
    unsure = found.class_ids == UNLABELLED
    assert 0.02 < unsure.mean() < 0.2
    assert unsure[8, 63]
    assert (found.confidence[unsure] == 0).all()
    assert (found.confidence[~unsure] >= 0.9 * 255).all()


@pytest.mark.parametrize(
    ('remap', 'class_map', 'names', 'at_red', 'at_blue'),
    [
        ({}, (), ('floor', 'red', 'blue'), 1, 2),
        ({}, ('red=thing', 'blue=thing'), ('floor', 'thing'), 1, 1),
        ({'red': 'thing', 'blue': 'thing'}, (), ('floor', 'thing'), 1, 1),
        ({'red': 'thing', 'blue': 'thing'}, ('thing=floor',), ('floor',), 0, 0),
        ({}, ('red=unlabelled',), ('floor', 'blue'), UNLABELLED, 1),
        ({'floor': 'unlabelled'}, (), ('red', 'blue'), 0, 1),
        ({}, ('floor = blue',), ('blue', 'red'), 1, 0),
    ],
    ids=['none', 'in YAML', 'in bundle', 'both', 'unlabelled', 'no floor', 'onto another'],
)
def test_classes_are_renamed_and_joined(
    make_bundle, picture, remap, class_map, names, at_red, at_blue
):
    segmenter = Segmenter.load(make_bundle(remap=remap), device='cpu')
    config = SegmentationConfig(class_map=class_map)
    found = segmenter(picture, config)
    assert segmenter.classes_under(config) == names
    assert found.class_ids[8, 8] == at_red
    assert found.class_ids[56, 120] == at_blue
    assert (found.confidence[found.class_ids == UNLABELLED] == 0).all()


def test_joined_classes_add_their_probabilities(make_bundle, picture):
    segmenter = Segmenter.load(make_bundle(scale=2.0), device='cpu')
    joined = segmenter(picture, SegmentationConfig(class_map=('floor=any', 'red=any')))
    logits = np.array([0, 1, -1])
    shares = np.exp(logits) / np.exp(logits).sum()
    assert joined.confidence[8, 8] == pytest.approx(255 * (shares[0] + shares[1]), abs=0.51)


@pytest.mark.parametrize(
    ('class_map', 'words'),
    [
        (('rad=lane',), "no class 'rad'; did you mean 'red'.*floor, red, blue"),
        (('floor=unlabelled', 'red=unlabelled', 'blue=unlabelled'), 'every class becomes'),
    ],
)
def test_impossible_class_map_is_refused_naming_the_classes(segmenter, class_map, words):
    with pytest.raises(ValueError, match=words):
        segmenter.check(SegmentationConfig(class_map=class_map))


def test_network_of_nan_knows_nothing_and_counts(make_bundle, picture):
    segmenter = Segmenter.load(make_bundle(scale=float('nan')), device='cpu')
    found = segmenter(picture)
    assert (found.class_ids == UNLABELLED).all()
    assert (found.confidence == 0).all()
    assert segmenter.dropped == 32


def test_times_and_description_are_there(segmenter, picture):
    segmenter.warm_up()
    segmenter(picture)
    assert min(segmenter.times.preprocess_s, segmenter.times.postprocess_s) > 0
    assert segmenter.description.startswith('colours on cpu')


@pytest.mark.parametrize(
    ('changes', 'error', 'words'),
    [
        ({'task': 'path'}, BundleError, 'the task is path, needed is segmentation'),
        ({'input': InputSpec(size_wh=(32, 32))}, BundleError, r'takes \(64, 32\)'),
        ({'decoder': DecoderSpec(name='yolox')}, DecoderError, 'for detection'),
        ({'calibration': Calibration(bias=1.0)}, BundleError, 'calibration.bias'),
    ],
)
def test_bundle_that_does_not_fit_is_refused_on_loading(make_bundle, changes, error, words):
    with pytest.raises(error, match=words):
        Segmenter.load(make_bundle(**changes), device='cpu')


def test_wrong_class_count_is_explained_by_warm_up(make_bundle):
    segmenter = Segmenter.load(make_bundle(classes=('a', 'b', 'c', 'd')), device='cpu')
    with pytest.raises(DecoderError, match=r'logits \(1, 3, 4, 8\)[\s\S]*known decoders'):
        segmenter.warm_up()


@pytest.mark.parametrize('remap', [{'rad': 'x'}, {'red': ''}, {'red': 3}, ['red']])
def test_impossible_remap_of_a_bundle_is_refused(make_bundle, remap):
    with pytest.raises(BundleError, match='remap'):
        make_bundle(remap=remap)


@pytest.fixture
def with_golden(make_bundle, picture, tmp_path):
    """Return a function that gives a bundle, as changed, the true bundle's golden frame."""
    truth = make_bundle()
    frame = tmp_path / 'frame.png'
    cv2.imwrite(str(frame), picture.pixels[:, :, ::-1])
    segmenter = Segmenter.load(truth, device='cpu')
    expected = record_golden(segmenter, segmenter.class_names, frame, task='segmentation')
    recorded = make_bundle(golden_files=(frame, expected)).file('golden/expected.png')
    return lambda **changes: make_bundle(golden_files=(frame, recorded), **changes)


def test_right_bundle_passes_its_golden_frame(with_golden):
    bundle = with_golden()
    assert bundle.spec.golden.expected == 'golden/expected.png'
    Segmenter.load(bundle, device='cpu').verify()


def test_bundle_without_golden_frame_passes(segmenter):
    segmenter.verify()


SIZE = {'size_wh': (64, 32), 'pad_value': 0, 'scale': 1 / 255}


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'input': InputSpec(**SIZE, color_order='bgr')}, 'red expected, blue found'),
        ({'input': InputSpec(**{**SIZE, 'scale': 0.4 / 255})}, 'red expected, floor found'),
        ({'input': InputSpec(**SIZE, mean=(0.6, 0.6, 0.6))}, 'input.mean'),
        ({'input': InputSpec(**SIZE, std=(3.0, 3.0, 3.0))}, 'input.std'),
        ({'input': InputSpec(**SIZE, mean=(-0.6, -0.6, -0.6))}, 'floor expected, red found'),
        ({'classes': ('blue', 'floor', 'red')}, 'red expected, floor found'),
        ({'classes': ('floor', 'lane', 'blue')}, 'red expected, lane found'),
        ({'remap': {'blue': 'red'}}, 'order of classes'),
    ],
    ids=['colour order', 'scale', 'mean', 'std', 'negative mean', 'class order', 'name', 'remap'],
)
def test_wrong_description_cannot_go_unnoticed(with_golden, changes, words):
    bundle = with_golden(**changes)
    with pytest.raises(GoldenMismatch, match=words):
        Segmenter.load(bundle, device='cpu').verify()
