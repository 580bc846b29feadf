"""Every source, mode and fault of an image, against pixels worked out by hand."""

import io
import os
import re
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_dldl.errors import ConfigError, UnreadableImage
from keras_dldl.faces import images
from keras_dldl.faces.formats import FORMATS
from keras_dldl.faces.images import (
    DEFAULT_MAX_PIXELS,
    MAX_PIXELS_VARIABLE,
    pixel_limit,
    read_image,
)
from tests.faces import odd_images
from tests.faces.odd_images import encoded, gradient, png_of_declared_size, rotated_by_exif

PICTURE = gradient()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "Größe und 年齢 (1).png"
    path.write_bytes(encoded(PICTURE))
    return path


def is_picture(array):
    assert array.dtype == np.uint8 and array.flags.c_contiguous
    np.testing.assert_array_equal(array, PICTURE)
    return True


def test_every_source_gives_the_same_pixels(file):
    content = file.read_bytes()
    for source in (file, str(file), content):
        assert is_picture(read_image(source))
    assert is_picture(read_image(bytearray(content)))
    assert is_picture(read_image(memoryview(content)))
    assert is_picture(read_image(io.BytesIO(content)))
    assert is_picture(read_image(Image.fromarray(PICTURE)))
    assert is_picture(read_image(PICTURE))
    with open(file, "rb") as stream:
        assert is_picture(read_image(stream))
        assert not stream.closed
    with Image.open(file) as image:
        assert is_picture(read_image(image))


def test_a_file_object_that_cannot_seek(file):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(file.read_bytes())
    with os.fdopen(reading, "rb") as pipe:
        assert is_picture(read_image(pipe))


def test_an_array_view_is_made_contiguous_or_left():
    assert read_image(PICTURE) is PICTURE
    np.testing.assert_array_equal(read_image(PICTURE[:, ::-1]), PICTURE[:, ::-1])


