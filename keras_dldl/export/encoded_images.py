"""From image files to faces inside a TensorFlow graph, so that a server needs no other program.

Only operations of TensorFlow's core are used, which every server has. A file that cannot be decoded
raises an error inside a `tf.data` pipeline, which drops that row: the one way in which a graph can
go on after an operation has failed.
"""

from typing import Any

import tensorflow as tf

# What became of an image, by number; the strings are part of the contract with clients.
STATUSES = ("ok", "not a JPEG or PNG image", "damaged", "too large", "too small")
OK, UNKNOWN, DAMAGED, TOO_LARGE, TOO_SMALL = range(len(STATUSES))

# Read from the header, before memory is taken. A row of the longest side takes 80 MB to resize.
MAX_PIXELS = 2**25
MAX_SIDE = 2**15
MIN_SIDE = 2
IMAGES_AT_ONCE = 16

JPEG = b"\xff\xd8\xff"
PNG = b"\x89PNG\r\n\x1a\n"

# An EXIF block is at most 64 KiB long and is at the beginning, after at most a few others.
BYTES_READ = 2**18
TAG = 0x0112  # "Orientation", 1 ... 8
MOST_ENTRIES = 512
MOST_SEGMENTS = 128  # else a file made of empty ones would hold the server up
NOWHERE = -1


def decode_faces(encoded: Any, size: int) -> tuple[Any, Any]:
    """Decode, turn upright and resize a batch of image files.

    As `faces.images.read_image` and `Alignment.whole` do: transparency lies over white, the sides
    are squeezed to a square by smoothed cubic interpolation.

    Args:
        encoded: (B,) strings, JPEG or PNG files.
        size: S, the side to resize to.

    Returns:
        (B, S, S, 3) uint8 RGB, black where an image failed; and (B,) int32, indices of `STATUSES`.
    """
    count = tf.shape(encoded)[0]
    blank = tf.zeros((size, size, 3), tf.uint8)

    def row(index, file):
        return (index, *_face(file, size))

    rows = tf.data.Dataset.from_tensor_slices((tf.range(count), encoded))
    rows = rows.map(row, num_parallel_calls=IMAGES_AT_ONCE, deterministic=False).ignore_errors()
    # One row more, so that the only batch is never empty.
    last = tf.data.Dataset.from_tensors((count, blank, DAMAGED))
    batch = rows.concatenate(last).batch(tf.cast(count, tf.int64) + 1)
    options = tf.data.Options()  # without what is tuned over many batches: here there is one
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    index, faces, status = batch.with_options(options).get_single_element()
    index = index[:, None]
    faces = tf.scatter_nd(index, faces, [count + 1, size, size, 3])
    status = tf.tensor_scatter_nd_update(tf.fill([count + 1], DAMAGED), index, status)
    return faces[:count], status[:count]


def _face(file: Any, size: int) -> tuple[Any, Any]:
    """Return (S, S, 3) uint8 and the status of one file; raise where it is damaged."""
    is_png = tf.equal(tf.strings.substr(file, 0, len(PNG)), PNG)
    is_jpeg = tf.equal(tf.strings.substr(file, 0, len(JPEG)), JPEG)

    def known():
        status = _size_status(*tf.cond(is_png, lambda: _png_size(file), lambda: _jpeg_size(file)))
        return tf.cond(tf.equal(status, OK), decoded, lambda: (blank(), status))

    def decoded():
        pixels = tf.cond(is_png, lambda: _png_pixels(file), lambda: _jpeg_pixels(file))
        return upright(resized(pixels, size), orientation(file)), tf.constant(OK)

    def blank():
        return tf.zeros((size, size, 3), tf.uint8)

    face, status = tf.cond(is_png | is_jpeg, known, lambda: (blank(), tf.constant(UNKNOWN)))
    return tf.ensure_shape(face, (size, size, 3)), status


