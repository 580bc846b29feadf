"""From image files to faces inside a TensorFlow graph, so that a server needs no other program.

Only operations of TensorFlow's core are used, which every server has. A file that cannot be decoded
raises an error inside a `tf.data` pipeline, which drops that row: the one way in which a graph can
go on after an operation has failed.
"""

from typing import Any

import tensorflow as tf

from keras_dldl.export.orientation import orientation, upright

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
