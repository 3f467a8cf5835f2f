"""JPEG and PNG to arrays and back; the header is read before anything is allocated."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from simplejpeg import decode_jpeg, decode_jpeg_header

from perception_nodes.imaging.encodings import (
    ENCODINGS,
    MAX_PIXELS,
    BytesLike,
    ImageView,
    PixelKind,
    check_size,
)
from perception_nodes.imaging.image_error import ImageError, ImageReason

#: Suffixes of the files that :func:`decode_compressed` reads.
PICTURE_SUFFIXES = ('.png', '.jpg', '.jpeg')
_JPEG_START = b'\xff\xd8\xff'
_JPEG_END = b'\xff\xd9'
_PNG_START = b'\x89PNG\r\n\x1a\n'
_PNG_END = b'IEND'
#: Start-of-frame markers carry the size: C0 to CF without DHT (C4), JPG (C8) and DAC (CC).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Markers without a length: TEM and RST0 to RST7.
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
#: Cheap cameras pad the stream with a few bytes; more of them are pixels out of place.
_PADDED = re.compile(
    r'Corrupt JPEG data: (\d|1[0-6]) extraneous bytes before marker 0x[0-9a-f]{2}'
)
#: Names of one codec as drivers write them.
_CODECS = {'jpeg': 'jpeg', 'jpg': 'jpeg', 'png': 'png'}


@dataclass(frozen=True, kw_only=True)
class CompressedFormat:
    """
    What ``CompressedImage.format`` says.

    :param codec: ``jpeg``, ``png``, or empty when the string does not say.
    :param encoding: the raw encoding before compression, or empty.
    """

    codec: str = ''
    encoding: str = ''

    @classmethod
    def parse(cls, text: str) -> CompressedFormat:
        """
        Read the string that image_transport and drivers write.

        ``jpeg``, ``png``, ``rgb8; jpeg compressed bgr8``, ``16UC1; png compressed`` and an
        empty string are known.

        :raises ImageError: ``unknown_encoding`` for other codecs and for compressedDepth.
        """
        head, separator, tail = text.partition(';')
        encoding = head.strip() if separator else ''
        words = (tail if separator else head).split()
        codec = next((_CODECS[word.lower()] for word in words if word.lower() in _CODECS), '')
        if (words and not codec) or 'compressedDepth' in words:
            raise ImageError(
                ImageReason.UNKNOWN_ENCODING,
                f'compressed format {text!r} is not read here; allowed: jpeg, png, or for '
                'example "bgr8; jpeg compressed bgr8"; subscribe to the raw topic instead',
            )
        return cls(codec=codec, encoding=encoding)

    def __str__(self) -> str:
        """Return the string in the form that image_transport reads."""
        if not self.encoding:
            return self.codec
        stored = 'bgr8' if ENCODINGS[self.encoding].channels > 1 else self.encoding
        return f'{self.encoding}; {self.codec} compressed {stored}'


def compressed_size_wh(data: BytesLike) -> tuple[int, int]:
    """
    Return width and height from the header of a JPEG or a PNG, decoding nothing.

    :raises ImageError: ``broken_data`` when it is neither, or cut off.
    """
    return _inspect(bytes(data))


def decode_compressed(
    data: BytesLike, format_text: str = '', *, max_pixels: int = MAX_PIXELS
) -> ImageView:
    """
    Decode a JPEG or a PNG.

    The bytes decide which of the two it is. A picture whose format names a grey or depth
    encoding keeps its single channel; everything else comes out as ``bgr8``. A JPEG whose
    stream does not add up is refused, where most decoders fill up what is missing and go on.

    :param format_text: ``CompressedImage.format``.
    :param max_pixels: larger pictures are refused before decoding.
    :raises ImageError: with the reason; never anything else.
    """
    declared = CompressedFormat.parse(format_text).encoding
    width, height = compressed_size_wh(data)
    check_size(height, width, max_pixels)
    layout = ENCODINGS.get(declared)
    single = layout is not None and layout.channels == 1
    decode = _decode_jpeg if bytes(data[:3]) == _JPEG_START else _decode_png
    array = decode(data, single)
    if array is None or array.shape[:2] != (height, width):
        raise _broken('the decoder gave no picture')
    return _labelled(array, declared)


def encode_compressed(view: ImageView, codec: str = 'jpeg', *, jpeg_quality: int = 90) -> bytes:
    """
    Compress a picture.

    :param view: colour or grey; 16-bit values as PNG alone.
    :param codec: ``jpeg`` or ``png``.
    :param jpeg_quality: 1..100.
    :raises ImageError: ``wrong_kind`` for what the codec cannot hold.
    """
    layout = ENCODINGS[view.encoding]
    if codec not in ('jpeg', 'png') or layout.item not in ('u1', 'u2'):
        raise ImageError(
            ImageReason.WRONG_KIND,
            f'{view.encoding} as {codec!r}; allowed: u8 or u16 as jpeg, png',
        )
    if codec == 'jpeg' and layout.item != 'u1':
        raise ImageError(
            ImageReason.WRONG_KIND, f'jpeg holds 8 bits, not {view.encoding}; use png'
        )
    array = view.array if layout.kind != PixelKind.RGB else _swap_red_blue(view.array)
    native = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder('='))
    options = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality] if codec == 'jpeg' else []
    if codec == 'jpeg' and layout.channels == 4:
        native = np.ascontiguousarray(native[:, :, :3])
    encoded = cv2.imencode('.jpg' if codec == 'jpeg' else '.png', native, options)[1]
    return encoded.tobytes()


def _decode_jpeg(data: BytesLike, single: bool) -> np.ndarray:
    """Return grey or BGR values; a stream with bytes missing, wrong or left over is refused."""
    try:
        grey = single and decode_jpeg_header(data)[2] == 'Gray'
        layout = 'GRAY' if grey else 'BGR'
        try:
            array = decode_jpeg(data, layout)
        except ValueError as error:
            if not _PADDED.fullmatch(str(error)):
                raise
            array = decode_jpeg(data, layout, strict=False)
    except ValueError as error:
        raise _broken(f'the decoder failed: {error}') from error
    return array[:, :, 0] if grey else array


def _decode_png(data: BytesLike, single: bool) -> np.ndarray | None:
    """Return values as they are stored, or BGR; ``None`` for what is none."""
    flags = cv2.IMREAD_UNCHANGED if single else cv2.IMREAD_COLOR
    try:
        return cv2.imdecode(
            np.frombuffer(data, dtype=np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error as error:
        raise _broken(f'the decoder failed: {error.err}') from error


def _labelled(array: np.ndarray, declared: str) -> ImageView:
    """Return the decoded array with the encoding that its shape and type allow."""
    if array.ndim == 3:
        colour = array if array.shape[2] == 3 else array[:, :, :3]
        if colour.dtype != np.uint8:
            raise _broken(f'format says {declared}, the picture holds {array.dtype} colour')
        return ImageView(colour, 'bgr8')
    names = {np.dtype(np.uint8): 'mono8', np.dtype(np.uint16): 'mono16'}
    name = names.get(array.dtype)
    if name is None:
        raise _broken(f'the picture holds {array.dtype} values')
    keeps = declared in ENCODINGS and ENCODINGS[declared].dtype() == array.dtype
    return ImageView(array, declared if keeps else name)


def _swap_red_blue(array: np.ndarray) -> np.ndarray:
    return array[:, :, (2, 1, 0, 3)[: array.shape[2]]]


def _broken(message: str) -> ImageError:
    return ImageError(
        ImageReason.BROKEN_DATA, f'{message}; check the driver, the cable and the file'
    )


def _inspect(data: bytes) -> tuple[int, int]:
    for start, reader in _READERS.items():
        if data[: len(start)] == start:
            return reader(data)
    shown = data[:8].hex(' ')
    raise _broken(f'{len(data)} bytes starting with [{shown}] are neither JPEG nor PNG')


def _jpeg_size_wh(data: bytes) -> tuple[int, int]:
    """Walk the segments up to the start of frame (ITU-T T.81, annex B)."""
    offset = 2
    while offset + 9 <= len(data):
        marker = data[offset + 1]
        if data[offset] != 0xFF:
            raise _broken(f'JPEG marker expected at byte {offset}')
        if marker == 0xFF:  # fill byte
            offset += 1
        elif marker in _JPEG_BARE:
            offset += 2
        elif marker in _JPEG_FRAMES:
            if data.rfind(_JPEG_END, offset) < 0:
                raise _broken('JPEG is cut off: no end marker')
            height, width = struct.unpack_from('>HH', data, offset + 5)
            return width, height
        else:
            offset += 2 + struct.unpack_from('>H', data, offset + 2)[0]
    raise _broken('JPEG is cut off: no start of frame')


def _png_size_wh(data: bytes) -> tuple[int, int]:
    if len(data) < 33 or data[12:16] != b'IHDR':
        raise _broken('PNG is cut off: no header')
    if data.rfind(_PNG_END) < 0:
        raise _broken('PNG is cut off: no end chunk')
    width, height = struct.unpack_from('>II', data, 16)
    return width, height


_READERS: dict[bytes, Callable[[bytes], tuple[int, int]]] = {
    _JPEG_START: _jpeg_size_wh,
    _PNG_START: _png_size_wh,
}
