"""The suite of corruptions: the same bytes again, worse with severity, labels where things are."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.robustness import CORRUPTIONS, SEVERITIES, corrupt
from perception_nodes.structures import UNLABELLED, ColorOrder

PUBLISHED = 15


def scene(size_wh=(160, 120)) -> np.ndarray:
    """Return a picture with edges, texture, colours, dark and bright parts."""
    width, height = size_wh
    y, x = np.mgrid[:height, :width].astype(np.float32)
    rgb = np.dstack([90 + 60 * np.sin(x / 9), 110 + 50 * np.cos(y / 7), 80 + 0.5 * x])
    rgb = np.clip(rgb, 0, 255).astype(np.uint8)
    cv2.rectangle(rgb, (width // 5, height // 4), (width // 2, 3 * height // 4), (200, 60, 40), -1)
    cv2.circle(rgb, (3 * width // 4, height // 2), height // 5, (30, 40, 160), -1)
    return rgb


def errors_of(name: str, severity: int) -> np.ndarray:
    """Return how far a corruption takes pictures away, with their mean and without it."""
    clean = scene()
    spoilt = [corrupt(clean, name, severity, picture=str(i)).rgb for i in range(4)]
    away = [spoilt_one.astype(float) - clean for spoilt_one in spoilt]
    return np.mean([[np.abs(d).mean(), np.abs(d - d.mean()).mean()] for d in away], axis=0)


def test_suite_holds_the_published_fifteen_and_the_robots_own():
    groups = [item.group for item in CORRUPTIONS.values()]
    assert len(CORRUPTIONS) - groups.count('robot') == PUBLISHED
    assert {'night', 'glare', 'rain', 'distance_fog', 'lens_dirt'} <= set(CORRUPTIONS)


@pytest.mark.parametrize('name', CORRUPTIONS)
def test_every_severity_is_worse_than_the_one_before(name):
    errors = [errors_of(name, severity) for severity in SEVERITIES]
    assert (errors[-1] > 1.1 * errors[0]).all()
    assert all((later > earlier).any() for earlier, later in pairwise(errors))


@pytest.fixture(scope='module')
def photographs(shared_data) -> list[np.ndarray]:
    labelled = open_masked_set(f'camvid:{shared_data / "camvid"}@val[::40]')
    return [labelled.read(one)[0].in_order(ColorOrder.RGB) for one in labelled.pictures]


@pytest.mark.data
@pytest.mark.parametrize('name', CORRUPTIONS)
def test_every_severity_takes_photographs_further_away(photographs, name):
    assert photographs
    away = [
        np.mean(
            [
                cv2.absdiff(corrupt(rgb, name, severity, picture=str(i)).rgb, rgb).mean()
                for i, rgb in enumerate(photographs)
            ]
        )
        for severity in SEVERITIES
    ]
    assert (np.diff(away) > 0).all(), away


@pytest.mark.data
@pytest.mark.parametrize('name', ['defocus_blur', 'glass_blur', 'motion_blur', 'zoom_blur'])
def test_every_severity_of_a_blur_leaves_less_detail(photographs, name):
    """A blur drawn as a few sharp pictures over one another takes pixels away, but no detail."""
    detail = [
        np.mean(
            [
                np.abs(cv2.Laplacian(corrupt(rgb, name, severity, picture='a').rgb, cv2.CV_32F))
                for rgb in photographs
            ]
        )
        for severity in SEVERITIES
    ]
    assert (np.diff(detail) < 0).all(), detail


@pytest.mark.parametrize('name', CORRUPTIONS)
@pytest.mark.parametrize('size_wh', [(32, 32), (47, 33), (200, 32)])
def test_pictures_may_be_small(name, size_wh):
    for severity in SEVERITIES:
        spoilt = corrupt(scene(size_wh), name, severity, picture='a').rgb
        assert (spoilt.shape, spoilt.dtype) == ((*size_wh[::-1], 3), np.uint8)


@pytest.mark.parametrize('name', CORRUPTIONS)
def test_same_arguments_give_the_same_bytes_and_leave_the_picture_alone(name):
    clean = scene()
    before = clean.copy()
    first, again = (corrupt(clean, name, 3, picture='a', seed=5).rgb for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(clean, before)
    assert (first.shape, first.dtype) == (clean.shape, np.uint8)
    assert (first != clean).any()


@pytest.mark.parametrize('name', ['gaussian_noise', 'snow', 'frost', 'rain', 'elastic'])
def test_other_pictures_and_seeds_get_other_random_numbers(name):
    clean = scene()
    variants = [
        corrupt(clean, name, 3, picture=picture, seed=seed).rgb
        for picture, seed in (('a', 0), ('b', 0), ('a', 1))
    ]
    assert (variants[0] != variants[1]).any()
    assert (variants[0] != variants[2]).any()


@pytest.mark.parametrize('name', ['defocus_blur', 'motion_blur', 'zoom_blur', 'glass_blur'])
def test_blur_leaves_things_where_they_are(name):
    """Labels stay valid: the centre of mass of a bright disk does not move."""
    dark = np.zeros((121, 161, 3), np.uint8)
    cv2.circle(dark, (80, 60), 12, (255, 255, 255), -1)
    y, x = np.mgrid[:121, :161]
    for picture in 'abc':
        weight = corrupt(dark, name, 4, picture=picture).rgb[..., 0].astype(float)
        centre = (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()
        assert np.hypot(centre[0] - 80, centre[1] - 60) < 1.5


@pytest.mark.parametrize(('severity', 'photons'), [(1, 60), (3, 12), (5, 3)])
def test_shot_noise_counts_photons(severity, photons):
    """The variance of a Poisson count is its mean; dark enough that nothing is clipped."""
    grey = 20
    seen = corrupt(np.full((300, 300, 3), grey, np.uint8), 'shot_noise', severity, picture='a').rgb
    counts = seen * (photons / 255)
    expected = grey * photons / 255
    assert counts.mean() == pytest.approx(expected, rel=0.02)
    assert counts.var() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize('shape_hw', [(32, 32), (360, 480)])
def test_elastic_warp_folds_nothing_over(shape_hw):
    rgb = np.zeros((*shape_hw, 3), np.uint8)
    for picture in 'abcde':
        source_xy = corrupt(rgb, 'elastic', 5, picture=picture).source_xy
        assert source_xy is not None
        assert (np.diff(source_xy[..., 0], axis=1) > 0).all()
        assert (np.diff(source_xy[..., 1], axis=0) > 0).all()
        y, x = np.mgrid[: shape_hw[0], : shape_hw[1]]
        shift = source_xy - np.dstack([x, y])
        assert np.sqrt((shift**2).mean(axis=(0, 1))) == pytest.approx(
            0.02 * min(shape_hw), rel=0.01
        )


def test_blur_grows_with_the_picture():
    """The same part of a thing is blurred at every resolution."""
    small, large = scene((160, 120)), scene((640, 480))
    spoilt = corrupt(large, 'defocus_blur', 3, picture='a').rgb
    shrunk = cv2.resize(spoilt, (160, 120), interpolation=cv2.INTER_AREA)
    alike = corrupt(small, 'defocus_blur', 3, picture='a').rgb
    clean = cv2.resize(large, (160, 120), interpolation=cv2.INTER_AREA)
    of_small = np.abs(alike.astype(int) - small).mean()
    of_large = np.abs(shrunk.astype(int) - clean).mean()
    assert of_large > 0.5 * of_small


def test_mask_moves_with_an_elastic_picture():
    """Colours and labels of two halves agree after the warp, but at their border."""
    ids = np.zeros((120, 160), np.uint8)
    ids[:, 80:] = 7
    rgb = np.where(ids[..., None] == 7, 220, 30).repeat(3, axis=2).astype(np.uint8)
    spoilt = corrupt(rgb, 'elastic', 5, picture='a')
    moved = spoilt.mask(ids)
    labelled = moved != UNLABELLED
    bright, dark = spoilt.rgb[..., 0] > 180, spoilt.rgb[..., 0] < 70
    assert labelled.mean() > 0.85
    assert (moved != ids)[labelled].any()
    assert (moved[labelled & bright] == 7).all()
    assert (moved[labelled & dark] == 0).all()


def test_what_does_not_move_keeps_its_labels():
    ids = np.arange(120 * 160, dtype=np.uint32).reshape(120, 160).astype(np.uint8)
    spoilt = corrupt(scene(), 'fog', 5, picture='a')
    np.testing.assert_array_equal(spoilt.mask(ids), ids)


@pytest.mark.parametrize(('name', 'severity'), [('smoke', 1), ('fog', 0), ('fog', 6)])
def test_unknown_names_and_severities_are_refused_with_the_known_ones(name, severity):
    with pytest.raises(ValueError, match='one of'):
        corrupt(scene(), name, severity, picture='a')
