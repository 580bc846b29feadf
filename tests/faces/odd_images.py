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


def png_of_declared_size(width: int, height: int) -> bytes:
    """Return a small PNG whose header promises `width` x `height` pixels of grey."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


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
    "drawn by a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "format"),
    "30,000 x 30,000": (png_of_declared_size(30_000, 30_000), "900,000,000.*100,000,000"),
    "one pixel": (encoded(np.zeros((1, 1, 3), np.uint8)), "too small"),
}
