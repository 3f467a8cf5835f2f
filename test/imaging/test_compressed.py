"""JPEG and PNG: sizes before decoding, reasons instead of crashes."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.imaging.compressed import (
    CompressedFormat,
    compressed_size_wh,
    decode_compressed,
    encode_compressed,
)
from perception_nodes.imaging.encodings import ImageView
from perception_nodes.imaging.image_error import ImageError, ImageReason


def picture():
    """Return a smooth 40×30 BGR picture that JPEG keeps well."""
    y, x = np.mgrid[0:30, 0:40]
    return np.stack([x * 6, y * 8, 255 - x * 6], axis=2).astype(np.uint8)


JPEG = cv2.imencode('.jpg', picture(), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
PROGRESSIVE = cv2.imencode('.jpg', picture(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
PNG = cv2.imencode('.png', picture())[1].tobytes()


def png_header(width, height):
    """Return a PNG that claims a size and holds no pixels."""

    def chunk(name, body):
        return (
            struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body))
        )

    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IEND', b'')


def jpeg_header(width, height):
    """Return the real JPEG with another size in its start of frame."""
    at = JPEG.index(b'\xff\xc0') + 5
    return JPEG[:at] + struct.pack('>HH', height, width) + JPEG[at + 4 :]


@pytest.mark.parametrize('data', [JPEG, PROGRESSIVE, PNG])
def test_size_is_read_from_the_header(data):
    assert compressed_size_wh(data) == (40, 30)


@pytest.mark.parametrize('data', [JPEG, PNG])
def test_picture_comes_out_as_bgr(data):
    view = decode_compressed(data, 'rgb8; jpeg compressed bgr8')
    assert view.encoding == 'bgr8'
    assert np.abs(view.array.astype(int) - picture()).max() <= (0 if data is PNG else 8)


def test_rgb_and_bgr_pictures_compress_to_the_same_colours():
    bgr = ImageView(picture(), 'bgr8')
    rgb = ImageView(picture()[:, :, ::-1], 'rgb8')
    assert encode_compressed(bgr, 'png') == encode_compressed(rgb, 'png')
    assert encode_compressed(bgr) == encode_compressed(rgb)


@pytest.mark.parametrize(
    ('encoding', 'values'),
    [
        ('mono8', np.arange(12, dtype=np.uint8).reshape(3, 4)),
        ('mono16', np.arange(0, 60000, 5000, dtype=np.uint16).reshape(3, 4)),
        ('16UC1', np.arange(0, 60000, 5000, dtype=np.uint16).reshape(3, 4)),
    ],
)
def test_single_channel_png_comes_back_exactly(encoding, values):
    data = encode_compressed(ImageView(values, encoding), 'png')
    text = str(CompressedFormat(codec='png', encoding=encoding))
    view = decode_compressed(data, text)
    assert view.encoding == encoding
    np.testing.assert_array_equal(view.array, values)


@pytest.mark.parametrize('encoding', ['rgba8', 'bgra8'])
def test_alpha_is_left_out_of_a_jpeg(encoding):
    values = np.dstack([picture(), np.full((30, 40), 9, np.uint8)])
    view = decode_compressed(encode_compressed(ImageView(values, encoding)))
    expected = picture() if encoding == 'bgra8' else picture()[:, :, ::-1]
    assert np.abs(view.array.astype(int) - expected).max() < 12


def test_big_endian_values_are_compressed_in_the_right_order():
    values = np.array([[1, 256]], '>u2')
    view = decode_compressed(
        encode_compressed(ImageView(values, 'mono16'), 'png'), 'mono16; png compressed '
    )
    np.testing.assert_array_equal(view.array, values)


@pytest.mark.parametrize(
    ('text', 'codec', 'encoding'),
    [
        ('', '', ''),
        ('jpeg', 'jpeg', ''),
        ('JPG', 'jpeg', ''),
        ('png', 'png', ''),
        ('rgb8; jpeg compressed bgr8', 'jpeg', 'rgb8'),
        ('bgr8;jpeg compressed bgr8', 'jpeg', 'bgr8'),
        ('16UC1; png compressed ', 'png', '16UC1'),
        ('mono8; jpeg compressed mono8', 'jpeg', 'mono8'),
        ('bayer_rggb8; jpeg compressed bgr8', 'jpeg', 'bayer_rggb8'),
    ],
)
def test_format_strings_of_drivers_are_understood(text, codec, encoding):
    assert CompressedFormat.parse(text) == CompressedFormat(codec=codec, encoding=encoding)


@pytest.mark.parametrize('text', ['h264', '16UC1; compressedDepth png', 'rgb8; tiff compressed '])
def test_other_codecs_are_refused_naming_the_format(text):
    with pytest.raises(ImageError) as caught:
        decode_compressed(JPEG, text)
    assert caught.value.reason is ImageReason.UNKNOWN_ENCODING
    assert text in str(caught.value)


def test_format_string_is_written_as_image_transport_does():
    assert str(CompressedFormat(codec='jpeg', encoding='rgb8')) == 'rgb8; jpeg compressed bgr8'
    assert str(CompressedFormat(codec='png', encoding='mono8')) == 'mono8; png compressed mono8'
    assert str(CompressedFormat(codec='jpeg')) == 'jpeg'


def test_wrong_codec_in_the_format_does_not_matter():
    assert decode_compressed(PNG, 'jpeg').size_wh == (40, 30)


@pytest.mark.parametrize(
    'data',
    [
        b'',
        b'\xff\xd8\xff',
        b'not a picture',
        JPEG[:-2],
        JPEG[:100],
        JPEG[: len(JPEG) // 2],
        PNG[:40],
        PNG[:-12],
        png_header(40, 30),
        JPEG[:2] + b'\xff\xe0\x00\x00' + JPEG[2:40],
    ],
)
def test_broken_data_is_refused_with_its_reason(data):
    with pytest.raises(ImageError) as caught:
        decode_compressed(data)
    assert caught.value.reason is ImageReason.BROKEN_DATA


@pytest.mark.parametrize('data', [png_header(10_000, 10_000), jpeg_header(10_000, 10_000)])
def test_bomb_is_refused_before_it_is_decoded(data, monkeypatch):
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('decoded'))
    with pytest.raises(ImageError, match='100000000 pixels') as caught:
        decode_compressed(data)
    assert caught.value.reason is ImageReason.TOO_LARGE


@pytest.mark.parametrize('data', [png_header(0, 5), jpeg_header(5, 0)])
def test_zero_size_in_the_header_is_refused(data):
    with pytest.raises(ImageError) as caught:
        decode_compressed(data)
    assert caught.value.reason is ImageReason.ZERO_SIZE


def scene(rng):
    """Return a 320×240 JPEG with things in it."""
    small = rng.integers(0, 256, (15, 20, 3), np.uint8)
    return cv2.imencode('.jpg', cv2.resize(small, (320, 240)))[1].tobytes()


def test_streams_with_wrong_bytes_are_refused():
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(50):
        stream = np.frombuffer(scene(rng), np.uint8).copy()
        stream[rng.integers(700, len(stream), 40)] = rng.integers(0, 255, 40)
        try:
            decode_compressed(stream)
        except ImageError as error:
            refused += error.reason is ImageReason.BROKEN_DATA
    assert refused >= 45  # a stream can add up by chance


def test_lost_block_in_the_middle_of_a_stream_is_refused():
    data = scene(np.random.default_rng(0))
    with pytest.raises(ImageError, match=r'premature end|extraneous bytes'):
        decode_compressed(data[: len(data) // 2] + data[-200:])


def test_few_bytes_too_many_are_padding_of_the_camera():
    data = scene(np.random.default_rng(0))
    padded = data[:-2] + bytes(4) + data[-2:]
    assert (decode_compressed(padded).array == decode_compressed(data).array).all()
    with pytest.raises(ImageError, match='40 extraneous bytes'):
        decode_compressed(data[:-2] + bytes(40) + data[-2:])


def test_decoder_agrees_with_opencv():
    data = scene(np.random.default_rng(1))
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(decode_compressed(data).array.astype(int) - expected).max() <= 1


def test_grey_jpeg_stays_grey_where_the_format_says_so():
    data = cv2.imencode('.jpg', picture()[:, :, 0])[1].tobytes()
    assert decode_compressed(data, 'mono8; jpeg compressed mono8').encoding == 'mono8'
    assert decode_compressed(data, 'mono8; jpeg compressed mono8').array.shape == (30, 40)
    assert decode_compressed(data).encoding == 'bgr8'


def test_zero_padding_after_the_end_is_accepted():
    assert decode_compressed(JPEG + bytes(64)).size_wh == (40, 30)


def test_camera_orientation_tag_does_not_turn_the_picture():
    exif = b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0'
    segment = b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif
    assert decode_compressed(JPEG[:2] + segment + JPEG[2:]).size_wh == (40, 30)


@pytest.mark.parametrize(
    ('encoding', 'codec'), [('mono16', 'jpeg'), ('32FC1', 'png'), ('mono8', 'webp')]
)
def test_what_the_codec_cannot_hold_is_not_compressed(encoding, codec):
    item = {'mono16': np.uint16, '32FC1': np.float32, 'mono8': np.uint8}[encoding]
    with pytest.raises(ImageError, match='wrong_kind'):
        encode_compressed(ImageView(np.zeros((2, 2), item), encoding), codec)


@settings(max_examples=200)
@given(
    base=st.sampled_from([JPEG, PROGRESSIVE, PNG]),
    cuts=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6),
    length=st.integers(0, 3000),
    text=st.sampled_from(['', 'jpeg', '16UC1; png compressed ', 'mono8; jpeg compressed mono8']),
)
def test_damaged_bytes_give_a_picture_or_a_reason(base, cuts, length, text):
    damaged = bytearray(base)
    for position, value in cuts:
        damaged[position % len(damaged)] = value
    try:
        view = decode_compressed(bytes(damaged[:length]), text, max_pixels=100_000)
    except ImageError:
        return
    assert view.array.size <= 300_000
    assert view.encoding in ('bgr8', 'mono8', 'mono16', '16UC1')


@given(st.binary(max_size=200), st.text(max_size=30))
def test_random_bytes_and_formats_give_a_reason(data, text):
    with pytest.raises(ImageError):
        decode_compressed(b'\xff\xd8\xff' + data, text)
