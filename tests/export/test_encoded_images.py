"""Image files decoded and turned in the graph: as Pillow does, and no row harms another."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_dldl.export.parity import generated_images
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.images import read_image
from tests.faces.odd_images import (
    BAD_FILES,
    animated_gif,
    encoded,
    gradient,
    png_of_declared_size,
    rotated_by_exif,
    truncated,
)

tf = pytest.importorskip("tensorflow")

from keras_dldl.export.encoded_images import (  # noqa: E402
    MAX_PIXELS,
    MAX_SIDE,
    MOST_SEGMENTS,
    STATUSES,
    decode_faces,
    orientation,
    upright,
)

SIZE = 64
# Levels, of 0 ... 255. Pillow rounds once more, between the two directions of a resize, and where
# cubic interpolation overshoots it cuts off there too.
MEAN_TOLERANCE, LARGEST_TOLERANCE = 0.4, 2
# Of black beside white, with which it overshoots most.
STARK, STARK_TOLERANCE = "PNG, 1 bit", 8
PICTURE = generated_images(1, 200, seed=5)[0][:141]
GREY = np.asarray(Image.fromarray(PICTURE).convert("L"))
ALPHA = np.dstack([PICTURE, np.linspace(0, 255, 200).astype(np.uint8)[None].repeat(141, 0)])
DEEP = (GREY.astype(np.uint16) * 257) - np.arange(200, dtype=np.uint16) % 2


def few_colours(count, **options):
    return encoded(Image.fromarray(PICTURE).quantize(count), "PNG", **options)


GOOD_FILES = {
    "JPEG": encoded(PICTURE, "JPEG", quality=90),
    "JPEG, full colour": encoded(PICTURE, "JPEG", quality=95, subsampling=0),
    "JPEG, progressive": encoded(PICTURE, "JPEG", progressive=True),
    "JPEG, grey": encoded(GREY, "JPEG"),
    "JPEG, CMYK": encoded(Image.fromarray(PICTURE).convert("CMYK"), "JPEG"),
    "JPEG, turned": rotated_by_exif(PICTURE, 6),
    "PNG": encoded(PICTURE),
    "PNG, turned": rotated_by_exif(PICTURE, 3, "PNG"),
    "PNG, grey": encoded(GREY),
    "PNG, grey with alpha": encoded(Image.fromarray(ALPHA).convert("LA")),
    "PNG, alpha": encoded(ALPHA),
    "PNG, 16 bits": encoded(Image.fromarray(DEEP)),
    "PNG, 1 bit": encoded(Image.fromarray(GREY).convert("1")),
    "PNG, palette of 2": few_colours(2),
    "PNG, palette of 4": few_colours(4),
    "PNG, palette of 16": few_colours(16),
    "PNG, palette of 64": few_colours(64),
    "PNG, palette with alpha": few_colours(64, transparency=bytes(range(0, 256, 4))),
    "PNG, palette of 4 with alpha": few_colours(4, transparency=bytes([1, 3, 15, 200])),
    "small": encoded(PICTURE[:30, :41]),
    "2 x 2": encoded(PICTURE[:2, :2]),
    "a strip": encoded(PICTURE[:2]),
}
REFUSED = {
    "not a JPEG or PNG image": {
        "": b"",
        "text": BAD_FILES["text"][0],
        "GIF": animated_gif(),
        "WebP": encoded(PICTURE, "WEBP"),
        "BMP": encoded(PICTURE, "BMP"),
    },
    "damaged": {
        "half a JPEG": truncated("JPEG"),
        "half a PNG": truncated("PNG"),
        "the start of a JPEG": b"\xff\xd8\xff",
        "the start of a PNG": b"\x89PNG\r\n\x1a\n",
    },
    "too large": {
        "30,000 x 30,000": BAD_FILES["30,000 x 30,000"][0],
        "over the longest side": png_of_declared_size(MAX_SIDE + 1, 2),
        "over the pixels": png_of_declared_size(2**13, MAX_PIXELS // 2**13 + 1),
        "a side of 2**31 + 5": png_of_declared_size(2**31 + 5, 2),
    },
    "too small": {
        "a side of 0": png_of_declared_size(0, 5),
        "one pixel": BAD_FILES["one pixel"][0],
    },
}


@pytest.fixture(scope="module")
def decode():
    function = tf.function(
        lambda files: decode_faces(files, SIZE),
        input_signature=[tf.TensorSpec((None,), tf.string)],
        autograph=False,
    )

    def run(files):
        faces, status = function(tf.constant(list(files), tf.string))
        return faces.numpy(), [STATUSES[k] for k in status]

    return run


def test_good_files_are_decoded_as_at_prediction(decode):
    faces, status = decode(GOOD_FILES.values())
    assert status == ["ok"] * len(GOOD_FILES)
    for face, (name, file) in zip(faces, GOOD_FILES.items(), strict=True):
        expected = Alignment().whole(read_image(file), SIZE)
        difference = np.abs(face.astype(int) - expected)
        assert difference.mean() < MEAN_TOLERANCE, name
        largest = STARK_TOLERANCE if name == STARK else LARGEST_TOLERANCE
        assert difference.max() <= largest, name
        assert np.ptp(face) > 30, name


def test_pictures_of_the_right_size_are_not_touched(decode):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (SIZE, SIZE, 4), np.uint8)
    files = [encoded(pixels[..., :3]), encoded(pixels), encoded(pixels[..., :3], "JPEG")]
    faces, _ = decode(files)
    for face, file in zip(faces, files, strict=True):
        np.testing.assert_array_equal(face, read_image(file))


def test_refused_files_say_why_and_leave_the_others_alone(decode):
    good = list(GOOD_FILES.values())[:3]
    alone, _ = decode(good)
    bad = [file for files in REFUSED.values() for file in files.values()]
    reasons = [reason for reason, files in REFUSED.items() for _ in files]
    faces, status = decode([good[0], *bad[:5], good[1], *bad[5:], good[2]])
    assert [status[0], status[6], status[-1]] == ["ok"] * 3
    np.testing.assert_array_equal(faces[[0, 6, -1]], alone)
    assert status[1:6] + status[7:-1] == reasons
    assert not faces[1:6].any()


def test_batches_of_none_and_of_bad_files_alone(decode):
    faces, status = decode([])
    assert faces.shape == (0, SIZE, SIZE, 3) and status == []
    assert decode([b""])[1] == ["not a JPEG or PNG image"]
    assert decode([truncated("PNG")] * 3)[1] == ["damaged"] * 3


def test_no_damage_fails_a_batch(decode):
    """Bytes changed, cut out and cut off at random; the whole picture among them stays whole."""
    rng = np.random.default_rng(7)
    whole = encoded(gradient(60, 50), "JPEG")
    (expected,), _ = decode([whole])
    sources = [GOOD_FILES[name] for name in GOOD_FILES if "strip" not in name]
    damaged = []
    for k in range(400):
        file = bytearray(sources[k % len(sources)])
        start = int(rng.integers(0, len(file) if k % 2 else min(len(file), 64)))
        if k % 3 == 0:
            del file[start:]
        elif k % 3 == 1:
            del file[start : start + int(rng.integers(1, 50))]
        else:
            for place in rng.integers(start, len(file), 1 + k % 5):
                file[place] ^= int(rng.integers(1, 256))
        damaged.append(bytes(file))
    for start in range(0, len(damaged), 100):
        faces, status = decode([*damaged[start : start + 50], whole, *damaged[start + 50 :][:50]])
        np.testing.assert_array_equal(faces[50], expected)
        assert status[50] == "ok"
        assert set(status) > {"ok", "damaged"}


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
