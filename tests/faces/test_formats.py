"""No decoder gets more pixels than the limit, whatever a file declares."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_dldl.errors import UnreadableImage
from keras_dldl.faces.formats import MOST_SCANS
from keras_dldl.faces.images import read_image
from tests.faces import odd_images
from tests.faces.odd_images import encoded, gradient, png_of_declared_size

PICTURE = gradient()
OVER = {
    "icon": lambda side: odd_images.icon(png_of_declared_size(side, side)),
    "icon of Apple": lambda side: odd_images.apple_icon(png_of_declared_size(side, side)),
    "AVIF": lambda side: odd_images.avif_of_declared_size(side, 32),
    "tiled TIFF": lambda side: odd_images.tiled_tiff(32, side),
    "TIFF with a second tile width": lambda side: odd_images.tiled_tiff(32, side, (322, 4, 32)),
    "TIFF with a signed tile width": lambda side: odd_images.tiled_tiff(32, side, kind=9),
    "GIF with a larger frame": odd_images.gif_of_large_frame,
    "APNG with a second header": odd_images.animated_png_of_two_sizes,
    "animated WebP": odd_images.animated_webp_of_declared_size,
}


@pytest.mark.parametrize("case", OVER)
def test_no_decoder_sees_a_larger_picture_inside_a_small_one(case, monkeypatch):
    content = OVER[case](512)
    made = []
    for name in ("new", "fill"):  # where Pillow takes memory for pixels
        monkeypatch.setattr(Image.core, name, lambda *given: made.append(given))
    monkeypatch.setattr("PIL._webp.WebPAnimDecoder", lambda *given: made.append(given))
    with pytest.raises(UnreadableImage, match="over the limit|format that can be|tag 322"):
        read_image(content, max_pixels=10_000)
    assert not made


@pytest.mark.parametrize("kind", ["VP8 ", "VP8L", "VP8X"])
def test_the_three_kinds_of_webp_tell_their_size(kind):
    options = {"exif": b"Exif\0\0MM\0*"} if kind == "VP8X" else {"lossless": kind == "VP8L"}
    content = encoded(PICTURE, "WEBP", **options)
    assert content[12:16] == kind.encode()
    assert read_image(content, max_pixels=1200).shape == PICTURE.shape
    with pytest.raises(UnreadableImage, match="1,200 pixels.*Received: 40 x 30"):
        read_image(content, max_pixels=1199)


def test_a_progressive_jpeg_may_have_so_many_scans():
    whole = encoded(PICTURE, "JPEG", progressive=True)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    few = whole.count(b"\xff\xda")
    fits = whole[:-2] + last * (MOST_SCANS - few) + whole[-2:]
    assert read_image(fits).shape == PICTURE.shape
    with pytest.raises(UnreadableImage, match="a JPEG of 101 scans, of which 100 are allowed"):
        read_image(fits[:-2] + last + fits[-2:])


def test_a_baseline_jpeg_may_not_have_more_scans_either():
    whole = encoded(PICTURE, "JPEG")
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    with pytest.raises(UnreadableImage, match="a JPEG of 201 scans, of which 100 are allowed"):
        read_image(whole[:-2] + 200 * scan + whole[-2:])
    assert read_image(whole + 200 * scan).shape == PICTURE.shape  # behind the picture's end


def test_bytes_that_fill_a_scan_are_passed_over_once():
    whole = encoded(PICTURE, "JPEG")  # a search from each of them would take minutes
    assert read_image(whole[:-2] + b"\xff" * 500_000 + b"\0" + whole[-2:]).shape == PICTURE.shape


def inserted(content: bytes, before: bytes, more: bytes) -> bytes:
    place = content.index(before)
    return content[:place] + more + content[place:]


PIECES = {  # before the picture; of a GIF, in one comment
    "JPEG": lambda n: inserted(encoded(PICTURE, "JPEG"), b"\xff\xe0", n * b"\xff\xfe\0\2"),
    "GIF": lambda n: inserted(
        encoded(PICTURE, "GIF"), b"\x2c\0\0\0\0", b"\x21\xfe" + n * b"\x01x" + b"\0"
    ),
    "PNG": lambda n: odd_images.png(
        odd_images.png_header(8, 8), *[(b"teXt", b"")] * n, (b"IDAT", zlib.compress(bytes(72)))
    ),
    "PPM": lambda n: b"P5\n" + n * b"#\n" + b"2 2\n255\n1234",
}


@pytest.mark.parametrize("kind", PIECES)
def test_a_header_may_not_be_of_very_many_pieces(kind):
    assert read_image(PIECES[kind](100)).ndim == 3
    with pytest.raises(UnreadableImage, match="a header of very many pieces, at byte [0-9]+"):
        read_image(PIECES[kind](20_000))


def test_a_plain_ppm_may_have_so_many_comments():
    whole = b"P2\n2 2\n255\n%s1 2 3 4\n"
    assert read_image(whole % (1000 * b"#\n")).shape == (2, 2, 3)
    with pytest.raises(UnreadableImage, match="a PPM of 1001 comments, of which 1000 are allowed"):
        read_image(whole % (1001 * b"#\n"))


def jpeg_2000(side: int, **options) -> bytes:
    """Return a picture of 64 x 64 that says it has `side` x `side` pixels, in one tile."""
    whole = encoded(gradient(64, 64), "JPEG2000", no_jp2=True, **options)
    place = whole.index(b"\xff\x51") + 6
    sides = struct.unpack(">8I", whole[place : place + 32])
    assert sides[:4] == (64, 64, 0, 0)
    tile = sides[4:6] if "tile_size" in options else (side, side)
    return whole[:place] + struct.pack(">8I", side, side, 0, 0, *tile, 0, 0) + whole[place + 32 :]


@pytest.mark.parametrize(
    ("side", "options", "received"),
    [
        (2000, {"codeblock_size": (4, 4)}, "JPEG 2000 of [0-9]+ parts for 4000000 pixels"),
        (1000, {"codeblock_size": (4, 4), "precinct_size": (4, 4)}, "JPEG 2000 of [0-9]+ parts"),
        (2000, {"tile_size": (16, 16)}, "JPEG 2000 of 15625 tiles for 4000000 pixels"),
    ],
)
def test_a_jpeg_2000_may_not_be_of_very_many_parts(side, options, received):
    with pytest.raises(UnreadableImage, match=received):
        read_image(jpeg_2000(side, **options))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"irreversible": True, "num_resolutions": 3},
        {"codeblock_size": (16, 16), "precinct_size": (32, 32)},
        {"tile_size": (32, 32)},
        {"codeblock_size": (4, 4)},  # few, in a small picture
    ],
)
def test_what_encoders_of_jpeg_2000_make_is_read(options):
    assert read_image(jpeg_2000(64, **options)).shape == (64, 64, 3)


def test_the_strips_of_a_tiff_may_not_be_read_again_and_again():
    places = struct.pack("<700I", *[700 * 4] * 700)  # of 100 rows and 6 bands
    pixels = bytes(100)
    content = bytearray(odd_images.tiff(places + pixels, 100, 100, (278, 4, 1)))
    entry = content.index(struct.pack("<HH", 273, 4))
    content[entry + 4 : entry + 8] = struct.pack("<I", 700)
    with pytest.raises(UnreadableImage, match="a TIFF of 700 parts"):
        read_image(bytes(content))


def test_tiles_within_the_limit_are_read():
    assert read_image(odd_images.tiled_tiff(32, 48)).shape == (32, 32, 3)


def test_a_heic_picture():
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(PICTURE)).save(stream, quality=95)
    found = read_image(stream.getvalue(), max_pixels=2**16)
    assert found.shape == PICTURE.shape
    assert np.abs(found.astype(int) - PICTURE).mean() < 5
    with pytest.raises(UnreadableImage, match="up to 65,536 pixels, whatever they declare"):
        read_image(stream.getvalue(), max_pixels=2**16 - 1)
    with pytest.raises(UnreadableImage):
        read_image(stream.getvalue()[:200])


def heic_that_declares(side, tile, declared):
    """Return a grey HEIC picture, in tiles if `tile` is not 0, whose size reads `declared`."""
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    before, pillow_heif.options.GRID_TILE_SIZE = pillow_heif.options.GRID_TILE_SIZE, tile
    try:
        pillow_heif.from_pillow(Image.new("RGB", (side, side))).save(stream, quality=20)
    finally:
        pillow_heif.options.GRID_TILE_SIZE = before
    content = stream.getvalue()
    for form in (b"ispe\0\0\0\0%b", b"\0\0\1\1%b"):  # of the picture, of the grid of tiles
        kind = "II" if b"ispe" in form else "HH"
        told, lie = (form % struct.pack(f">{kind}", one, one) for one in (side, declared))
        content = content.replace(told, lie)
    return content


@pytest.mark.parametrize(
    ("side", "tile", "reason"),
    [(384, 0, "Security limit exceeded"), (768, 384, "147,456 pixels, over the limit")],
)
def test_a_heic_picture_larger_than_it_declares_is_not_decoded(side, tile, reason):
    content = heic_that_declares(side, tile, 32)
    with pytest.raises(UnreadableImage, match=reason):
        read_image(content, max_pixels=2**16)


def test_a_limit_too_low_for_heic_says_why_and_what_to_do(monkeypatch):
    content = heic_that_declares(64, 0, 64)
    monkeypatch.setenv("KERAS_DLDL_MAX_PIXELS", "50000")
    with pytest.raises(UnreadableImage) as caught:
        read_image(content, name="a.heic")
    message = str(caught.value)
    assert message.startswith("a.heic: HEIC pictures are decoded up to 65,536 pixels")
    assert "whatever they declare, and the limit of 50,000 is lower" in message
    assert "Raise the limit to 65,536 or more" in message and "KERAS_DLDL_MAX_PIXELS" in message
    assert "Received: a HEIC file that declares 4,096 pixels, and a limit of 50,000" in message
    assert read_image(content, max_pixels=65536).shape == (64, 64, 3)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1"])
def test_a_heic_picture_without_its_package_names_that(brand, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnreadableImage, match=r"a.heic: .*pip install 'keras-dldl\[heic\]'"):
        read_image(b"\0\0\0\x18ftyp" + brand + bytes(40), name="a.heic")
