"""Formats of picture files: knowing them, and their size, before anything is decoded."""

import io
import math
import re
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
# From this version on libheif's HEVC decoder gets no picture larger than the file declares, by more
# than one coding block (64 pixels) on each axis; or than the following.
SAFE_LIBHEIF = (1, 23)
HEIC_PIXELS = 2**16
MAX_PIXELS_VARIABLE = "KERAS_DLDL_MAX_PIXELS"
HOW_TO_RAISE = (
    "Make it smaller, or raise the limit: `max_pixels=` in Python, --max-pixels on the command "
    f"line, or the environment variable {MAX_PIXELS_VARIABLE}"
)
# Tags and types of the TIFF 6.0 specification.
COMPRESSION, STRIP_OFFSETS, TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS = 259, 273, 322, 323, 324
SHORT, LONG = 3, 4
OLD_JPEG, BIG_TIFF = 6, 43
SMALLEST_TILE = 16
MOST_BANDS = 6  # that Pillow reads
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# A marker of a JPEG; not what is within a scan, of ITU T.81, B.1.1.
JPEG_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
# Encoders write about ten. As many as libtiff allows in a TIFF.
MOST_SCANS = 100
MOST_SEGMENTS = 10_000
# The most reads of a header: FEWEST_READS, and one more for every BYTES_PER_READ of the file.
FEWEST_READS, BYTES_PER_READ = 10_000, 100
MOST_COMMENTS = 1000  # of a plain PPM: Pillow copies what is left for each
# Of JPEG 2000, ITU T.800, annex A.5.1 and A.6: the size, and how components are coded: by default,
# and of one. Wherever these bytes stand: a tile may have its own.
JP2_SIZE = re.compile(rb"\xff(?=\x4f\xff\x51.{4}(.{34}))", re.DOTALL)
JP2_CODING = re.compile(
    rb"\xff(?=(?:\x52\0[\x0c-\x2d](.).{4}|\x53\0[\x09-\x2b].(.))"
    rb"([\0-\x20])([\0-\x08])([\0-\x08])..(.{0,33}))",
    re.DOTALL,
)
MOST_JP2_COMPONENTS, MOST_JP2_CODINGS = 4, 10_000
# Its decoder takes 10 kB for a tile and 1 kB for another part of it.
FEWEST_TILES, PIXELS_PER_TILE = 100, 64 * 64
FEWEST_PARTS, PIXELS_PER_PART = 10_000, 128


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
        plugin = _heic_plugin(start, name)
        _check_heic(start + stream.read(), limit, name)
        stream.seek(0)
        return plugin(stream, limit, name)
    why = ""
    for plugin, accepts in _plugins():
        try:
            if accepts(start) is not True:  # text: known, but its decoder is missing
                continue
            stream.seek(0)
            if plugin.format == "WEBP":
                check_pixels(*_webp_size(start), limit, name)
            image = plugin(_FewReads(stream, name), limit, name)
            image.fp = stream
            return image
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


class _FewReads:
    """A stream of a header: it could be of millions of pieces, each of which Python reads."""

    def __init__(self, stream: IO[bytes], name: str):
        self._stream, self._name = stream, name
        self._left = FEWEST_READS + stream.seek(0, io.SEEK_END) // BYTES_PER_READ
        stream.seek(0)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._stream, attribute)

    def read(self, size: int = -1) -> bytes:
        """Read as the stream does."""
        self._left -= 1
        if self._left < 0:
            _refuse_odd(self._name, f"a header of very many pieces, at byte {self._stream.tell()}")
        return self._stream.read(size)


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
            if hasattr(self, "tag_v2"):
                _check_tiff(self, size, *self._limit_and_name)
            self.__dict__["_size"] = size

    return Limited


