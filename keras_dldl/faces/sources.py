"""What `read_image` takes: its name in messages, and its bytes, whatever kind of thing it is."""

import io
import os
from collections.abc import Iterable, KeysView, Mapping, Set
from pathlib import Path
from typing import IO, Any

import numpy as np

from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.on_disk import as_on_disk
from keras_dldl.errors import UnreadableImage
from keras_dldl.faces.formats import refuse

BYTES = (bytes, bytearray, memoryview)
AS_BYTES = 'Open it with mode "rb"'
ALLOWED_SOURCES = (
    "An image must be a path, bytes, a binary file object, a PIL image, "
    "or a (H, W, 3) uint8 RGB array; several are a list of these, or a column of a table"
)
LONGEST_NAME = 300
LONGEST_PATH = 4096  # of Linux, in bytes


def image_name(source: Any) -> str:
    """Return what to call `source` in a message: its path, or what kind of thing it is.

    >>> image_name(b"abc")
    '<3 bytes>'
    """
    if isinstance(source, (str, os.PathLike)):
        path = os.fsdecode(source)
        return path if len(path) <= LONGEST_NAME else path[:LONGEST_NAME] + "..."
    if isinstance(source, BYTES):
        return f"<{len(source)} bytes>"
    if isinstance(source, np.ndarray):
        return f"<array {'x'.join(map(str, source.shape))}>"
    own = getattr(source, "filename", None) or getattr(source, "name", None)
    return own if isinstance(own, str) and own else f"<{type(source).__name__}>"


def is_pil_image(source: Any) -> bool:
    """Return whether `source` is an image of Pillow's."""
    # Without importing Pillow for an array: its images come from a module of this name.
    if type(source).__module__.partition(".")[0] == "PIL":
        return True
    from PIL import Image

    return isinstance(source, Image.Image)


def several_images(img: Any) -> Iterable[Any] | None:
    """Return the images that `img` is a number of, in order; None where it is one image.

    Several are a list or any other collection that has an order, a generator, a dictionary's keys
    or values, a one-dimensional array of paths, a column of a table, or a table of one column.

    Raises:
        UnreadableImage: it is several things, but it does not tell which, or in what order.

    >>> several_images(["a.jpg", "b.jpg"]), several_images(np.array([b"a.jpg"]))
    (['a.jpg', 'b.jpg'], ['a.jpg'])
    >>> several_images("a.jpg") is None
    True
    """
    if isinstance(img, (str, os.PathLike, *BYTES)) or hasattr(img, "read") or is_pil_image(img):
        return None
    if isinstance(img, (Mapping, Set)) and not isinstance(img, KeysView):
        wrong = f"a {type(img).__name__} does not tell which images are meant, in which order"
        allowed = "Give a list, such as list(images) or list(images.values())"
        refuse(f"<{type(img).__name__}>", wrong, allowed, f"{len(img)} entries")
    if hasattr(img, "columns") and len(getattr(img, "shape", ())) == 2:
        img = _only_column(img)
    if not hasattr(img, "shape"):
        return img if isinstance(img, Iterable) else None
    # An array, a tensor, a column of a table: no image has one dimension.
    kind = getattr(getattr(img, "dtype", None), "kind", "O")
    if kind in "biufc":
        return None
    if len(img.shape) == 2 and img.shape[1] == 1:
        img = [row[0] for row in img]
    elif len(img.shape) != 1:
        return None
    return list(map(_path_of, img)) if kind == "S" else img


def _only_column(table: Any) -> Any:
    names = list(table.columns)
    if len(names) != 1:
        shown = first_few([str(name) for name in names])
        wrong = "a table of several columns does not tell which one has the images"
        allowed = 'Give the one that does, such as table["path"]'
        refuse("<table>", wrong, allowed, f"type {type(table).__name__} with columns {shown}")
    return table[names[0]]


def _path_of(text: bytes) -> str | bytes:
    """Return the path that a cell of an array of bytes has; what is no path is a picture's file."""
    return text if b"\0" in text or len(text) > LONGEST_PATH else os.fsdecode(text)


def readable_again(source: Any, name: str) -> Any:
    """Return what can be read more than once: the bytes of a file object or pipe, or the source.

    Args:
        source: see `read_image`.
        name: what to call it in errors.

    Raises:
        UnreadableImage: the source is no image, or a file object that gives no bytes.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(os.fsdecode(source))
        if path.is_file() or path.is_dir() or not path.exists():
            return source
        with _opened_path(source, name) as pipe:
            return pipe.read()
    if isinstance(source, (*BYTES, np.ndarray)) or is_pil_image(source):
        return source
    if not hasattr(source, "read"):
        refuse(name, "this is not an image", ALLOWED_SOURCES, f"type {type(source).__name__}")
    if isinstance(source, io.TextIOBase):
        refuse(name, "the file is open as text", AS_BYTES, "a text file object")
    try:
        content = source.read()
    except (OSError, ValueError) as error:  # ValueError: it is closed
        refuse(name, "the file object cannot be read", ALLOWED_SOURCES, str(error))
    if not isinstance(content, BYTES):
        wrong = "the file object does not give bytes"
        refuse(name, wrong, AS_BYTES, f"type {type(content).__name__}")
    received = "0 bytes (a file object is read from where it stands)"
    return _stream(bytes(content), name, received).getvalue()


def opened(source: Any, name: str) -> IO[bytes]:
    """Return a seekable stream of the bytes of `source`, for use in a `with`."""
    source = readable_again(source, name)
    if isinstance(source, (str, os.PathLike)):
        return _opened_path(source, name)
    return _stream(bytes(source), name, "0 bytes")


def _stream(content: bytes, name: str, received: str) -> io.BytesIO:
    if not content:
        refuse(name, "there is nothing in it", "Give a whole image file", received)
    return io.BytesIO(content)


def _opened_path(source: str | os.PathLike, name: str) -> IO[bytes]:
    path = Path(os.fsdecode(source))
    if not os.fspath(source):
        refuse(name or "<no name>", "the path is empty", "Give the path of a picture", "''")
    try:
        stream = open(path, "rb")
        if stream.seekable() and path.is_file() and path.stat().st_size > 0:
            return stream
        with stream:  # a pipe, or empty
            return _stream(stream.read(), name, "0 bytes")
    except UnreadableImage:  # ours: a ValueError too
        raise
    except FileNotFoundError:
        there = as_on_disk(path)
        if there != os.fspath(path):
            return _opened_path(there, name)
        refuse(name, "the file does not exist", "Give the path of a picture", _shown(name))
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        if path.is_dir():
            remedy = (
                "Give the pictures in it one by one, or at the command line a folder with files "
                f"that end as pictures do, such as {name}/photo.jpg"
            )
            refuse(name, "this is a folder, and no picture was found in it", remedy, _shown(name))
        why = getattr(error, "strerror", None) or str(error)
        refuse(name, "the file cannot be opened", "Give the path of a picture", why)


def _shown(name: str) -> str:
    # The name and not the path: who gave another name may publish the message.
    hint = " (addresses are not fetched: download it first)" if "://" in name[:10] else ""
    return repr(name[:LONGEST_NAME]) + hint
