"""Reading one image, from wherever it comes, as upright RGB pixels."""

import io
import os
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import numpy as np

from keras_dldl.errors import ConfigError, KerasDLDLError, UnreadableImage

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_MAX_PIXELS = 100_000_000
MAX_PIXELS_VARIABLE = "KERAS_DLDL_MAX_PIXELS"
MIN_SIDE = 2
ALLOWED_SOURCES = (
    "An image must be a path, bytes, a binary file object, a PIL image, "
    "or a (H, W, 3) uint8 RGB array"
)
HOW_TO_RAISE = (
    "Make it smaller, or raise the limit: `max_pixels=` in Python, --max-pixels on the command "
    f"line, or the environment variable {MAX_PIXELS_VARIABLE}"
)
# Vector formats that are drawn by a program outside this process: not for pictures from strangers.
REFUSED_FORMATS = frozenset({"EPS", "WMF"})
LONGEST_NAME = 300


def read_image(
    source: Any, *, max_pixels: int | None = None, name: str | None = None
) -> np.ndarray:
    """Read an image as it is meant to be seen.

    The rotation noted in EXIF is applied; transparency is laid over white; grey, palette, CMYK and
    16-bit pictures become 8-bit RGB; of an animation the first frame is taken. The number of pixels
    is checked before anything is decoded.

    Args:
        source: a path, bytes, a binary file object (read from where it stands), a PIL image, or a
            (H, W, 3) uint8 RGB array.
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
    limit = pixel_limit(max_pixels)
    name = image_name(source) if name is None else name
    if isinstance(source, np.ndarray):
        return _checked_array(source, limit, name)
    if _is_pil_image(source):
        with _any_failure_named(name):
            return _decoded(source, limit, name)
    with _opened(source, name) as stream, _any_failure_named(name):
        return _decoded(_identified(stream, name), limit, name)


def image_name(source: Any) -> str:
    """Return what to call `source` in a message: its path, or what kind of thing it is.

    >>> image_name(b"abc")
    '<3 bytes>'
    """
    if isinstance(source, (str, os.PathLike)):
        path = os.fsdecode(source)
        return path if len(path) <= LONGEST_NAME else path[:LONGEST_NAME] + "..."
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"<{len(source)} bytes>"
    if isinstance(source, np.ndarray):
        return f"<array {'x'.join(map(str, source.shape))}>"
    own = getattr(source, "filename", None) or getattr(source, "name", None)
    return own if isinstance(own, str) and own else f"<{type(source).__name__}>"


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


def _refuse(name: str, wrong: str, allowed: str, received: str) -> NoReturn:
    raise UnreadableImage(f"{name}: {wrong}. {allowed}. Received: {received}")


def _check_size(width: int, height: int, limit: int, name: str) -> None:
    received = f"{width} x {height} pixels"
    if width * height > limit:
        _refuse(
            name,
            f"the picture has {width * height:,} pixels, over the limit of {limit:,}",
            HOW_TO_RAISE,
            received,
        )
    if min(width, height) < MIN_SIDE:
        _refuse(
            name,
            "the picture is too small",
            f"Both sides must be {MIN_SIDE} pixels or more",
            received,
        )


def _checked_array(array: np.ndarray, limit: int, name: str) -> np.ndarray:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        _refuse(
            name,
            "the array is not an RGB image",
            "It must be (H, W, 3) uint8 with values 0 ... 255; of several images give a list",
            f"shape {array.shape}, dtype {array.dtype}{_range(array)}",
        )
    _check_size(array.shape[1], array.shape[0], limit, name)
    return np.asarray(array)


def _range(array: np.ndarray) -> str:
    if array.size == 0 or array.dtype.kind not in "buif":
        return ""
    return f", values {float(array.min()):g} ... {float(array.max()):g}"


def _is_pil_image(source: Any) -> bool:
    # Without importing Pillow for an array: its images come from a module of this name.
    if type(source).__module__.partition(".")[0] == "PIL":
        return True
    from PIL import Image

    return isinstance(source, Image.Image)


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
        raise UnreadableImage(
            f"{name}: the picture is damaged, or cut short. Give a whole image file, for example "
            f"saved again as JPEG or PNG. Received: {why}"
        ) from error


def _opened(source: Any, name: str) -> IO[bytes]:
    """Return a seekable stream of the bytes of `source`, for use in a `with`."""
    if isinstance(source, (str, os.PathLike)):
        return _opened_path(source, name)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _stream(bytes(source), name, "0 bytes")
    if not hasattr(source, "read"):
        _refuse(name, "this is not an image", ALLOWED_SOURCES, f"type {type(source).__name__}")
    if isinstance(source, io.TextIOBase):
        _refuse(name, "the file is open as text", 'Open it with mode "rb"', "a text file object")
    try:
        content = source.read()
    except (OSError, ValueError) as error:  # ValueError: it is closed
        _refuse(name, "the file object cannot be read", ALLOWED_SOURCES, str(error))
    if not isinstance(content, (bytes, bytearray, memoryview)):
        _refuse(
            name,
            "the file object does not give bytes",
            'Open it with mode "rb"',
            f"type {type(content).__name__}",
        )
    return _stream(bytes(content), name, "0 bytes (a file object is read from where it stands)")


def _stream(content: bytes, name: str, received: str) -> IO[bytes]:
    if not content:
        _refuse(name, "there is nothing in it", "Give a whole image file", received)
    return io.BytesIO(content)


def _opened_path(source: str | os.PathLike, name: str) -> IO[bytes]:
    path = Path(os.fsdecode(source))
    if not os.fspath(source):
        _refuse(name or "<no name>", "the path is empty", "Give the path of a picture", "''")
    try:
        stream = open(path, "rb")
        if stream.seekable() and path.is_file() and path.stat().st_size > 0:
            return stream
        with stream:  # a pipe, or empty
            return _stream(stream.read(), name, "0 bytes")
    except UnreadableImage:  # ours: a ValueError too
        raise
    except FileNotFoundError:
        _refuse(name, "the file does not exist", "Give the path of a picture", _shown(name))
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        if path.is_dir():
            _refuse(name, "this is a folder", "Give the pictures in it one by one", _shown(name))
        why = getattr(error, "strerror", None) or str(error)
        _refuse(name, "the file cannot be opened", "Give the path of a picture", why)


def _shown(name: str) -> str:
    # The name and not the path: who gave another name may publish the message.
    hint = " (addresses are not fetched: download it first)" if "://" in name[:10] else ""
    return repr(name[:LONGEST_NAME]) + hint


def _identified(stream: IO[bytes], name: str) -> "Image.Image":
    """Return the image with its header read and nothing decoded.

    What `Image.open` does, but for its own limit on pixels: that one is a global setting, and
    neither may it refuse what our limit allows, nor is it ours to change.
    """
    from PIL import Image

    start = stream.read(16)
    tried: set[str] = set(REFUSED_FORMATS)
    for load_plugins in (Image.preinit, Image.init):  # the common formats, then all
        load_plugins()
        for image_format in [known for known in Image.ID if known not in tried]:
            tried.add(image_format)
            factory, accepts = Image.OPEN[image_format]
            answer = accepts(start) if accepts else True
            if not answer or isinstance(answer, str):  # text: known, but its decoder is missing
                continue
            try:
                stream.seek(0)
                return factory(stream, "")
            except (SyntaxError, IndexError, TypeError, struct.error):  # not this format after all
                continue
    _refuse(
        name,
        "this is not a picture in a format that can be read",
        "Give a JPEG, PNG, WebP, GIF, BMP or TIFF file",
        f"a file that starts with {start!r}",
    )


def _decoded(image: "Image.Image", limit: int, name: str) -> np.ndarray:
    _check_size(image.width, image.height, limit, name)
    image.load()
    _check_size(image.width, image.height, limit, name)  # icons know their size only now
    array = np.asarray(_as_rgb(_upright(image)))
    return np.ascontiguousarray(array)


def _upright(image: "Image.Image") -> "Image.Image":
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged EXIF block does not make the picture unreadable
        return image


def _as_rgb(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_scaled_to_8_bit(image)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        if image.mode == "La":  # there is no direct way from it to RGBA
            image = image.convert("LA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _scaled_to_8_bit(image: "Image.Image") -> np.ndarray:
    """Return a grey picture of more than 8 bits as (H, W) uint8, scaled and not cut off."""
    values = np.asarray(image, np.float32)
    if not np.isfinite(values).all():
        raise ValueError("pixels that are not numbers (NaN or infinite)")
    black, white = _black_and_white(image, float(values.min()), float(values.max()))
    return np.rint((values - black) * (255.0 / (white - black))).astype(np.uint8)


def _black_and_white(image: "Image.Image", least: float, most: float) -> tuple[float, float]:
    # 32-bit pictures do not say which values are black and white. Take the smallest customary
    # range that holds them all: 0 ... 1 (floats), 0 ... 255, 0 ... 65535; else their own range.
    if image.mode.startswith("I;16") or image.format in ("PNG", "PPM"):
        return 0.0, 65535.0
    tops = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    for top in tops:
        if 0 <= least and most <= top:
            return 0.0, top
    return least, max(most, least + 1.0)
