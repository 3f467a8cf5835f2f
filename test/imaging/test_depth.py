"""Depth is metres with NaN, whatever the message held."""

import numpy as np
import pytest

from perception_nodes.imaging.depth import depth_from_metres, depth_to_metres
from perception_nodes.imaging.encodings import ImageView, decode_image, encode_image
from perception_nodes.imaging.image_error import ImageError


def test_millimetres_become_metres_and_zero_becomes_nan():
    metres = depth_to_metres(ImageView(np.array([[0, 1, 1500, 65535]], np.uint16), '16UC1'))
    assert metres.dtype == np.float32
    np.testing.assert_allclose(metres, [[np.nan, 0.001, 1.5, 65.535]], rtol=1e-6)


def test_float_metres_keep_nan_and_infinities():
    values = np.array([[np.nan, np.inf, -np.inf, 2.5]], np.float32)
    np.testing.assert_array_equal(depth_to_metres(ImageView(values, '32FC1')), values)


def test_big_endian_depth_becomes_native():
    view = decode_image(b'\x05\xdc', 1, 1, '16UC1', 2, is_bigendian=True)
    assert depth_to_metres(view)[0, 0] == pytest.approx(1.5)
    data = np.array([2.5], '>f4').tobytes()
    metres = depth_to_metres(decode_image(data, 1, 1, '32FC1', 4, is_bigendian=True))
    assert metres[0, 0] == 2.5
    assert metres.dtype.isnative


def test_millimetres_come_back_exactly():
    units = np.arange(0, 65536, 7, dtype=np.uint16)[np.newaxis]
    back = depth_from_metres(depth_to_metres(ImageView(units, '16UC1')), '16UC1')
    np.testing.assert_array_equal(back.array, units)
    assert encode_image(back).step == 2 * units.shape[1]


def test_values_outside_sixteen_bits_become_unknown():
    metres = np.array([[-1.0, 65.536, np.inf, -np.inf, np.nan]])
    np.testing.assert_array_equal(depth_from_metres(metres, '16UC1').array, [[0] * 5])


def test_colour_is_not_depth():
    with pytest.raises(ImageError, match='allowed: 16UC1, 32FC1'):
        depth_to_metres(ImageView(np.zeros((1, 1, 3), np.uint8), 'rgb8'))
    with pytest.raises(ImageError, match='allowed: 16UC1, 32FC1'):
        depth_from_metres(np.zeros((1, 1)), 'mono16')
