"""Pictures of every odd and bad kind, made on the spot."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def gradient(width: int = 40, height: int = 30) -> np.ndarray:
    """Return (H, W, 3) uint8, different in every corner and every channel."""
    y, x = np.mgrid[:height, :width]
    red, green = 255 * x // (width - 1), 255 * y // (height - 1)
    return np.stack([red, green, 255 - red], axis=2).astype(np.uint8)


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    """Return a picture as the bytes of a file."""
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of these chunks and an end."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in (*chunks, (b"IEND", b""))
    )


def png_header(width: int, height: int) -> tuple[bytes, bytes]:
    """Return the chunk that promises `width` x `height` pixels of grey."""
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)


def png_of_declared_size(width: int, height: int) -> bytes:
    """Return a small PNG whose header promises `width` x `height` pixels of grey."""
    return png(png_header(width, height), (b"IDAT", zlib.compress(bytes(1000))))


def tiff(data: bytes, width: int, height: int, *entries: tuple[int, ...]) -> bytes:
    """Return a grey TIFF of one strip, with these (tag, type, value) in place of the usual ones.

    A type of 3 is SHORT, of 4 LONG; a value of None is where `data` begins.
    """
    usual = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (277, 3, 1)]
    given = {tag for tag, *_ in entries}
    if 324 not in given:
        usual += [(273, 4, None), (278, 4, height), (279, 4, len(data))]
    rows = sorted([row for row in usual if row[0] not in given] + list(entries), key=lambda r: r[0])
    begin = 8 + 2 + 12 * len(rows) + 4
    packed = [struct.pack("<HHII", t, k, 1, begin if v is None else v) for t, k, v in rows]
    head = b"II*\0" + struct.pack("<IH", 8, len(rows))
    return head + b"".join(packed) + bytes(4) + data


def tiled_tiff(side: int, tile: int, *more: tuple[int, ...], kind: int = 4) -> bytes:
    """Return a black TIFF, compressed, of one tile that may be larger than the picture."""
    data = zlib.compress(bytes(tile * tile))
    tiles = [(322, kind, tile), (323, kind, tile), (324, 4, None), (325, 4, len(data))]
    return tiff(data, side, side, (259, 3, 8), *tiles, *more)


def icon(inner: bytes) -> bytes:
    """Return an ICO that declares 32 x 32 pixels and holds another file."""
    entry = struct.pack("<BBBBHHII", 32, 32, 0, 0, 1, 32, len(inner), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + inner


def apple_icon(inner: bytes) -> bytes:
    """Return an ICNS that declares 128 x 128 pixels and holds another file."""
    part = b"ic07" + struct.pack(">I", 8 + len(inner)) + inner
    return b"icns" + struct.pack(">I", 8 + len(part)) + part


def avif_of_declared_size(side: int, declared: int) -> bytes:
    """Return an AVIF of `side` x `side` pixels that declares another size."""
    whole = bytearray(encoded(np.zeros((side, side, 3), np.uint8), "AVIF"))
    place = whole.index(b"ispe") + 8
    whole[place : place + 8] = struct.pack(">II", declared, declared)
    return bytes(whole)


def gif_of_large_frame(side: int) -> bytes:
    """Return a GIF of 32 x 32 pixels whose first frame is `side` x `side`, to be cleared after."""
    control = b"\x21\xf9\x04" + bytes([2 << 2 | 1]) + bytes(4)
    frame = b"," + struct.pack("<HHHH", 0, 0, side, side) + b"\x00\x02\x02\x4c\x01\x00;"
    return b"GIF89a" + struct.pack("<HH", 32, 32) + bytes(3) + control + frame


def animated_png_of_two_sizes(side: int) -> bytes:
    """Return an APNG that declares 32 x 32 pixels and then `side` x `side`, to be cleared after."""
    frame = struct.pack(">IIIIIHHBB", 0, side, side, 0, 0, 1, 1, 1, 0)
    return png(
        png_header(32, 32),
        png_header(side, side),
        (b"acTL", struct.pack(">II", 2, 0)),
        (b"fcTL", frame),
        (b"IDAT", zlib.compress(bytes(100))),
    )


def animated_webp_of_declared_size(side: int) -> bytes:
    """Return a WebP with a canvas of `side` x `side` pixels and a frame of 16 x 16."""
    inner = encoded(np.zeros((16, 16, 3), np.uint8), "WEBP", lossless=True)[12:]
    frame = bytes(6) + (15).to_bytes(3, "little") * 2 + bytes(4) + inner
    canvas = b"\x02\0\0\0" + (side - 1).to_bytes(3, "little") * 2
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(content)) + content
        for kind, content in ((b"VP8X", canvas), (b"ANIM", bytes(6)), (b"ANMF", frame))
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def rotated_by_exif(image: np.ndarray, orientation: int, kind: str = "JPEG") -> bytes:
    """Return a file that holds `image` as it is, with a note to turn it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    return encoded(image, kind, exif=exif, **options)


def truncated(kind: str, size: int = 200) -> bytes:
    """Return the first half of a file."""
    whole = encoded(gradient(size, size), kind)
    return whole[: len(whole) // 2]


def animated_gif(first: str = "red", second: str = "blue") -> bytes:
    """Return two frames of one colour each."""
    frames = [Image.new("RGB", (40, 30), colour) for colour in (first, second)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


# What is wrong -> the bytes of a file, and what its error must say.
BAD_FILES = {
    "not an image": (b"\x00\x01\x02 nothing known " * 20, "format"),
    "truncated JPEG": (truncated("JPEG"), "cut short"),
    "truncated PNG": (truncated("PNG"), "cut short"),
    "truncated GIF": (truncated("GIF"), "cut short"),
    "truncated TIFF": (truncated("TIFF"), "cut short"),
    "truncated WebP": (truncated("WEBP"), "cut short"),
    "header alone": (encoded(gradient(), "JPEG")[:30], "readable|format|cut short"),
    "zero bytes": (b"", "nothing in it"),
    "text": (b"this is not a picture\n" * 50, "format"),
    "short text": (b"a,b\n1", "format"),
    "text that begins like a BMP": (b"BMW and others\n", "format"),
    "text that begins like a PPM": (b"P3 is the third\n", "format"),
    "text of one letter": (b"P", "format"),
    "drawn by a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "format"),
    "30,000 x 30,000": (png_of_declared_size(30_000, 30_000), "900,000,000.*100,000,000"),
    "one pixel": (encoded(np.zeros((1, 1, 3), np.uint8)), "too small"),
}