def _heic_plugin(start: bytes, name: str) -> Any:
    try:
        from pillow_heif import HeifImageFile, libheif_version

        if tuple(map(int, libheif_version().split(".")[:2])) < SAFE_LIBHEIF:
            raise ImportError
    except ImportError:
        refuse(
            name,
            "HEIC pictures need the package pillow-heif, 1.6 or newer",
            "Install it, pip install 'keras-dldl[heic]', or save the picture as JPEG",
            f"a file that starts with {start[:16]!r}",
        )
    return _limited(HeifImageFile)


def _check_heic(content: bytes, limit: int, name: str) -> None:
    """Raise `UnreadableImage` where any picture of the file, such as a tile, is over the limit.

    The picture that is shown may be made of tiles, or cut out of a larger one (ISO/IEC 23008-12),
    whose sizes stand in boxes `ispe`: four bytes of flags, width, height; before them the box's
    length, which, if 1, follows the name instead.
    """
    declared = 0
    for found in re.finditer(b"ispe", content):
        begin, end = found.span()
        end += 12 if content[max(0, begin - 4) : begin] == b"\0\0\0\1" else 4
        size = content[end : end + 8]
        if len(size) == 8:
            width, height = struct.unpack(">II", size)
            check_pixels(width, height, limit, name, "picture or a part of it")
            declared = max(declared, width * height)
    if limit < HEIC_PIXELS:
        refuse(
            name,
            f"HEIC pictures are decoded up to {HEIC_PIXELS:,} pixels, whatever they declare, and "
            f"the limit of {limit:,} is lower",
            f"Raise the limit to {HEIC_PIXELS:,} or more (`max_pixels=` in Python, --max-pixels on "
            f"the command line, or the environment variable {MAX_PIXELS_VARIABLE}), or save the "
            "picture as JPEG",
            f"a HEIC file that declares {declared:,} pixels, and a limit of {limit:,}",
        )


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


def check_work(image: Any, limit: int, name: str) -> None:
    """Raise `UnreadableImage` where decoding takes more memory or time than the size suggests."""
    if image.format in ("JPEG", "MPO"):
        _check_jpeg(_content(image, image.tile[0][2]), name)
    if image.format == "JPEG2000":
        _check_jpeg_2000(_content(image), limit, name)
    if image.tile[0][0] == "ppm_plain":
        comments = _content(image).count(b"#")
        if comments > MOST_COMMENTS:
            _refuse_odd(name, f"a PPM of {comments} comments, of which {MOST_COMMENTS} are allowed")
    if image.format == "TIFF":
        _check_tiff(image, image.size, limit, name)


def _content(image: Any, begin: int = 0) -> bytes:
    image.fp.seek(begin)
    return image.fp.read()


def _check_jpeg(content: bytes, name: str) -> None:
    """Refuse too many scans: each goes over the whole picture, and may be tiny.

    What follows the end is ignored: phones put a film there.
    """
    place, scans = 2, 0
    for _ in range(MOST_SEGMENTS):
        found = JPEG_MARKER.search(content, place)
        if found is None or found[1][0] == END_OF_IMAGE:
            break
        scans += found[1][0] == START_OF_SCAN
        place = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
    else:
        _refuse_odd(name, f"a JPEG of more than {MOST_SEGMENTS} segments")
    if scans > MOST_SCANS:
        _refuse_odd(name, f"a JPEG of {scans} scans, of which {MOST_SCANS} are allowed")