def _size_status(width: Any, height: Any) -> Any:
    is_large = (width > MAX_SIDE) | (height > MAX_SIDE) | (width * height > MAX_PIXELS)
    is_small = (width < MIN_SIDE) | (height < MIN_SIDE)
    return tf.where(is_large, TOO_LARGE, tf.where(is_small, TOO_SMALL, OK))


def _jpeg_size(file: Any) -> tuple[Any, Any]:
    height, width, _ = tf.unstack(tf.image.extract_jpeg_shape(file, output_type=tf.int32))
    return tf.cast(width, tf.int64), tf.cast(height, tf.int64)


def _png_size(file: Any) -> tuple[Any, Any]:
    # The first chunk is the header, IHDR: width and height, 4 bytes each, after 16 others.
    values = tf.cast(tf.io.decode_raw(tf.strings.substr(file, 16, 8), tf.uint8), tf.int64)
    width, height = tf.unstack(
        tf.reduce_sum(tf.reshape(values, (2, 4)) * [2**24, 2**16, 2**8, 1], 1)
    )
    return width, height


def _jpeg_pixels(file: Any) -> Any:
    # The method that other decoders take; TensorFlow's own choice is coarser by a level or two.
    return tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE")


def _png_pixels(file: Any) -> Any:
    """Return (H, W, 3) uint8, what is transparent laid over white."""
    pixels = tf.io.decode_png(file, channels=4)
    colours, alpha = pixels[..., :3], pixels[..., 3:]

    def over_white():
        # In 16 bits: 255 * 255 + 127 fits, and floats would take twice the memory.
        a, c = tf.cast(alpha, tf.uint16), tf.cast(colours, tf.uint16)
        return tf.cast((c * a + (255 - a) * 255 + 127) // 255, tf.uint8)

    return tf.cond(tf.reduce_all(tf.equal(alpha, _opaque(file))), lambda: colours, over_white)


def _opaque(file: Any) -> Any:
    """Return the alpha that the decoder adds where a PNG file has none, scalar uint8."""
    # It is meant as 255, but libpng adds it before grey and palette pixels of 1, 2 or 4 bits grow.
    bits = tf.cast(tf.io.decode_raw(tf.strings.substr(file, 24, 1), tf.uint8)[0], tf.int32)
    return tf.cast(tf.bitwise.left_shift(1, tf.minimum(bits, 8)) - 1, tf.uint8)


def resized(pixels: Any, size: int) -> Any:
    """Resize (H, W, 3) uint8 to (size, size, 3) uint8 by smoothed cubic interpolation."""

    def resize():
        # Not `tf.image.resize`, which first makes floats of all pixels: four times the memory.
        small = tf.raw_ops.ScaleAndTranslate(
            images=pixels[None],
            size=[size, size],
            scale=tf.cast(size, tf.float32) / tf.cast(tf.shape(pixels)[:2], tf.float32),
            translation=tf.zeros([2]),
            kernel_type="keyscubic",
            antialias=True,
        )
        return tf.cast(tf.clip_by_value(tf.round(small[0]), 0.0, 255.0), tf.uint8)

    is_right = tf.reduce_all(tf.equal(tf.shape(pixels)[:2], size))
    return tf.cond(is_right, lambda: pixels, resize)


class _Bytes:
    """Whole numbers at places in a string of bytes; what lies outside is 0."""

    def __init__(self, encoded: Any):
        head = tf.strings.substr(encoded, 0, BYTES_READ)
        values = tf.cast(tf.io.decode_raw(head, tf.uint8), tf.int64)
        self.size = tf.size(values, tf.int64)
        self.values = tf.concat([values, tf.zeros([1], tf.int64)], 0)

    def at(self, place: Any) -> Any:
        outside = (place < 0) | (place >= self.size)
        return tf.gather(self.values, tf.where(outside, self.size, place))

    def number(self, place: Any, length: int, little_endian: Any = False) -> Any:
        parts = [self.at(place + k) for k in range(length)]
        big = sum(part * 256 ** (length - 1 - k) for k, part in enumerate(parts))
        little = sum(part * 256**k for k, part in enumerate(parts))
        return tf.where(little_endian, little, big)

    def spell(self, place: Any, text: bytes) -> Any:
        return tf.equal(self.number(place, len(text)), int.from_bytes(text, "big"))


def orientation(encoded: Any) -> Any:
    """Return EXIF's orientation of a JPEG or PNG file, scalar int64, 1 ... 8.

    EXIF is a TIFF header and a table of entries, held in the segment APP1 of a JPEG file or in the
    chunk eXIf of a PNG file. Nothing here can fail: a damaged block, as none, means 1, upright.
    """
    content = _Bytes(encoded)
    is_png = content.spell(tf.constant(0, tf.int64), b"\x89PNG")
    start = tf.cond(is_png, lambda: _in_png(content), lambda: _in_jpeg(content))
    return tf.cond(start > 0, lambda: _in_tiff(content, start), lambda: tf.ones((), tf.int64))


def upright(face: Any, turn: Any) -> Any:
    """Turn a square picture, (S, S, 3), as its orientation, scalar int64, 1 ... 8, says.

    Turning a square after resizing gives what resizing after turning does.
    """

    def is_any(*turns: int) -> Any:
        return tf.reduce_any(tf.equal(turn, tf.constant(turns, tf.int64)))

    face = tf.cond(is_any(5, 6, 7, 8), lambda: tf.transpose(face, [1, 0, 2]), lambda: face)
    face = tf.cond(is_any(2, 3, 6, 7), lambda: face[:, ::-1], lambda: face)
    return tf.cond(is_any(3, 4, 7, 8), lambda: face[::-1], lambda: face)


def _in_jpeg(content: _Bytes) -> Any:
    """Return where the TIFF header begins, or `NOWHERE`."""

    def is_exif(place):
        return content.spell(place, b"\xff\xe1") & content.spell(place + 4, b"Exif\0\0")

    def goes_on(place):
        # Segments before the pixels: a marker 0xFF.., not the start of scan, and a length.
        is_marker = tf.equal(content.at(place), 0xFF) & ~content.spell(place, b"\xff\xda")
        return is_marker & ~is_exif(place)

    def further(place):
        is_padding = tf.equal(content.at(place + 1), 0xFF)
        return place + tf.where(is_padding, tf.ones_like(place), 2 + content.number(place + 2, 2))

    place = _walked(goes_on, further, 2)
    return tf.where(is_exif(place), place + 10, NOWHERE)


def _in_png(content: _Bytes) -> Any:
    """Return where the TIFF header begins, or `NOWHERE`."""

    def is_exif(place):
        return content.spell(place + 4, b"eXIf")

    def goes_on(place):
        return (place < content.size) & ~is_exif(place)

    def further(place):
        return place + 12 + content.number(place, 4)  # length, name, content, checksum

    place = _walked(goes_on, further, 8)
    return tf.where(is_exif(place), place + 8, NOWHERE)


def _walked(goes_on: Any, further: Any, start: int) -> Any:
    begin = [tf.constant(start, tf.int64)]
    return tf.while_loop(goes_on, further, begin, maximum_iterations=MOST_SEGMENTS)[0]


def _in_tiff(content: _Bytes, start: Any) -> Any:
    """Return the orientation from the TIFF header at `start`; 1 where it has none."""
    little = content.spell(start, b"II")
    table = start + content.number(start + 4, 4, little)
    count = tf.minimum(content.number(table, 2, little), MOST_ENTRIES)
    entries = table + 2 + 12 * tf.range(count)
    is_ours = tf.equal(content.number(entries, 2, little), TAG)
    values = tf.boolean_mask(content.number(entries + 8, 2, little), is_ours)
    value = tf.concat([tf.ones([1], tf.int64), values], 0)[-1]
    return tf.where((value >= 1) & (value <= 8), value, tf.ones_like(value))
