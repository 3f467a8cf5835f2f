"""Raw bytes become views, views become bytes, and nonsense becomes a reason."""

import array
import pickle
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.imaging.encodings import ENCODINGS, ImageView, decode_image, encode_image
from perception_nodes.imaging.image_error import ImageError, ImageReason
from perception_nodes.structures import ColorOrder, Frame

H, W = 3, 5
byte_bounds = getattr(np.lib, 'array_utils', np).byte_bounds  # NumPy 2, NumPy 1


def sample(encoding, seed=0):
    """Return an array of random values that fits the encoding."""
    layout = ENCODINGS[encoding]
    shape = (H, W) if layout.channels == 1 else (H, W, layout.channels)
    values = np.random.default_rng(seed).integers(
        0, 2 ** (8 * np.dtype(layout.item).itemsize), shape
    )
    return values.astype(layout.item)


def packed(values, padding, is_bigendian):
    """Return (bytes, step) of an array with ``padding`` bytes of 0xAB after each row."""
    rows = values.astype(values.dtype.newbyteorder('>' if is_bigendian else '<'))
    rows = [row.tobytes() + b'\xab' * padding for row in rows]
    return b''.join(rows), len(rows[0])


@pytest.mark.parametrize('is_bigendian', [False, True])
@pytest.mark.parametrize('padding', [0, 1, 16])
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_every_encoding_comes_back_with_padding_and_either_byte_order(
    encoding, padding, is_bigendian
):
    values = sample(encoding)
    data, step = packed(values, padding, is_bigendian)
    view = decode_image(data, H, W, encoding, step, is_bigendian)
    np.testing.assert_array_equal(view.array, values)
    assert view.size_wh == (W, H)


@pytest.mark.parametrize('holder', [bytes, bytearray, memoryview, lambda b: array.array('B', b)])
def test_pixels_share_the_memory_of_the_message(holder):
    data = holder(bytes(range(H * W * 3)))
    view = decode_image(data, H, W, 'rgb8', W * 3)
    assert np.shares_memory(view.array, np.frombuffer(data, np.uint8))
    assert np.shares_memory(view.to_frame().pixels, view.array)
    assert not view.array.flags.writeable


def test_last_row_may_lack_its_padding():
    data, step = packed(sample('rgb8'), 7, False)
    np.testing.assert_array_equal(
        decode_image(data[:-7], H, W, 'rgb8', step).array, sample('rgb8')
    )


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [
        ('rgb8', ColorOrder.RGB),
        ('bgr8', ColorOrder.BGR),
        ('rgba8', ColorOrder.RGB),
        ('bgra8', ColorOrder.BGR),
        ('8UC3', ColorOrder.BGR),
    ],
)
def test_colour_frame_is_a_view_without_alpha(encoding, order):
    values = sample(encoding)
    frame = ImageView(values, encoding).to_frame(7, 'camera')
    assert (frame.color_order, frame.stamp_ns, frame.frame_id) == (order, 7, 'camera')
    np.testing.assert_array_equal(frame.pixels, values[:, :, :3])
    assert np.shares_memory(frame.pixels, values)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey_frame_repeats_the_value_without_a_copy(encoding):
    values = sample(encoding)
    pixels = ImageView(values, encoding).to_frame().pixels
    assert np.shares_memory(pixels, values)
    for channel in range(3):
        np.testing.assert_array_equal(pixels[:, :, channel], values)


