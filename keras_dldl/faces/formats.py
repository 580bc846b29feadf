"""Formats of picture files: knowing them, and their size, before anything is decoded."""

import struct
from functools import cache
from typing import IO, TYPE_CHECKING, Any, NoReturn

from keras_dldl.errors import UnreadableImage

if TYPE_CHECKING:
    from PIL import Image

# Formats that tell their size before anything is decoded. Icons and AVIF files may hold a larger
# picture than they declare.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000")
ALLOWED_FORMATS = f"Give one of {', '.join(FORMATS)}; HEIC where pillow-heif is installed"
# Of ISO/IEC 23008-12, Annex B: still pictures and sequences, in HEVC or not said in what.
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
MAX_PIXELS_VARIABLE = "KERAS_DLDL_MAX_PIXELS"
HOW_TO_RAISE = (
    "Make it smaller, or raise the limit: `max_pixels=` in Python, --max-pixels on the command "
    f"line, or the environment variable {MAX_PIXELS_VARIABLE}"
)
# Tags and types of the TIFF 6.0 specification.
COMPRESSION, TILE_WIDTH, TILE_LENGTH = 259, 322, 323
SHORT, LONG = 3, 4
BIG_TIFF = 43


def refuse(name: str, wrong: str, allowed: str, received: str) -> NoReturn:
    """Raise `UnreadableImage` in three parts."""
    raise UnreadableImage(f"{name}: {wrong}. {allowed}. Received: {received}")


def check_pixels(width: int, height: int, limit: int, name: str, what: str = "picture") -> None:
    """Raise `UnreadableImage` where there are more than `limit` pixels."""
    if width * height > limit:
        refuse(
            name,
            f"the {what} has {width * height:,} pixels, over the limit of {limit:,}",
            HOW_TO_RAISE,
            f"{width} x {height} pixels",
        )


def identified(stream: IO[bytes], limit: int, name: str) -> "Image.Image":
    """Return the image with its header read and nothing decoded.

    What `Image.open` does, but for its own limit on pixels: that one is a global setting, and
    neither may it refuse what our limit allows, nor is it ours to change.
    """
    start = stream.read(30)
    if start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS:
        stream.seek(0)
        return _heic_plugin(start, name)(stream, limit, name)
    why = ""
    for plugin, accepts in _plugins():
        try:
            if accepts(start) is not True:  # text: known, but its decoder is missing
                continue
            stream.seek(0)
            if plugin.format == "WEBP":
                check_pixels(*_webp_size(start), limit, name)
            return plugin(stream, limit, name)
        except UnreadableImage:
            raise
        except (SyntaxError, IndexError, TypeError, ValueError, struct.error) as error:
            why = f": {error}"  # not this format after all
    refuse(
        name,
        "this is not a picture in a format that can be read",
        ALLOWED_FORMATS,
        f"a file that starts with {start[:16]!r}{why}",
    )


@cache
def _plugins() -> list[tuple[Any, Any]]:
    """Return, of each format, a class that reads a header and what knows a file by its start."""
    from PIL import Image
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.GifImagePlugin import GifImageFile
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.PpmImagePlugin import PpmImageFile
    from PIL.TiffImagePlugin import TiffImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    bases = (
        JpegImageFile,
        PngImageFile,
        WebPImageFile,
        GifImageFile,
        BmpImageFile,
        TiffImageFile,
        PpmImageFile,
        Jpeg2KImageFile,
    )
    return [(_limited(base), Image.OPEN[base.format][1]) for base in bases]


@cache
def _limited(base: Any) -> Any:
    class Limited(base):
        """Refuses a size over the limit as it is read, before memory is taken for it."""

        def __init__(self, stream: IO[bytes], limit: int, name: str):
            self._limit_and_name = (limit, name)
            super().__init__(stream, "")

        # Where every plugin puts the size, by Pillow's page "Writing your own image plugin".
        @property
        def _size(self) -> tuple[int, int]:
            return self.__dict__["_size"]

        @_size.setter
        def _size(self, size: tuple[int, int]) -> None:
            check_pixels(*size, *self._limit_and_name)
            self.__dict__["_size"] = size

    return Limited


def _heic_plugin(start: bytes, name: str) -> Any:
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        refuse(
            name,
            "HEIC pictures need the package pillow-heif",
            "Install it, pip install 'keras-dldl[heic]', or save the picture as JPEG",
            f"a file that starts with {start[:16]!r}",
        )
    return _limited(HeifImageFile)


def _webp_size(start: bytes) -> tuple[int, int]:
    """Return width and height from the first 30 bytes: Pillow takes the memory at once.

    After the container's specification, "Extended File Format", and RFC 6386 and 9649.
    """
    if start[12:16] == b"VP8X":
        width, height = (int.from_bytes(start[i : i + 3], "little") for i in (24, 27))
        return width + 1, height + 1
    if start[12:16] == b"VP8L":
        bits = int.from_bytes(start[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", start[26:30])
    return width & 0x3FFF, height & 0x3FFF


def check_tiles(image: Any, limit: int, name: str) -> None:
    """Refuse a TIFF whose tiles are over the limit: its decoder fills one tile at a time."""
    tags = image.tag_v2
    image.fp.seek(0)
    big = BIG_TIFF in image.fp.read(4)[2:]
    order = "<" if tags.prefix == b"II" else ">"
    image.fp.seek(tags.offset)
    count = struct.unpack(order + "Q" if big else order + "H", image.fp.read(8 if big else 2))[0]
    length = 20 if big else 12
    directory = image.fp.read(min(count, 2**16) * length)
    found = [tag for tag, _ in struct.iter_unpack(f"{order}H{length - 2}s", directory)]
    for tag in {COMPRESSION, TILE_WIDTH, TILE_LENGTH} & set(found):
        # Of a tag that stands twice, or has another type, libtiff may read another value.
        if found.count(tag) > 1 or tags.tagtype.get(tag) not in (SHORT, LONG):
            raise ValueError(f"a TIFF whose tag {tag} is not one SHORT or LONG")
    if image.info.get("compression") == "tiff_jpeg":
        raise ValueError("a TIFF with old-style JPEG compression (6), which has its own size")
    tile = tags.get(TILE_WIDTH, 0), tags.get(TILE_LENGTH, 0)
    check_pixels(*tile, limit, name, "tile of the picture")
