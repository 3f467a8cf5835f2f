"""Frames to batches."""

import numpy as np
import pytest

from perception_nodes.inference.preprocess import Preprocessor
from perception_nodes.structures import ColorOrder, Frame

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def frame(width=64, height=48, order='rgb', seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Frame(pixels=pixels, color_order=order)


@pytest.mark.parametrize('frame_order', ['rgb', 'bgr'])
@pytest.mark.parametrize('network_order', ['rgb', 'bgr'])
def test_values_follow_the_formula_in_network_channel_order(frame_order, network_order):
    picture = frame(order=frame_order)
    preprocess = Preprocessor(
        size_wh=(64, 48), color_order=network_order, scale=1 / 255, mean=MEAN, std=STD
    )
    batch, _ = preprocess(picture)
    pixels = picture.in_order(ColorOrder(network_order)).astype(np.float64)
    expected = ((pixels / 255 - MEAN) / STD).transpose(2, 0, 1)[None]
    assert batch.shape == (1, 3, 48, 64)
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    np.testing.assert_allclose(batch, expected, atol=1e-5)


def test_letterbox_border_is_normalised_like_pixels():
    preprocess = Preprocessor(size_wh=(64, 64), scale=1.0, pad_value=114)
    batch, resize = preprocess(frame())
    assert resize.offset_xy == (0, 8)
    assert (batch[:, :, :8] == 114).all()
    assert (batch[:, :, 56:] == 114).all()


def test_changed_picture_size_leaves_no_trace_of_the_former():
    preprocess = Preprocessor(size_wh=(64, 64), scale=1.0)
    preprocess(frame(48, 64))
    batch, _ = preprocess(frame(64, 48, seed=1))
    fresh, _ = Preprocessor(size_wh=(64, 64), scale=1.0)(frame(64, 48, seed=1))
    np.testing.assert_array_equal(batch, fresh)


def test_memory_is_used_again_while_the_size_stays():
    preprocess = Preprocessor(size_wh=(32, 32))
    first, _ = preprocess(frame())
    second, _ = preprocess(frame(seed=1))
    assert first is second


def test_any_size_takes_the_picture_as_it_is():
    batch, resize = Preprocessor(size_wh=None, resize='none')(frame(50, 30))
    assert batch.shape == (1, 3, 30, 50)
    assert resize.scale_xy == (1.0, 1.0)


@pytest.mark.parametrize(
    'view',
    [
        lambda p: p[:, :, ::-1],
        lambda p: p[::-1],
        lambda p: p[:, ::2],
        lambda p: p[10:40, 5:60],
    ],
    ids=['channels reversed', 'upside down', 'every second column', 'cut out'],
)
def test_views_with_unusual_strides_read_as_their_copies(view):
    pixels = view(frame().pixels)
    preprocess = Preprocessor(size_wh=(32, 32))
    from_view = preprocess(Frame(pixels=pixels))[0].copy()
    from_copy, _ = preprocess(Frame(pixels=pixels.copy()))
    np.testing.assert_array_equal(from_view, from_copy)


def test_read_only_message_memory_is_read():
    picture = frame()
    picture.pixels.flags.writeable = False
    assert np.isfinite(Preprocessor(size_wh=(32, 32))(picture)[0]).all()


@pytest.mark.parametrize('policy', ['letterbox', 'letterbox_top_left', 'stretch'])
def test_device_path_agrees_with_the_cpu_path(policy):
    pytest.importorskip('torch')
    # Smooth, because the two libraries round 8-bit interpolation differently.
    ramp = np.add.outer(np.arange(48), np.arange(64))[..., None] + np.array([0, 40, 80])
    picture = Frame(pixels=ramp.astype(np.uint8), color_order='bgr')
    preprocess = Preprocessor(size_wh=(96, 80), resize=policy, mean=MEAN, std=STD)
    on_device, resize = preprocess.on_device(picture, 'cpu')
    on_cpu, same = preprocess(picture)
    assert resize is same
    one_level = 1 / 255 / min(STD)
    np.testing.assert_allclose(on_device.numpy(), on_cpu, atol=1.01 * one_level)


@pytest.mark.parametrize('std', [(1, 1), (1, 1, 0), (1, 1, -1)])
def test_impossible_normalisation_is_refused(std):
    with pytest.raises(ValueError, match='std'):
        Preprocessor(size_wh=(32, 32), std=std)