def _check_jpeg_2000(content: bytes, limit: int, name: str) -> None:
    """Refuse more tiles, or smaller parts of these, than an encoder has reason to make."""
    pixels, components, width, height = 0, 0, 0, 0
    for found in JP2_SIZE.finditer(content):
        right, bottom, left, top, *tile = struct.unpack(">8I", found[1][:32])
        width, height = max(width, right - left), max(height, bottom - top)
        check_pixels(width, height, limit, name)
        pixels = width * height
        components = max(components, int.from_bytes(found[1][32:], "big"))
        tiles = -(-right // max(1, tile[0])) * -(-bottom // max(1, tile[1]))
        if tiles > FEWEST_TILES + pixels // PIXELS_PER_TILE:
            _refuse_odd(name, f"a JPEG 2000 of {tiles} tiles for {pixels} pixels")
    if components > MOST_JP2_COMPONENTS:
        _refuse_odd(name, f"a JPEG 2000 of {components} components")
    for number, found in enumerate(JP2_CODING.finditer(content)):
        parts = components * _jp2_parts(width, height, *found.groups())
        if (
            number == MOST_JP2_CODINGS
            or parts > FEWEST_PARTS + components * pixels / PIXELS_PER_PART
        ):
            _refuse_odd(name, f"a JPEG 2000 of {parts} parts for {pixels} pixels")


def _jp2_parts(
    width: int, height: int, style: bytes | None, one_style: bytes | None, *coding: bytes
) -> int:
    """Return how many code-blocks and precincts a component has, as A.6.1 and B.6 to B.7 tell."""
    levels, block_width, block_height = (one[0] for one in coding[:3])
    has_precincts = (style or one_style)[0] & 1
    precincts = coding[3] if has_precincts else b""
    parts = 0
    for level in range(levels + 1):
        sides = [-(-side >> (levels - level)) for side in (width, height)]
        precinct = precincts[level] if level < len(precincts) else 0xFF
        in_precinct = [precinct & 15, precinct >> 4]
        in_block = [
            max(0, min(block + 2, most - (level > 0)))
            for block, most in zip((block_width, block_height), in_precinct, strict=True)
        ]
        for powers in (in_precinct, in_block):
            parts += math.prod(-(-side >> power) for side, power in zip(sides, powers, strict=True))
    return parts


def _check_tiff(image: Any, size: tuple[int, int], limit: int, name: str) -> None:
    tags = image.tag_v2
    if tags.get(COMPRESSION) == OLD_JPEG:
        _refuse_odd(name, "a TIFF with old-style JPEG compression (6), which has its own size")
    found = _tiff_entries(image.fp, tags)
    for tag in {COMPRESSION, TILE_WIDTH, TILE_LENGTH} & set(found):
        # Of a tag that occurs twice, or has another type, libtiff may read another value.
        if len(found[tag]) > 1 or tags.tagtype.get(tag) not in (SHORT, LONG):
            _refuse_odd(name, f"a TIFF whose tag {tag} is not one SHORT or LONG")
    strips, tiles = max(size), (size[0] // SMALLEST_TILE + 1) * (size[1] // SMALLEST_TILE + 1)
    for tag in {STRIP_OFFSETS, TILE_OFFSETS} & set(found):
        if max(found[tag]) > MOST_BANDS * max(strips, tiles):
            _refuse_odd(name, f"a TIFF of {max(found[tag])} parts")
    # The decoder fills one tile at a time.
    tile = tags.get(TILE_WIDTH, 0), tags.get(TILE_LENGTH, 0)
    check_pixels(*tile, limit, name, "tile of the picture")


def _tiff_entries(stream: IO[bytes], tags: Any) -> dict[int, list[int]]:
    """Return how many values each tag of a directory has, as often as the tag occurs."""
    before = stream.tell()
    stream.seek(0)
    big = BIG_TIFF in stream.read(4)[2:]
    order = "<" if tags.prefix == b"II" else ">"
    stream.seek(tags.offset)
    (entries,) = struct.unpack(order + ("Q" if big else "H"), stream.read(8 if big else 2))
    form = order + ("HHQ8s" if big else "HHI4s")
    directory = stream.read(min(entries, 2**16) * struct.calcsize(form))
    stream.seek(before)
    found: dict[int, list[int]] = {}
    for tag, _, count, _ in struct.iter_unpack(form, directory):
        found.setdefault(tag, []).append(count)
    return found


def _refuse_odd(name: str, received: str) -> NoReturn:
    refuse(
        name,
        "the picture is damaged, or made to take long",
        "Give an image file saved again, for example as JPEG or PNG",
        received,
    )
