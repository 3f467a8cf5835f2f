"""Image messages to frames and back; pixels are views of the message's memory."""

from __future__ import annotations

import array
from typing import Any

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from perception_nodes.imaging.compressed import (
    CompressedFormat,
    decode_compressed,
    encode_compressed,
)
from perception_nodes.imaging.encodings import (
    ENCODINGS,
    MAX_PIXELS,
    ImageView,
    check_size,
    decode_image,
    encode_image,
)
from perception_nodes.imaging.image_error import ImageError, ImageReason
from perception_nodes.structures import ColorOrder, Frame

_NS = 1_000_000_000


def stamp_ns_from_msg(stamp: Time) -> int:
    """Return a message's time in nanoseconds."""
    return stamp.sec * _NS + stamp.nanosec


def stamp_ns_to_msg(stamp_ns: int) -> Time:
    """Return nanoseconds as a message's time; exact, also before 1970."""
    sec, nanosec = divmod(stamp_ns, _NS)
    return Time(sec=sec, nanosec=nanosec)


def header_from_frame(frame: Frame) -> Header:
    """Return the header that a frame would have come with."""
    return Header(stamp=stamp_ns_to_msg(frame.stamp_ns), frame_id=frame.frame_id)


def view_from_msg(message: Image, *, max_pixels: int = MAX_PIXELS) -> ImageView:
    """
    Return the pixels in the message's own encoding, for depth and masks; never a copy.

    :raises ImageError: with the reason for every message that cannot be used.
    """
    return decode_image(
        message.data,
        message.height,
        message.width,
        message.encoding,
        message.step,
        bool(message.is_bigendian),
        max_pixels=max_pixels,
    )


def frame_from_msg(message: Image, *, max_pixels: int = MAX_PIXELS) -> Frame:
    """
    Return a raw image as a colour frame.

    The encodings of :data:`~perception_nodes.imaging.encodings.ENCODINGS` are read here without
    a copy, all others by cv_bridge where it is installed.

    :param max_pixels: larger pictures are refused before anything is allocated.
    :raises ImageError: with the reason for every message that cannot be used.
    """
    header = message.header
    stamp_ns = stamp_ns_from_msg(header.stamp)
    if message.encoding in ENCODINGS:
        return view_from_msg(message, max_pixels=max_pixels).to_frame(stamp_ns, header.frame_id)
    check_size(message.height, message.width, max_pixels)
    return Frame(
        pixels=_pixels_by_cv_bridge(message),
        color_order=ColorOrder.BGR,
        stamp_ns=stamp_ns,
        frame_id=header.frame_id,
    )


def frame_from_compressed_msg(message: CompressedImage, *, max_pixels: int = MAX_PIXELS) -> Frame:
    """
    Return a JPEG or PNG message as a colour frame.

    :param max_pixels: larger pictures are refused before they are decoded.
    :raises ImageError: with the reason for every message that cannot be used.
    """
    view = decode_compressed(message.data, message.format, max_pixels=max_pixels)
    return view.to_frame(stamp_ns_from_msg(message.header.stamp), message.header.frame_id)


def frame_from_any_msg(message: Image | CompressedImage, *, max_pixels: int = MAX_PIXELS) -> Frame:
    """Return a raw or a compressed image as a colour frame; see the two above."""
    convert = frame_from_msg if isinstance(message, Image) else frame_from_compressed_msg
    return convert(message, max_pixels=max_pixels)


def image_to_msg(picture: Frame | ImageView, header: Header) -> Image:
    """
    Return a raw image message.

    :param picture: a frame (``rgb8`` or ``bgr8``, as it lies in memory) or a labelled array.
    :param header: goes into the message as it is.
    :raises ImageError: when an array does not fit its encoding.
    """
    view = ImageView.from_frame(picture) if isinstance(picture, Frame) else picture
    image = encode_image(view)
    return Image(
        header=header,
        height=image.height,
        width=image.width,
        encoding=image.encoding,
        is_bigendian=int(image.is_bigendian),
        step=image.step,
        data=_byte_array(image.data),
    )


def compressed_to_msg(
    picture: Frame | ImageView, header: Header, *, codec: str = 'jpeg', jpeg_quality: int = 90
) -> CompressedImage:
    """
    Return a compressed image message.

    :param codec: ``jpeg`` or ``png``.
    :param jpeg_quality: 1..100.
    """
    view = ImageView.from_frame(picture) if isinstance(picture, Frame) else picture
    data = encode_compressed(view, codec, jpeg_quality=jpeg_quality)
    return compressed_data_to_msg(
        data, CompressedFormat(codec=codec, encoding=view.encoding), header
    )


def compressed_data_to_msg(
    data: bytes, image_format: CompressedFormat, header: Header
) -> CompressedImage:
    """Return a message around bytes that are compressed already."""
    return CompressedImage(header=header, format=str(image_format), data=_byte_array(data))


def _byte_array(data: bytes | memoryview) -> array.array[int]:
    """
    Return the bytes in the one type that message fields take quickly.

    A numpy array is accepted there too, and costs 360 ms for 6 MB.
    """
    filled = array.array('B')
    filled.frombytes(data)
    return filled


def _pixels_by_cv_bridge(message: Image) -> Any:
    """Return (H, W, 3) uint8 BGR pixels of an encoding that is not read here."""
    try:
        from cv_bridge import CvBridge, CvBridgeError
    except ImportError as error:
        raise ImageError(
            ImageReason.UNKNOWN_ENCODING,
            f'encoding {message.encoding!r} is not read here; allowed: {", ".join(ENCODINGS)}; '
            'set the camera driver to one of them, or install cv_bridge for the others',
        ) from error
    try:
        return CvBridge().imgmsg_to_cv2(message, desired_encoding='bgr8')
    except (CvBridgeError, ValueError, TypeError) as error:
        raise ImageError(
            ImageReason.UNKNOWN_ENCODING, f'encoding {message.encoding!r}: cv_bridge says {error}'
        ) from error
