"""Groups of images: bounded by number and by pixels, in order, read no further than needed."""

import gc
import weakref

import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.faces.batches import batched


def picture(height, width):
    return np.zeros((height, width, 3), np.uint8)


def names(found):
    return ["".join(name for name, _ in group) for group in found]


def test_bounded_by_number_whether_or_not_there_is_an_image():
    pairs = [(name, picture(2, 2) if name in "ace" else None) for name in "abcdefg"]
    found = list(batched(pairs, most_images=3, most_pixels=100))
    assert names(found) == ["abc", "def", "g"]
    assert [pair for group in found for pair in group] == pairs


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ([5, 5, 5, 5], ["abcd"]),  # 100 pixels: full
        ([5, 5, 5, 5, 1], ["abcd", "e"]),
        ([9, 9, 1], ["ab", "c"]),
        ([40, 1, 40], ["a", "bc"]),
        ([], []),
    ],
)
def test_bounded_by_pixels(sides, expected):
    pairs = ((name, picture(side, side)) for name, side in zip("abcde", sides, strict=False))
    assert names(batched(pairs, most_images=9, most_pixels=100)) == expected


def test_no_more_is_read_than_a_group_needs_and_nothing_is_kept():
    read, alive_at_reading = [], []

    def stream():
        for k in range(6):
            gc.collect()
            alive_at_reading.append(sum(one() is not None for one in read))
            image = picture(3, 3)
            read.append(weakref.ref(image))
            yield k, image
            del image

    for group in batched(stream(), most_images=2):  # `enumerate` would hold on to the group
        assert len(read) % 2 == 0 and group[-1][0] == len(read) - 1
        del group
    assert alive_at_reading == [0, 1] * 3


@pytest.mark.parametrize("bounds", [{"most_images": 0}, {"most_pixels": 0}])
def test_bounds_below_one(bounds):
    with pytest.raises(ConfigError, match="1 or more. Received: most_images="):
        batched([], **bounds)
