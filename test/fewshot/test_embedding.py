"""Vectors of crops: of length 1, near for like things, refused with a reason."""

import cv2
import numpy as np
import pytest

from perception_nodes.fewshot.embedding import (
    EMBEDDERS,
    GradientColorEmbedder,
    color_histograms,
    gradient_histograms,
    open_embedder,
)


def disc(color, size=48, shift=0):
    pixels = np.full((size, size, 3), 90, np.uint8)
    cv2.circle(pixels, (size // 2 + shift, size // 2), size // 3, color, -1)
    return pixels


@pytest.mark.parametrize('name', EMBEDDERS)
def test_vector_has_length_one_whatever_the_size_of_the_crop(name):
    embedder = EMBEDDERS[name]()
    small, large = embedder(disc((200, 0, 0), 20)), embedder(disc((200, 0, 0), 140))
    assert small.dtype == np.float32
    assert small.shape == large.shape
    assert np.linalg.norm(small) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(small, embedder(disc((200, 0, 0), 20)))


def test_flat_crop_has_a_vector_too():
    assert np.isfinite(GradientColorEmbedder()(np.zeros((30, 30, 3), np.uint8))).all()


def test_colour_tells_apart_what_has_the_same_shape():
    with_color, without = GradientColorEmbedder(), GradientColorEmbedder(color_weight=0)
    red, blue, moved = disc((200, 0, 0)), disc((0, 0, 200)), disc((200, 0, 0), shift=1)
    assert with_color(red) @ with_color(moved) > with_color(red) @ with_color(blue) + 0.1
    assert without(red) @ without(blue) > with_color(red) @ with_color(blue)


def test_gradient_of_a_ramp_falls_into_its_orientation():
    ramp = np.repeat(np.arange(0, 128, 4, dtype=np.uint8)[None, :, None], 32, 0).repeat(3, 2)
    across = gradient_histograms(ramp, 9)[1, 1].reshape(4, 9).sum(0)
    down = gradient_histograms(np.ascontiguousarray(ramp.transpose(1, 0, 2)), 9)
    assert set(np.argsort(across)[-2:]) == {0, 8}, 'angle 0 lies between the first and the last'
    assert down[1, 1].reshape(4, 9).sum(0).argmax() == 4


def test_grey_has_no_hue():
    found = color_histograms(np.full((32, 32, 3), 128, np.uint8))
    assert found.shape == (4, 4, 13)
    assert np.allclose(found[..., :12], 0)
    assert np.allclose(found[..., 12], 1)


@pytest.mark.parametrize(
    ('crop', 'words'),
    [
        (np.zeros((20, 20), np.uint8), 'expected \\(H, W, 3\\) uint8'),
        (np.zeros((20, 20, 3), np.float32), 'float32'),
        (np.zeros((20, 3, 3), np.uint8), '3×20 pixels'),
    ],
)
def test_other_arrays_are_refused(crop, words):
    with pytest.raises(ValueError, match=words):
        GradientColorEmbedder()(crop)


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        ({'size_px': 40}, 'multiple of 16'),
        ({'orientations': 1}, '2 to 36'),
        ({'color_weight': float('nan')}, 'color_weight'),
        ({'colour': 1}, 'its settings: size_px'),
    ],
)
def test_settings_out_of_range_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        open_embedder('gradients_and_colors', settings)


def test_unknown_embedder_names_the_known_ones():
    with pytest.raises(ValueError, match='gradients_and_colors, pixels'):
        open_embedder('clip', {})