@pytest.mark.parametrize('is_bigendian', [False, True])
def test_mono16_frame_keeps_the_high_byte_without_a_copy(is_bigendian):
    values = sample('mono16')
    data, step = packed(values, 3, is_bigendian)
    view = decode_image(data, H, W, 'mono16', step, is_bigendian)
    pixels = view.to_frame().pixels
    np.testing.assert_array_equal(pixels[:, :, 1], values >> 8)
    assert np.shares_memory(pixels, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1'])
def test_depth_is_not_a_picture(encoding):
    with pytest.raises(ImageError, match='is depth') as caught:
        ImageView(sample(encoding), encoding).to_frame()
    assert caught.value.reason is ImageReason.WRONG_KIND


@pytest.mark.parametrize(
    ('change', 'reason', 'words'),
    [
        ({'step': W * 3 - 1}, ImageReason.BAD_STEP, 'step 14 is below'),
        ({'step': 0}, ImageReason.BAD_STEP, 'step 0 is below'),
        ({'data': b''}, ImageReason.SHORT_DATA, '0 bytes'),
        ({'data': bytes(H * W * 3 - 1)}, ImageReason.SHORT_DATA, 'needs 45'),
        ({'data': array.array('B')}, ImageReason.SHORT_DATA, '0 bytes'),
        ({'height': 0}, ImageReason.ZERO_SIZE, '5×0'),
        ({'width': 0}, ImageReason.ZERO_SIZE, '0×3'),
        ({'encoding': 'yuv422_yuy2'}, ImageReason.UNKNOWN_ENCODING, 'yuv422_yuy2'),
        ({'encoding': ''}, ImageReason.UNKNOWN_ENCODING, 'allowed: rgb8'),
        ({'height': 10_000, 'width': 10_000}, ImageReason.TOO_LARGE, '100000000 pixels'),
        ({'height': 2**32 - 1, 'width': 2**32 - 1}, ImageReason.TOO_LARGE, 'pixels'),
    ],
)
def test_nonsense_is_refused_with_its_reason(change, reason, words):
    fields = {
        'data': bytes(H * W * 3),
        'height': H,
        'width': W,
        'encoding': 'rgb8',
        'step': W * 3,
    }
    with pytest.raises(ImageError, match=words) as caught:
        decode_image(**{**fields, **change})
    assert caught.value.reason is reason
    assert reason.value in str(caught.value)


def test_pixel_limit_is_configurable_and_inclusive():
    decode_image(bytes(15), H, W, 'mono8', W, max_pixels=15)
    with pytest.raises(ImageError, match='too_large'):
        decode_image(bytes(15), H, W, 'mono8', W, max_pixels=14)


def test_error_passes_between_processes():
    error = pickle.loads(pickle.dumps(ImageError(ImageReason.BAD_STEP, 'step 0')))
    assert (error.reason, str(error)) == (ImageReason.BAD_STEP, 'bad_step: step 0')


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_encode_is_the_inverse_of_decode(encoding):
    image = encode_image(ImageView(sample(encoding), encoding))
    assert (image.height, image.width, image.encoding) == (H, W, encoding)
    assert len(image.data) == image.step * H
    view = decode_image(image.data, H, W, encoding, image.step, image.is_bigendian)
    np.testing.assert_array_equal(view.array, sample(encoding))


def test_encode_shares_memory_with_a_contiguous_array_and_copies_a_strided_one():
    values = sample('rgb8')
    assert np.shares_memory(
        np.frombuffer(encode_image(ImageView(values, 'rgb8')).data, np.uint8), values
    )
    flipped = ImageView(values[:, ::-1], 'rgb8')
    np.testing.assert_array_equal(
        np.frombuffer(encode_image(flipped).data, np.uint8).reshape(H, W, 3), values[:, ::-1]
    )


def test_encode_turns_big_endian_values_around():
    values = sample('mono16').astype('>u2')
    image = encode_image(ImageView(values, 'mono16'))
    assert image.is_bigendian is False
    np.testing.assert_array_equal(np.frombuffer(image.data, '<u2').reshape(H, W), values)


@pytest.mark.parametrize('order', list(ColorOrder))
def test_frame_comes_back_from_its_image(order):
    frame = Frame(pixels=sample('rgb8'), color_order=order, stamp_ns=3, frame_id='camera')
    image = encode_image(ImageView.from_frame(frame))
    back = decode_image(image.data, H, W, image.encoding, image.step).to_frame(3, 'camera')
    assert back.color_order == order
    np.testing.assert_array_equal(back.pixels, frame.pixels)


@pytest.mark.parametrize(
    ('values', 'encoding'),
    [
        (np.zeros((H, W), np.uint8), 'rgb8'),
        (np.zeros((H, W, 3), np.uint8), 'mono8'),
        (np.zeros((H, W), np.float64), '32FC1'),
        (np.zeros((H, W), np.int16), '16UC1'),
        (np.zeros((0, W), np.uint8), 'mono8'),
    ],
)
def test_array_that_does_not_fit_its_encoding_is_not_encoded(values, encoding):
    with pytest.raises(ImageError, match='wrong_kind'):
        encode_image(ImageView(values, encoding))


@given(
    data=st.binary(max_size=400),
    height=st.one_of(st.integers(0, 12), st.integers(0, 2**32 - 1)),
    width=st.one_of(st.integers(0, 12), st.integers(0, 2**32 - 1)),
    encoding=st.one_of(st.sampled_from([*ENCODINGS, 'bayer_rggb8', 'RGB8']), st.text(max_size=8)),
    step=st.one_of(st.integers(0, 40), st.integers(0, 2**32 - 1)),
    is_bigendian=st.integers(0, 255),
)
def test_any_fields_give_a_picture_inside_the_data_or_a_reason(
    data, height, width, encoding, step, is_bigendian
):
    try:
        view = decode_image(data, height, width, encoding, step, is_bigendian)
    except ImageError:
        return
    assert view.array.shape[:2] == (height, width)
    first = np.frombuffer(data, np.uint8).__array_interface__['data'][0]
    low, high = byte_bounds(view.array)
    assert first <= low <= high <= first + len(data)
    view.array.copy()
    if ENCODINGS[encoding].kind != 'depth':
        assert view.to_frame().pixels.shape == (height, width, 3)


def test_view_of_a_1080p_image_takes_microseconds():
    data = array.array('B', bytes(1920 * 1080 * 3))
    times = []
    for _ in range(50):
        start = time.perf_counter()
        decode_image(data, 1080, 1920, 'rgb8', 5760).to_frame()
        times.append(time.perf_counter() - start)
    assert np.median(times) < 0.5e-3, 'a copy of 6 MB was made'
