"""
Raw image bytes to arrays and back, without a copy where the memory allows it.

Encodings are those of ``sensor_msgs/image_encodings.hpp``; depth follows REP-118.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Union

import numpy as np

from perception_nodes.imaging.image_error import ImageError, ImageReason
from perception_nodes.structures import ColorOrder, Frame

if TYPE_CHECKING:
    from array import array

#: Larger headers are refused before anything is allocated; 64 MP is beyond robot cameras.
MAX_PIXELS = 64_000_000


class PixelKind(str, Enum):
    """What the channels of an encoding mean."""

    RGB = 'rgb'
    BGR = 'bgr'
    MONO = 'mono'
    DEPTH = 'depth'


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """
    Memory layout of one encoding.

    :param kind: meaning of the channels; a fourth channel is alpha.
    :param channels: values per pixel.
    :param item: numpy type of one value without byte order.
    """

    kind: PixelKind
    channels: int
    item: str = 'u1'

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one pixel."""
        return self.channels * np.dtype(self.item).itemsize

    def dtype(self, *, is_bigendian: bool = False) -> np.dtype:
        """Return the type of one value in the given byte order."""
        return np.dtype(self.item).newbyteorder('>' if is_bigendian else '<')


ENCODINGS: dict[str, Encoding] = {
    'rgb8': Encoding(kind=PixelKind.RGB, channels=3),
    'bgr8': Encoding(kind=PixelKind.BGR, channels=3),
    'rgba8': Encoding(kind=PixelKind.RGB, channels=4),
    'bgra8': Encoding(kind=PixelKind.BGR, channels=4),
    'mono8': Encoding(kind=PixelKind.MONO, channels=1),
    'mono16': Encoding(kind=PixelKind.MONO, channels=1, item='u2'),
    '16UC1': Encoding(kind=PixelKind.DEPTH, channels=1, item='u2'),
    '32FC1': Encoding(kind=PixelKind.DEPTH, channels=1, item='f4'),
    # OpenCV's type names; three channels are BGR there.
    '8UC1': Encoding(kind=PixelKind.MONO, channels=1),
    '8UC3': Encoding(kind=PixelKind.BGR, channels=3),
}


#: What holds the bytes of an image: anything contiguous with the buffer protocol.
BytesLike = Union[bytes, bytearray, memoryview, 'array[int]', np.ndarray]


@dataclass(frozen=True, eq=False)
class ImageView:
    """
    A picture as an array together with the meaning of its channels.

    :param array: (H, W) or (H, W, C) in the dtype of the encoding; a read-only view of the
        message's memory when it comes from :func:`decode_image`, possibly strided, unaligned
        and in the other byte order.
    :param encoding: a key of :data:`ENCODINGS`.
    """

    array: np.ndarray
    encoding: str

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.array.shape[1], self.array.shape[0]

    def to_frame(self, stamp_ns: int = 0, frame_id: str = '') -> Frame:
        """
        Return the picture as a :class:`Frame`, always as a view.

        Alpha is left out by striding. Grey is repeated over the three channels by a stride of
        zero. ``mono16`` keeps the high byte of each value: 65535 becomes 255, 255 becomes 0.

        :raises ImageError: ``wrong_kind`` for depth, see :mod:`perception_nodes.imaging.depth`.
        """
        kind = encoding_named(self.encoding).kind
        if kind == PixelKind.DEPTH:
            raise ImageError(
                ImageReason.WRONG_KIND,
                f'encoding {self.encoding!r} is depth, not a picture; connect a colour topic '
                'with one of rgb8, bgr8, rgba8, bgra8, mono8, mono16',
            )
        if kind == PixelKind.MONO:
            grey = _high_byte(self.array)
            pixels = np.broadcast_to(grey[:, :, np.newaxis], (*grey.shape, 3))
        else:
            pixels = self.array[:, :, :3]
        order = ColorOrder.BGR if kind == PixelKind.BGR else ColorOrder.RGB
        return Frame(pixels=pixels, color_order=order, stamp_ns=stamp_ns, frame_id=frame_id)

    @classmethod
    def from_frame(cls, frame: Frame) -> ImageView:
        """Return a frame's pixels as ``rgb8`` or ``bgr8``, whichever needs no copy."""
        return cls(frame.pixels, f'{frame.color_order.value}8')


