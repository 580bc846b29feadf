"""Groups of images for a detector, bounded in number and pixels."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from keras_dldl.errors import ConfigError

Item = TypeVar("Item")

# As many images as the detector is given at once, and the decoded pixels that may wait in memory.
MOST_IMAGES = 32
MOST_PIXELS = 64_000_000


class Shaped(Protocol):
    """A `Photo`, or an array."""

    shape: tuple[int, ...]


def batched(
    pairs: Iterable[tuple[Item, Shaped | None]],
    most_images: int = MOST_IMAGES,
    most_pixels: int = MOST_PIXELS,
) -> Iterator[list[tuple[Item, Shaped | None]]]:
    """Gather a stream of images into batches, in order, reading no further than a batch needs.

    A batch ends with its `most_images`-th pair, or with the image that brings it to `most_pixels`;
    so it holds at most `most_pixels` and one image, however large the images are. The next batch is
    read while the caller still has this one, unless it lets go of it (`del batch`) first.

    Args:
        pairs: anything about an image, and the image: a `Photo`, which counts with all pixels of
            its file, as a crop may need them, or an array; None in place of an image (one that
            could not be read, say) counts as a pair without pixels.
        most_images: pairs in a batch, at least 1.
        most_pixels: height times width, summed over a batch, at least 1.

    Yields:
        Lists of one or more pairs, as they came.

    Raises:
        ConfigError: a bound is less than 1; at the call, not at the first batch.

    >>> [len(batch) for batch in batched([("a", None), ("b", None), ("c", None)], most_images=2)]
    [2, 1]
    """
    if most_images < 1 or most_pixels < 1:
        raise ConfigError(
            "`most_images` and `most_pixels` must be 1 or more. "
            f"Received: most_images={most_images}, most_pixels={most_pixels}"
        )
    return _batched(pairs, most_images, most_pixels)


def _batched(pairs, most_images: int, most_pixels: int):
    batch, pixels = [], 0
    for item, image in pairs:
        batch.append((item, image))
        pixels += 0 if image is None else image.shape[0] * image.shape[1]
        del image  # only the batch keeps it, and the batch's reader may let go of it
        if len(batch) >= most_images or pixels >= most_pixels:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch
