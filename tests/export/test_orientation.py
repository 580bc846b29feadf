"""EXIF's orientation, read in the graph, against Pillow's reading and turning."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.faces.odd_images import encoded, gradient, rotated_by_exif

tf = pytest.importorskip("tensorflow")

from keras_dldl.export.encoded_images import MOST_SEGMENTS, orientation, upright  # noqa: E402

SQUARE = gradient(24, 24)


@pytest.fixture(scope="module")
def read():
    return tf.function(orientation, input_signature=[tf.TensorSpec((), tf.string)], autograph=False)


def tiff(little, turn, extra=0):
    """Return an EXIF block with `extra` other entries before the orientation."""
    order = "<" if little else ">"
    entries = [(0x0100 + k, 3, 1, k) for k in range(extra)] + [(0x0112, 3, 1, turn)]
    body = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        body += struct.pack(order + "HHIHH", tag, kind, count, value, 0)
    return (b"II*\0" if little else b"MM\0*") + struct.pack(order + "I", 8) + body + bytes(4)


def segment(marker, body):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg_with(*segments):
    plain = encoded(SQUARE, "JPEG")
    return plain[:2] + b"".join(segments) + plain[2:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("turn", range(10))
def test_it_is_read_and_obeyed_as_pillow_does(read, kind, turn):
    file = rotated_by_exif(SQUARE, turn, kind)
    found = read(file)
    assert int(found) == (turn if 1 <= turn <= 8 else 1)
    picture = Image.fromarray(SQUARE)
    picture.getexif()[0x0112] = turn
    expected = np.asarray(ImageOps.exif_transpose(picture))
    np.testing.assert_array_equal(upright(tf.constant(SQUARE), found), expected)


@pytest.mark.parametrize("little", [True, False])
def test_other_entries_and_segments_and_padding_are_passed_over(read, little):
    exif = segment(0xE1, b"Exif\0\0" + tiff(little, 6, extra=5))
    before = segment(0xE0, b"JFIF" + bytes(10)), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0")
    assert int(read(jpeg_with(*before, b"\xff\xff", exif))) == 6


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8" + b"\xff" * 300_000,
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + bytes(12) * 30_000,
        encoded(SQUARE, "JPEG"),
        encoded(SQUARE, "PNG"),
        jpeg_with(segment(0xE1, b"Exif\0\0")),
        jpeg_with(segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff")),
        jpeg_with(segment(0xE1, b"Exif\0\0" + tiff(True, 6)[:12])),
        jpeg_with(segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(50))),
        jpeg_with(segment(0xE1, b"Exif\0\0" + tiff(True, 0))),
        jpeg_with(segment(0xE1, b"Exif\0\0" + tiff(False, 60_000))),
    ],
    ids=range(13),
)
def test_what_is_missing_or_damaged_means_upright(read, file):
    assert int(read(file)) == 1


def test_a_file_of_empty_segments_is_given_up(read):
    exif = segment(0xE1, b"Exif\0\0" + tiff(True, 6))
    few, many = (segment(0xFE, b"") * count for count in (20, MOST_SEGMENTS + 1))
    assert int(read(jpeg_with(few, exif))) == 6
    assert int(read(jpeg_with(many, exif))) == 1
