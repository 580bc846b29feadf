"""Reading one image, from wherever it comes, as upright RGB pixels; a photo, as far as needed."""

import io
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.errors import ConfigError, KerasDLDLError, UnreadableImage
from keras_dldl.faces.formats import (
    ALLOWED_FORMATS,
    FORMATS,
    HOW_TO_RAISE,
    MAX_PIXELS_VARIABLE,
    check_pixels,
    check_work,
    identified,
    refuse,
)
from keras_dldl.faces.sources import image_name, is_pil_image, opened, readable_again

if TYPE_CHECKING:
    from PIL import Image

    from keras_dldl.faces.alignment import Alignment

DEFAULT_MAX_PIXELS = 100_000_000
MIN_SIDE = 2
BAND_PIXELS = 2**20
# A large JPEG file is decoded at 1/2, 1/4 or 1/8, its longer side at least this many pixels: what
# MTCNN looks at.
LEAST_SIDE = 1280
BITS_PER_SAMPLE, PHOTOMETRIC, MOST_USED = 258, 262, 281  # tags of TIFF


class Photo:
    """An upright RGB picture, and faces cut out of it.

    Args:
        source: what `read_image` reads.
        max_pixels: largest picture accepted, see `read_image`.
        name: what to call it in errors; default `image_name(source)`.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, perhaps reduced.
        shape: height and width of the picture in its own pixels.
        reduction: by how much it is reduced: 1, 2, 4 or 8.

    Raises:
        UnreadableImage: see `read_image`.
    """

    def __init__(self, source: Any, *, max_pixels: int | None = None, name: str | None = None):
        self.name = image_name(source) if name is None else name
        self._source, self._max_pixels = readable_again(source, self.name), max_pixels
        self.pixels, self.shape = read_reduced(
            self._source, LEAST_SIDE, max_pixels=max_pixels, name=self.name
        )
        # Sides are rounded up: the quotient of the longer ones is off by less than a hundredth.
        self.reduction = round(max(self.shape) / max(self.pixels.shape[:2]))

    def align(self, alignment: "Alignment", landmarks: np.ndarray, size: int) -> np.ndarray:
        """Cut out one face, from as many pixels as the crop needs.

        Args:
            alignment: how.
            landmarks: (5, 2), x and y in the picture's own pixels.
            size: side of the crop in pixels.

        Returns:
            (size, size, 3) uint8 RGB.
        """
        if alignment.scale(landmarks, size) < self.reduction > 1:
            self.pixels = read_image(self._source, max_pixels=self._max_pixels, name=self.name)
            self.reduction = 1
        return alignment.align(self.pixels, landmarks / self.reduction, size)


def read_image(
    source: Any, *, max_pixels: int | None = None, name: str | None = None
) -> np.ndarray:
    """Read an image as it is meant to be seen.

    The rotation noted in EXIF is applied; transparency is laid over white; grey, palette, CMYK and
    16-bit pictures become 8-bit RGB; of an animation the first frame is taken. Files may be JPEG,
    PNG, WebP, GIF, BMP, TIFF, PPM or JPEG 2000: formats that tell the number of pixels before
    anything is decoded, and it is checked then.

    Args:
        source: a path, bytes, a binary file object (read from its current position), a PIL image
            (loaded if it is of another format), or a (H, W, 3) uint8 RGB array.
        max_pixels: largest number of pixels accepted. Default: the environment variable
            KERAS_DLDL_MAX_PIXELS, or else 100 million.
        name: what to call the image in errors; default `image_name(source)`.

    Returns:
        (H, W, 3) uint8 RGB, 0 ... 255. A given array is returned as it is, not copied.

    Raises:
        UnreadableImage: not an image, damaged, over the limit, or smaller than 2 x 2 pixels.
        ConfigError: `max_pixels` or the environment variable is not a positive whole number.

    >>> from PIL import Image
    >>> read_image(Image.new("LA", (4, 2), (0, 0)))[0, 0].tolist()
    [255, 255, 255]
    """
    return read_reduced(source, None, max_pixels=max_pixels, name=name)[0]


