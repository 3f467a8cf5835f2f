"""Messages become views of their own memory, and frames become messages."""

import array
import sys
import types

import numpy as np
import pytest

pytest.importorskip('sensor_msgs.msg', reason='ROS 2 messages are not importable')
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from perception_nodes.imaging.encodings import ENCODINGS, ImageView
from perception_nodes.imaging.image_error import ImageError, ImageReason
from perception_nodes.ros import image_conversion as conversion
from perception_nodes.structures import ColorOrder, Frame

pytestmark = pytest.mark.ros

HEADER = Header(stamp=Time(sec=12, nanosec=345_678_901), frame_id='camera_optical_frame')


def message(**changes):
    """Return a good 4×3 rgb8 message with some fields changed."""
    fields = {
        'header': HEADER,
        'height': 3,
        'width': 4,
        'encoding': 'rgb8',
        'step': 12,
        'data': array.array('B', range(36)),
    }
    return Image(**{**fields, **changes})


def test_frame_is_a_view_of_the_message():
    source = message()
    frame = conversion.frame_from_msg(source)
    assert np.shares_memory(frame.pixels, np.frombuffer(source.data, np.uint8))
    assert (frame.stamp_ns, frame.frame_id) == (12_345_678_901, 'camera_optical_frame')
    np.testing.assert_array_equal(frame.pixels.ravel(), np.arange(36))


@pytest.mark.parametrize('order', list(ColorOrder))
def test_frame_comes_back_from_its_message(order):
    pixels = np.random.default_rng(0).integers(0, 255, (3, 4, 3)).astype(np.uint8)
    frame = Frame(pixels=pixels, color_order=order, stamp_ns=-5, frame_id='x')
    sent = conversion.image_to_msg(frame, conversion.header_from_frame(frame))
    back = conversion.frame_from_msg(sent)
    assert (back.color_order, back.stamp_ns, back.frame_id) == (order, -5, 'x')
    np.testing.assert_array_equal(back.pixels, pixels)


def test_header_goes_through_bit_for_bit():
    sent = conversion.image_to_msg(conversion.frame_from_msg(message()), HEADER)
    assert sent.header == HEADER
    assert conversion.header_from_frame(conversion.frame_from_msg(message())) == HEADER


def test_pixels_are_filled_as_an_array_not_as_numpy():
    sent = conversion.image_to_msg(conversion.frame_from_msg(message()), HEADER)
    assert type(sent.data) is array.array
    compressed = conversion.compressed_to_msg(conversion.frame_from_msg(message()), HEADER)
    assert type(compressed.data) is array.array


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_every_encoding_comes_back(encoding):
    layout = ENCODINGS[encoding]
    shape = (3, 4) if layout.channels == 1 else (3, 4, layout.channels)
    values = np.arange(np.prod(shape)).reshape(shape).astype(layout.item)
    sent = conversion.image_to_msg(ImageView(values, encoding), HEADER)
    assert len(sent.data) == sent.step * 3
    np.testing.assert_array_equal(conversion.view_from_msg(sent).array, values)


def test_compressed_frame_comes_back_with_its_header():
    pixels = np.full((8, 16, 3), (10, 120, 240), np.uint8)
    frame = Frame(pixels=pixels, color_order=ColorOrder.RGB, stamp_ns=7, frame_id='camera')
    sent = conversion.compressed_to_msg(frame, conversion.header_from_frame(frame))
    assert sent.format == 'rgb8; jpeg compressed bgr8'
    back = conversion.frame_from_compressed_msg(sent)
    assert (back.stamp_ns, back.frame_id) == (7, 'camera')
    assert np.abs(back.in_order(ColorOrder.RGB).astype(int) - pixels).max() < 6


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'step': 11}, ImageReason.BAD_STEP),
        ({'data': array.array('B', range(35))}, ImageReason.SHORT_DATA),
        ({'data': array.array('B')}, ImageReason.SHORT_DATA),
        ({'width': 0}, ImageReason.ZERO_SIZE),
        ({'width': 10_000, 'height': 10_000}, ImageReason.TOO_LARGE),
        (
            {'encoding': '32FC1', 'step': 16, 'data': array.array('B', bytes(48))},
            ImageReason.WRONG_KIND,
        ),
        ({'encoding': 'yuv422_yuy2'}, ImageReason.UNKNOWN_ENCODING),
        ({'encoding': 'bayer_rggb8', 'width': 10_000, 'height': 10_000}, ImageReason.TOO_LARGE),
    ],
)
def test_bad_message_is_refused_with_its_reason(changes, reason):
    with pytest.raises(ImageError) as caught:
        conversion.frame_from_msg(message(**changes))
    assert caught.value.reason is reason
    assert str(caught.value.reason) == reason.value


def test_unknown_encoding_names_itself_and_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    with pytest.raises(ImageError, match=r"'yuv422_yuy2'.*install cv_bridge"):
        conversion.frame_from_msg(message(encoding='yuv422_yuy2'))


def test_unknown_encoding_goes_through_an_installed_cv_bridge(monkeypatch):
    class Bridge:
        def imgmsg_to_cv2(self, source, desired_encoding):
            assert desired_encoding == 'bgr8'
            return np.full((source.height, source.width, 3), 9, np.uint8)

    module = types.SimpleNamespace(CvBridge=Bridge, CvBridgeError=TypeError)
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)
    frame = conversion.frame_from_msg(message(encoding='yuv422_yuy2'))
    assert frame.color_order is ColorOrder.BGR
    assert frame.pixels.max() == 9


def test_cv_bridge_that_fails_becomes_a_reason(monkeypatch):
    class Bridge:
        def imgmsg_to_cv2(self, source, desired_encoding):
            raise TypeError('no conversion')

    module = types.SimpleNamespace(CvBridge=Bridge, CvBridgeError=TypeError)
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)
    with pytest.raises(ImageError, match='no conversion'):
        conversion.frame_from_msg(message(encoding='yuv422_yuy2'))


def test_broken_jpeg_is_refused_with_its_reason():
    broken = CompressedImage(header=HEADER, format='jpeg', data=array.array('B', b'\xff\xd8\xff'))
    with pytest.raises(ImageError, match='broken_data'):
        conversion.frame_from_compressed_msg(broken)


@given(st.integers(-(2**31) * 10**9, (2**31 - 1) * 10**9 + 999_999_999))
def test_every_stamp_comes_back_exactly(stamp_ns):
    assert conversion.stamp_ns_from_msg(conversion.stamp_ns_to_msg(stamp_ns)) == stamp_ns


@given(
    data=st.binary(max_size=100),
    height=st.one_of(st.integers(0, 6), st.integers(0, 2**32 - 1)),
    width=st.one_of(st.integers(0, 6), st.integers(0, 2**32 - 1)),
    encoding=st.sampled_from([*ENCODINGS, 'nv21', '']),
    step=st.one_of(st.integers(0, 30), st.integers(0, 2**32 - 1)),
    is_bigendian=st.integers(0, 255),
)
def test_any_message_gives_a_frame_or_an_image_error(
    data, height, width, encoding, step, is_bigendian
):
    source = message(
        data=array.array('B', data),
        height=height,
        width=width,
        encoding=encoding,
        step=step,
        is_bigendian=is_bigendian,
    )
    try:
        frame = conversion.frame_from_msg(source)
    except ImageError:
        return
    assert frame.size_wh == (width, height)