@pytest.mark.parametrize("kind", [*FORMATS, "MPO"])
def test_common_formats(kind):
    read = read_image(encoded(PICTURE, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert read.shape == PICTURE.shape and read.dtype == np.uint8
    tolerance = {"JPEG": 40, "MPO": 40, "GIF": 60}.get(kind, 0)
    assert np.abs(read.astype(int) - PICTURE).max() <= tolerance


# Orientation -> how the stored picture must be turned to be upright, by the Exif standard.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_exif_rotation(orientation, kind):
    read = read_image(rotated_by_exif(PICTURE, orientation, kind))
    np.testing.assert_array_equal(read, UPRIGHT[orientation](PICTURE))


def test_exif_rotation_of_a_jpeg_and_of_a_pil_image():
    content = rotated_by_exif(PICTURE, 6)
    read = read_image(content)
    assert read.shape == (40, 30, 3)
    assert np.abs(read.astype(int) - np.rot90(PICTURE, -1)).max() < 40
    np.testing.assert_array_equal(read_image(Image.open(io.BytesIO(content))), read)


def test_a_damaged_exif_block_leaves_the_picture():
    damaged = encoded(PICTURE, exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff broken")
    assert is_picture(read_image(damaged))


def test_transparency_is_laid_over_white():
    image = Image.new("RGBA", (4, 4), (200, 0, 100, 0))
    image.putpixel((1, 1), (200, 0, 100, 255))
    image.putpixel((2, 2), (200, 0, 100, 51))  # a fifth: 200/5 + 255 * 4/5 = 244, 204, 224
    read = read_image(encoded(image))
    assert read[0, 0].tolist() == [255, 255, 255]
    assert read[1, 1].tolist() == [200, 0, 100]
    assert read[2, 2].tolist() == [244, 204, 224]


def test_grey_and_grey_with_transparency():
    grey = PICTURE[..., 0]
    np.testing.assert_array_equal(read_image(encoded(grey)), np.stack([grey] * 3, axis=2))
    image = Image.new("LA", (3, 3), (0, 0))
    image.putpixel((1, 1), (7, 255))
    read = read_image(encoded(image))
    assert read[0, 0].tolist() == [255] * 3 and read[1, 1].tolist() == [7] * 3


def palette_image():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 0)
    return image


def test_palette_without_and_with_transparency():
    read = read_image(encoded(palette_image()))
    assert read[0, 0].tolist() == [10, 20, 30] and read[3, 3].tolist() == [200, 100, 50]
    for transparency in (0, b"\x00\xff"):  # one index, or alpha by index
        read = read_image(encoded(palette_image(), transparency=transparency))
        assert read[0, 0].tolist() == [255, 255, 255] and read[3, 3].tolist() == [200, 100, 50]


def test_rgb_with_one_transparent_colour():
    image = Image.new("RGB", (3, 3), (1, 2, 3))
    image.putpixel((0, 0), (9, 9, 9))
    read = read_image(encoded(image, transparency=(1, 2, 3)))
    assert read[2, 2].tolist() == [255, 255, 255] and read[0, 0].tolist() == [9, 9, 9]


def test_one_bit():
    image = Image.new("1", (3, 3), 1)
    image.putpixel((0, 0), 0)
    assert np.unique(read_image(encoded(image))).tolist() == [0, 255]
    assert read_image(encoded(image))[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_not_cut_off(kind):
    values = np.array([[0, 257, 25700], [32768, 40000, 65535]], np.uint16)
    read = read_image(encoded(Image.fromarray(values), kind))
    # 257 steps of 16 bits are one of 8: 65535 / 255 = 257; 32768 / 257 = 127.5 up, 40000 -> 155.6
    expected = np.array([[0, 1, 100], [128, 156, 255]])
    np.testing.assert_array_equal(read, np.stack([expected] * 3, axis=2))


@pytest.mark.parametrize("most", [255, 1023, 4095])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_fewer_bits_in_16_without_a_word_in_the_file(kind, most):
    """Half of the most that so many bits hold is half of white."""
    values = np.array([[0, most // 2 + 1], [most // 4 + 1, most]], np.uint16)
    read = read_image(encoded(Image.fromarray(values), kind))[..., 0].astype(int)
    assert np.abs(read - [[0, 128], [64, 255]]).max() <= 1


# Twelve bits: 4095 / 255 = 16.06 steps are one of eight bits; 2048 / 16.06 = 127.5 up, 161 -> 10.
# Two pixels are three bytes: 000 FFF 800 0A1.
TWELVE_BITS = bytes.fromhex("000FFF 8000A1")


@pytest.mark.parametrize(("photometric", "expected"), [(1, [0, 255, 128, 10]), (0, [255, 0])])
@pytest.mark.parametrize("compression", [1, 8])
def test_tiffs_of_more_than_8_bits(photometric, expected, compression):
    """Of 12 bits black is 0 and white 4095; photometric 0 means that white is 0."""
    pixels, bits = (TWELVE_BITS, 12) if photometric else (struct.pack("<4H", 0, 65535, 0, 0), 16)
    data = zlib.compress(pixels) if compression == 8 else pixels
    entries = [(258, 3, bits), (259, 3, compression), (262, 3, photometric)]
    read = read_image(odd_images.tiff(data, 2, 2, *entries))
    assert read[..., 0].ravel()[: len(expected)].tolist() == expected


# 4095 / 255 = 16.06 steps are one of eight bits; 65535 / 255 = 257; 4096 / 257 = 15.9.
@pytest.mark.parametrize(
    ("most", "values", "expected"),
    [
        (4095, (0, 2048, 161, 4095), [0, 128, 10, 255]),
        (4095, (0, 2048, 161, 4096), [0, 8, 1, 16]),  # what the file says is not so
        (0, (0, 0, 0, 0), [0, 0, 0, 0]),
    ],
)
def test_a_tiff_of_16_bits_says_which_value_is_white(most, values, expected):
    entries = [(258, 3, 16), (259, 3, 1), (262, 3, 1), (281, 3, most)]
    read = read_image(odd_images.tiff(struct.pack("<4H", *values), 2, 2, *entries))
    assert read[..., 0].ravel().tolist() == expected


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_16_bit_pil_images_of_either_byte_order(mode):
    values = np.array([[0, 65535], [2570, 257]], ">u2" if mode == "I;16B" else "<u2")
    image = Image.frombytes(mode, (2, 2), values.tobytes())
    assert read_image(image)[..., 0].tolist() == [[0, 255], [10, 1]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 255], [10, 1]], np.int32), [[0, 255], [10, 1]]),
        (np.array([[0, 65535], [2570, 257]], np.int32), [[0, 255], [10, 1]]),
        (np.array([[-100, 0], [100, 300]], np.int32), [[0, 64], [128, 255]]),
        (np.array([[0, 1], [0.2, 0.6]], np.float32), [[0, 255], [51, 153]]),
        (np.array([[0, 200], [51, 102]], np.float32), [[0, 200], [51, 102]]),
        (np.full((2, 2), -5, np.float32), [[0, 0], [0, 0]]),
    ],
)
def test_32_bit_grey_takes_the_smallest_customary_range(values, expected):
    assert read_image(Image.fromarray(values))[..., 0].tolist() == expected


def test_32_bit_grey_with_nan_is_refused():
    with pytest.raises(UnreadableImage, match="not numbers"):
        read_image(Image.fromarray(np.full((4, 4), np.nan, np.float32)))


def test_cmyk():
    read = read_image(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF"))
    assert read[4, 4].tolist() == [255, 0, 0]
    read = read_image(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert read[4, 4, 0] > 245 and read[4, 4, 1:].max() < 10


@pytest.mark.parametrize("mode", ["HSV", "LAB", "YCbCr", "La", "RGBa", "RGBX", "PA"])
def test_rarer_modes_of_pil_images(mode):
    assert read_image(Image.new(mode, (5, 4))).shape == (4, 5, 3)


def test_an_animation_shows_its_first_frame():
    assert read_image(odd_images.animated_gif())[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("case", odd_images.BAD_FILES)
def test_bad_content(case, tmp_path):
    content, reason = odd_images.BAD_FILES[case]
    path = tmp_path / "holiday photo.jpg"
    path.write_bytes(content)
    for source, name in ((path, str(path)), (content, f"<{len(content)} bytes>")):
        with pytest.raises(UnreadableImage, match=f"(?s){reason}") as caught:
            read_image(source)
        assert str(caught.value).startswith(f"{name}: ")
        assert "Received: " in str(caught.value)
    with pytest.raises(UnreadableImage, match="^attached: "):
        read_image(io.BytesIO(content), name="attached")


@pytest.mark.parametrize(
    ("array", "received"),
    [
        (np.zeros((9, 9, 3), np.float32), "float32, values 0 ... 0"),
        (np.full((9, 9, 3), 300, np.int64), "int64, values 300 ... 300"),
        (np.ones((9, 9, 3), bool), "dtype bool"),
        (np.zeros((9, 9), np.uint8), r"shape \(9, 9\)"),
        (np.zeros((9, 9, 4), np.uint8), r"shape \(9, 9, 4\)"),
        (np.zeros((3, 9, 9), np.uint8), r"shape \(3, 9, 9\)"),
        (np.zeros((2, 9, 9, 3), np.uint8), r"shape \(2, 9, 9, 3\)"),
        (np.zeros((0, 9, 3), np.uint8), "9 x 0 pixels"),
        (np.zeros((1, 9, 3), np.uint8), "9 x 1 pixels"),
        (np.array(5, np.uint8), r"shape \(\)"),
        (np.array(["a"]), "dtype <U1"),
    ],
)
def test_wrong_arrays_are_told_what_is_allowed_and_what_came(array, received):
    with pytest.raises(UnreadableImage, match=f"Received: .*{received}"):
        read_image(array)


@pytest.mark.parametrize("source", [None, 3, {}, object(), [1, 2], np.uint8(3)])
def test_things_that_are_no_images(source):
    with pytest.raises(UnreadableImage, match="path, bytes.*Received: type"):
        read_image(source)


def test_missing_folder_null_and_address(tmp_path):
    with pytest.raises(UnreadableImage, match="does not exist"):
        read_image(tmp_path / "no such.jpg")
    with pytest.raises(UnreadableImage, match="this is a folder.*one by one"):
        read_image(tmp_path)
    with pytest.raises(UnreadableImage, match="cannot be opened"):
        read_image("a\x00b.jpg")
    with pytest.raises(UnreadableImage, match="does not exist.*download it first"):
        read_image("https://example.org/a.jpg")
    with pytest.raises(UnreadableImage, match="the path is empty"):
        read_image("")


def test_an_empty_file_is_told_once(tmp_path):
    (tmp_path / "zero.jpg").touch()
    with pytest.raises(UnreadableImage) as error:
        read_image(tmp_path / "zero.jpg", name="zero.jpg")
    wanted = "zero.jpg: there is nothing in it. Give a whole image file. Received: 0 bytes"
    assert str(error.value) == wanted


def test_the_name_given_stands_for_the_path_in_messages(tmp_path):
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.jpg").touch()
    for path in ("missing.jpg", ".", "text.jpg", "empty.jpg"):
        with pytest.raises(UnreadableImage, match="^faces/1.jpg: ") as caught:
            read_image(tmp_path / path, name="faces/1.jpg")
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read(file):
    file.chmod(0)
    with pytest.raises(UnreadableImage, match="cannot be opened.*Permission denied"):
        read_image(file)


def test_file_objects_that_give_no_bytes(file):
    with pytest.raises(UnreadableImage, match='mode "rb"'):
        read_image(io.StringIO("text"))
    closed = io.BytesIO(b"x")
    closed.close()
    with pytest.raises(UnreadableImage, match="closed"):
        read_image(closed)
    with open(file, "rb") as stream:
        stream.read()
        with pytest.raises(UnreadableImage, match="from where it stands"):
            read_image(stream)


def test_the_size_is_checked_before_anything_is_decoded(monkeypatch):
    def load(self):
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(UnreadableImage, match="over the limit"):
        read_image(encoded(PICTURE), max_pixels=1199)


def test_a_pil_image_of_another_format_must_be_loaded():
    image = Image.open(io.BytesIO(encoded(PICTURE, "TGA")))
    with pytest.raises(UnreadableImage, match=r"Call its load\(\) first.*Received: .*TGA"):
        read_image(image)
    image.load()
    assert is_picture(read_image(image))


def test_a_pil_image_that_was_closed(file):
    with Image.open(file) as image:
        pass
    loaded = Image.open(file)
    loaded.load()
    loaded.close()
    over_closed_bytes = Image.open(stream := io.BytesIO(file.read_bytes()))
    stream.close()
    for closed in (image, loaded, over_closed_bytes):
        with pytest.raises(
            UnreadableImage, match=r"was closed before.*copy\(\).*load\(\).*Received"
        ):
            read_image(closed)


def test_large_pictures_are_the_same_though_converted_in_parts(monkeypatch):
    alpha = np.dstack([PICTURE, PICTURE[..., 1]])
    wide = Image.fromarray(np.arange(1200, dtype=np.int32).reshape(30, 40) - 7)
    sources = [PICTURE, alpha, PICTURE[..., 0], Image.fromarray(PICTURE).convert("P")]
    files = [*map(encoded, sources), encoded(wide, "TIFF"), rotated_by_exif(PICTURE, 6, "PNG")]
    whole = [read_image(file) for file in files]
    monkeypatch.setattr(images, "BAND_PIXELS", 7 * 40)
    for file, expected in zip(files, whole, strict=True):
        np.testing.assert_array_equal(read_image(file), expected)


def test_the_limit_is_inclusive_and_named(monkeypatch):
    assert is_picture(read_image(PICTURE, max_pixels=1200))
    for source in (PICTURE, encoded(PICTURE), Image.fromarray(PICTURE)):
        with pytest.raises(
            UnreadableImage, match="1,200 pixels, over the limit of 1,199"
        ) as caught:
            read_image(source, max_pixels=1199)
        for way in ("max_pixels=", "--max-pixels", MAX_PIXELS_VARIABLE, "40 x 30"):
            assert way in str(caught.value)


def test_the_limit_can_come_from_the_environment(monkeypatch):
    monkeypatch.delenv(MAX_PIXELS_VARIABLE, raising=False)
    assert pixel_limit() == DEFAULT_MAX_PIXELS == 100_000_000
    monkeypatch.setenv(MAX_PIXELS_VARIABLE, "1199")
    with pytest.raises(UnreadableImage, match="1,199"):
        read_image(PICTURE)
    assert is_picture(read_image(PICTURE, max_pixels=1200))  # an argument comes first
    monkeypatch.setenv(MAX_PIXELS_VARIABLE, "many")
    with pytest.raises(ConfigError, match=f"{MAX_PIXELS_VARIABLE}.*'many'"):
        read_image(PICTURE)


@pytest.mark.parametrize("limit", [0, -1, 2.5, "x", float("nan"), float("inf")])
def test_limits_that_are_none(limit):
    with pytest.raises(ConfigError, match="max_pixels"):
        read_image(PICTURE, max_pixels=limit)


def test_the_limit_of_pillow_is_neither_heeded_nor_changed(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # 1,200 pixels: Pillow would refuse
    for kind in ("PNG", "JPEG", "BMP"):
        assert read_image(encoded(PICTURE, kind)).shape == PICTURE.shape
    assert Image.MAX_IMAGE_PIXELS == 100
    try:  # the decoder of some versions asks for Pillow's limit itself
        assert read_image(encoded(PICTURE, "WEBP")).shape == PICTURE.shape
    except UnreadableImage as error:
        assert re.search("pixels.*max_pixels=.*MAX_IMAGE_PIXELS", str(error))


def test_a_picture_between_the_limits_of_pillow_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # 95 megapixels: Pillow would warn; the file is too short, so nothing large is decoded.
        with pytest.raises(UnreadableImage, match="cut short"):
            read_image(png_of_declared_size(9500, 10_000))


def test_the_picture_passed_in_is_not_changed():
    image = Image.open(io.BytesIO(rotated_by_exif(PICTURE, 6)))
    read_image(image)
    assert image.size == (40, 30) and image.getexif()[0x0112] == 6


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_bytes_never_raise_anything_else(kind):
    rng = np.random.default_rng(0)
    whole = np.frombuffer(encoded(PICTURE, kind), np.uint8)
    for _ in range(60):
        damaged = whole.copy()
        places = rng.integers(0, min(len(whole), 400), 6)
        damaged[places] = rng.integers(0, 256, 6)
        try:
            assert read_image(damaged.tobytes(), max_pixels=10_000).ndim == 3
        except UnreadableImage as error:
            assert "Received: " in str(error)
