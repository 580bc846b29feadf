"""Groups of images small enough to be held in memory together."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from keras_dldl.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

Item = TypeVar("Item")

# As many images as the detector is given at once, and the decoded pixels that may wait in memory.
MOST_IMAGES = 32
MOST_PIXELS = 64_000_000


def groups(
    pairs: Iterable[tuple[Item, "np.ndarray | None"]],
    most_images: int = MOST_IMAGES,
    most_pixels: int = MOST_PIXELS,
) -> Iterator[list[tuple[Item, "np.ndarray | None"]]]:
    """Gather a stream of images into groups, in order, reading no further than a group needs.

    A group ends with its `most_images`-th pair, or with the image that brings it to `most_pixels`;
    so it holds at most `most_pixels` and one image, however large the images are. The next group is
    read while the caller still has this one, unless it lets go of it (`del group`) first.

    Args:
        pairs: anything about an image, and the image, (H, W, ...); None in place of an image (one
            that could not be read, say) counts as a pair without pixels.
        most_images: pairs in a group, at least 1.
        most_pixels: height times width, summed over a group, at least 1.

    Yields:
        Lists of one or more pairs, as they came.

    Raises:
        ConfigError: a bound is less than 1; at the call, not at the first group.

    >>> [len(group) for group in groups([("a", None), ("b", None), ("c", None)], most_images=2)]
    [2, 1]
    """
    if most_images < 1 or most_pixels < 1:
        raise ConfigError(
            "`most_images` and `most_pixels` must be 1 or more. "
            f"Received: most_images={most_images}, most_pixels={most_pixels}"
        )
    return _groups(pairs, most_images, most_pixels)


def _groups(pairs, most_images: int, most_pixels: int):
    group, pixels = [], 0
    for item, image in pairs:
        group.append((item, image))
        pixels += 0 if image is None else image.shape[0] * image.shape[1]
        del image  # only the group keeps it, and the group's reader may let go of it
        if len(group) >= most_images or pixels >= most_pixels:
            yield group
            group, pixels = [], 0
    if group:
        yield group