def read_reduced(
    source: Any, least_side: int | None, *, max_pixels: int | None = None, name: str | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Read an image as `read_image` does, a large JPEG file at 1/2, 1/4 or 1/8 of its size.

    Args:
        source: see `read_image`.
        least_side: of the longer side in pixels: it is not reduced further; None reduces nothing.
        max_pixels: see `read_image`; the whole picture counts.
        name: see `read_image`.

    Returns:
        (H, W, 3) uint8 RGB, and height and width of the whole picture in its own pixels, upright.

    Raises:
        UnreadableImage, ConfigError: see `read_image`.
    """
    limit = pixel_limit(max_pixels)
    name = image_name(source) if name is None else name
    if isinstance(source, np.ndarray):
        pixels = _checked_array(source, limit, name)
        return pixels, pixels.shape[:2]
    if is_pil_image(source):
        with _any_failure_named(name):
            _check_pil_image(source, name)
            pixels, _ = _decoded(source, limit, name)
            return pixels, pixels.shape[:2]
    with opened(source, name) as stream, _any_failure_named(name):
        image = identified(stream, limit, name)
        whole = image.size
        if least_side is not None and max(whole) >= 2 * least_side:
            _check_size(*whole, limit, name)
            share = max(whole) // least_side
            image.draft(None, tuple(max(MIN_SIDE, side // share) for side in whole))
        is_reduced = image.size != whole  # to sides rounded up: the header alone has the whole ones
        pixels, is_turned = _decoded(image, limit, name)
        if is_reduced:
            return pixels, whole if is_turned else whole[::-1]
        return pixels, pixels.shape[:2]


def declared_pixels(content: bytes, max_pixels: int | None = None) -> int:
    """Return how many pixels `read_image` would decode of a file, by its header: 0 if none."""
    limit = pixel_limit(max_pixels)
    try:
        with _any_failure_named("image"):
            image = identified(io.BytesIO(content), limit, "image")
            return image.width * image.height
    except UnreadableImage:
        return 0


def pixel_limit(max_pixels: int | None = None) -> int:
    """Return the limit in force: `max_pixels`, else KERAS_DLDL_MAX_PIXELS, else 100 million."""
    origin, value = "max_pixels", max_pixels
    if value is None:
        origin, value = MAX_PIXELS_VARIABLE, os.environ.get(MAX_PIXELS_VARIABLE)
    if value is None or value == "":
        return DEFAULT_MAX_PIXELS
    try:
        limit = int(value)
        if limit < 1 or limit != float(value):
            raise ValueError
    except (ValueError, TypeError, OverflowError):
        raise ConfigError(
            f"`{origin}` must be a whole number of pixels above 0. Received: {origin}={value!r}"
        ) from None
    return limit


def _check_size(width: int, height: int, limit: int, name: str) -> None:
    check_pixels(width, height, limit, name)
    if min(width, height) < MIN_SIDE:
        refuse(
            name,
            "the picture is too small",
            f"Both sides must be {MIN_SIDE} pixels or more",
            f"{width} x {height} pixels",
        )


def _checked_array(array: np.ndarray, limit: int, name: str) -> np.ndarray:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        refuse(
            name,
            "the array is not an RGB image",
            "It must be (H, W, 3) uint8 with values 0 ... 255; of several images give a list, and "
            "of paths one column",
            f"shape {array.shape}, dtype {array.dtype}{_range(array)}",
        )
    _check_size(array.shape[1], array.shape[0], limit, name)
    return np.asarray(array)


def _range(array: np.ndarray) -> str:
    if array.size == 0 or array.dtype.kind not in "buif":
        return ""
    return f", values {float(array.min()):g} ... {float(array.max()):g}"


@contextmanager
def _any_failure_named(name: str):
    """Turn whatever Pillow raises on bad data (a dozen kinds) into UnreadableImage."""
    from PIL import Image

    try:
        yield
    except KerasDLDLError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # A few of its decoders look at Pillow's own limit before we can look at ours.
        raise UnreadableImage(
            f"{name}: the picture is over a limit on pixels. {HOW_TO_RAISE}; for pictures this "
            f"large also PIL.Image.MAX_IMAGE_PIXELS. Received: {error}"
        ) from error
    except Exception as error:
        why = str(error).strip() or type(error).__name__
        wrong = "the picture is damaged, or cut short"
        allowed = "Give a whole image file, for example saved again as JPEG or PNG"
        if "closed" in why:  # of a PIL image, or of what it reads from
            wrong = "the picture was closed before it was read"
            allowed = (
                "Keep it open, or give its copy() or path; load() helps where its file alone is "
                "closed"
            )
        raise UnreadableImage(f"{name}: {wrong}. {allowed}. Received: {why}") from error


def _check_pil_image(image: "Image.Image", name: str) -> None:
    """Refuse one that is still to be decoded, where that cannot be, or not within our limit."""
    from PIL.ImageFile import ImageFile

    try:
        loaded = image.im is not None
    except AssertionError:
        loaded = False
    if loaded or not isinstance(image, ImageFile):
        return
    if image.format not in (*FORMATS, "MPO"):  # MPO: a JPEG with more pictures after it
        refuse(
            name,
            "the picture is not loaded, and its format may hold more pixels than it declares",
            f"Call its load() first. {ALLOWED_FORMATS}",
            f"a PIL image of the format {image.format}",
        )
    if image.tile and (image.fp is None or getattr(image.fp, "closed", False)):
        raise ValueError("an image whose file is closed")


def _decoded(image: "Image.Image", limit: int, name: str) -> tuple[np.ndarray, bool]:
    """Return the upright pixels, and whether width and height are swapped for that."""
    _check_size(image.width, image.height, limit, name)
    if getattr(image, "tile", None):  # it is still to be decoded
        check_work(image, limit, name)
    image.load()
    upright, is_turned = _upright(image)
    levels = _levels(upright, image)
    pixels = np.empty((upright.height, upright.width, 3), np.uint8)
    for band, top in _bands(upright):
        pixels[top : top + band.height] = np.asarray(_as_rgb(band, levels))
    return pixels, is_turned


def _bands(image: "Image.Image") -> Iterator[tuple["Image.Image", int]]:
    """Yield the image in parts, and where each begins: copies of the whole would take memory."""
    height = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, height):
        bottom = min(top + height, image.height)
        yield image.crop((0, top, image.width, bottom)), top


def _upright(image: "Image.Image") -> tuple["Image.Image", bool]:
    from PIL import ExifTags, ImageOps

    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        if orientation == 1:
            return image, False  # and no copy
        return ImageOps.exif_transpose(image), orientation in (5, 6, 7, 8)
    except Exception:  # a damaged EXIF block does not make the picture unreadable
        return image, False


def _as_rgb(image: "Image.Image", levels: tuple[float, float] | None) -> "Image.Image":
    from PIL import Image

    if levels is not None:
        black, white = levels
        values = (np.asarray(image, np.float32) - black) * (255.0 / (white - black))
        return Image.fromarray(np.rint(values).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        if image.mode == "La":  # there is no direct way from it to RGBA
            image = image.convert("LA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _levels(image: "Image.Image", opened: "Image.Image") -> tuple[float, float] | None:
    """Return which values of a grey picture of more than 8 bits are black and white; else None.

    Args:
        image: the picture.
        opened: the same as it was opened: what is made of it has no format and no tags.
    """
    if image.mode != "F" and not image.mode.startswith("I"):
        return None
    least, most = math.inf, -math.inf
    for band, _ in _bands(image):
        values = np.asarray(band, np.float32)
        if not np.isfinite(values).all():
            raise ValueError("pixels that are not numbers (NaN or infinite)")
        least, most = min(least, float(values.min())), max(most, float(values.max()))
    tags = getattr(opened, "tag_v2", {})  # of a TIFF
    black, white = _black_and_white(opened, tags, least, most)
    return (white, black) if tags.get(PHOTOMETRIC) == 0 else (black, white)  # 0: white is zero


def _black_and_white(
    image: "Image.Image", tags: Any, least: float, most: float
) -> tuple[float, float]:
    # 32-bit pictures do not say which values are black and white. Take the smallest customary
    # range that holds them all: 0 ... 1 (floats), 0 ... 255, 0 ... 65535; else their own range.
    white = tags.get(MOST_USED, (0,))[0]  # of cameras with 10 to 14 bits, less than 16 bits hold
    if 0 <= least and most <= white and white > 0:
        return 0.0, float(white)
    bits = tags.get(BITS_PER_SAMPLE, (16,))[0]
    if image.mode.startswith("I;16") and bits < 16:
        return 0.0, 2.0**bits - 1
    if image.format == "PPM" and image.mode == "I":  # Pillow has stretched what the header says
        return 0.0, 65535.0
    # Cameras and scanners put 10 or 12 bits into 16, often without a word in the file.
    tops = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 1023.0, 4095.0, 65535.0)
    for top in tops:
        if 0 <= least and most <= top:
            return 0.0, top
    return least, max(most, least + 1.0)