@dataclass(frozen=True, eq=False, kw_only=True)
class EncodedImage:
    """
    A picture as the fields of ``sensor_msgs/Image``, rows without padding.

    :param data: contiguous bytes; a view of the array where that is possible.
    :param step: bytes of one row.
    """

    data: memoryview
    height: int
    width: int
    encoding: str
    step: int
    is_bigendian: bool = False


def decode_image(
    data: BytesLike,
    height: int,
    width: int,
    encoding: str,
    step: int,
    is_bigendian: bool = False,
    *,
    max_pixels: int = MAX_PIXELS,
) -> ImageView:
    """
    Lay an array over the bytes of a raw image; nothing is copied.

    :param data: contiguous bytes, at least up to the last pixel.
    :param step: bytes from one row to the next, padding included.
    :param is_bigendian: byte order of two-byte and four-byte values.
    :param max_pixels: larger pictures are refused.
    :raises ImageError: with the reason; never anything else for fields of the right type.
    """
    layout = encoding_named(encoding)
    check_size(height, width, max_pixels)
    row_bytes = width * layout.pixel_bytes
    if step < row_bytes:
        raise ImageError(
            ImageReason.BAD_STEP,
            f'step {step} is below width × bytes per pixel = {width} × {layout.pixel_bytes} = '
            f'{row_bytes} for {encoding}; the publisher must fill Image.step',
        )
    buffer = np.frombuffer(data, dtype=np.uint8)
    needed = step * (height - 1) + row_bytes
    if len(buffer) < needed:
        raise ImageError(
            ImageReason.SHORT_DATA,
            f'{len(buffer)} bytes of data, but {width}×{height} {encoding} with step {step} '
            f'needs {needed}; the publisher must send whole rows',
        )
    dtype = layout.dtype(is_bigendian=bool(is_bigendian))
    array = np.ndarray(
        (height, width, layout.channels),
        dtype,
        buffer,
        strides=(step, layout.pixel_bytes, dtype.itemsize),
    )
    array.flags.writeable = False
    return ImageView(array[:, :, 0] if layout.channels == 1 else array, encoding)


def encode_image(view: ImageView) -> EncodedImage:
    """
    Return the message fields for a picture, little-endian, without row padding.

    The data shares memory with the array if that is contiguous and in the right byte order.

    :raises ImageError: ``wrong_kind`` when the array does not fit its encoding.
    """
    layout = encoding_named(view.encoding)
    shape = view.array.shape
    fits = len(shape) == 2 if layout.channels == 1 else shape[2:] == (layout.channels,)
    if not fits or view.array.dtype.newbyteorder('=') != np.dtype(layout.item) or 0 in shape:
        raise ImageError(
            ImageReason.WRONG_KIND,
            f'{view.encoding} needs a non-empty (H, W) array with {layout.channels} channel(s) '
            f'of {np.dtype(layout.item)}, got {shape} {view.array.dtype}',
        )
    array = np.ascontiguousarray(view.array, dtype=layout.dtype())
    return EncodedImage(
        data=array.view(np.uint8).data.cast('B'),
        height=shape[0],
        width=shape[1],
        encoding=view.encoding,
        step=shape[1] * layout.pixel_bytes,
    )


def check_size(height: int, width: int, max_pixels: int) -> None:
    """Raise :class:`ImageError` for an empty picture or one with too many pixels."""
    if height <= 0 or width <= 0:
        raise ImageError(
            ImageReason.ZERO_SIZE, f'{width}×{height} pixels; both must be at least 1'
        )
    if height * width > max_pixels:
        raise ImageError(
            ImageReason.TOO_LARGE,
            f'{width}×{height} = {height * width} pixels, allowed are {max_pixels}; '
            'raise the limit if the camera is really that large',
        )


def encoding_named(name: str) -> Encoding:
    """Return the layout, or raise :class:`ImageError` that lists the known names."""
    if name not in ENCODINGS:
        raise ImageError(
            ImageReason.UNKNOWN_ENCODING,
            f'encoding {name!r} is not read here; allowed: {", ".join(ENCODINGS)}; set the '
            'camera driver to one of them, or install cv_bridge for the others',
        )
    return ENCODINGS[name]


def _high_byte(array: np.ndarray) -> np.ndarray:
    """Return the most significant byte of each value as a view; (H, W) uint8."""
    if array.dtype.itemsize == 1:
        return array
    big = array.dtype.newbyteorder('>') == array.dtype
    offset = 0 if big else array.dtype.itemsize - 1
    # A view with another item size needs a contiguous last axis; a new axis of length 1 has it.
    return array[:, :, np.newaxis].view(np.uint8)[:, :, offset]
