"""Fingerprints: what is kept of a face, in order, and what of one that cannot be decoded."""

import hashlib
import io

import numpy as np
from PIL import Image

from keras_dldl.data.leaks.fingerprints import AT_ONCE, fingerprint_all
from keras_dldl.data.records import encode_jpeg


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_small_picture_is_the_mean_of_blocks():
    grey = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    _, prints, _ = fingerprint_all([("a", png(grey))], 1)
    blocks = grey.reshape(32, 2, 32, 2).mean((1, 3))
    np.testing.assert_allclose(prints.thumbs[0], blocks, atol=1)  # Pillow rounds twice
    assert prints.sizes.tolist() == [[64, 64]]
    assert prints.digests == [hashlib.blake2b(png(grey), digest_size=16).digest()]


def test_a_large_jpeg_is_decoded_small_to_the_same_picture():
    smooth = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    large = np.asarray(Image.fromarray(smooth).resize((256, 256), Image.BICUBIC))
    _, prints, _ = fingerprint_all([(0, encode_jpeg(large)), (1, png(large))], 2)
    difference = prints.thumbs[0].astype(int) - prints.thumbs[1]
    assert np.abs(difference).max() <= 3 and prints.sizes.tolist() == [[256, 256]] * 2


def test_order_is_kept_over_chunks_and_a_bad_one_costs_no_other():
    shades = np.arange(AT_ONCE + 20) % 200
    faces = [(k, png(np.full((32, 32), shade, np.uint8))) for k, shade in enumerate(shades)]
    faces[3] = (3, b"")
    faces[AT_ONCE + 1] = (AT_ONCE + 1, b"no image")
    keys, prints, bad = fingerprint_all(iter(faces), len(faces))
    assert [key for key, _ in bad] == [3, AT_ONCE + 1] and all(why for _, why in bad)
    assert keys == [k for k in range(len(faces)) if k not in (3, AT_ONCE + 1)]
    assert len(prints) == len(keys) == len(prints.thumbs)
    np.testing.assert_array_equal(prints.thumbs[:, 5, 5], shades[keys])


def test_some_can_be_taken():
    faces = [(k, png(np.full((32, 32 + k), k, np.uint8))) for k in range(4)]
    _, prints, _ = fingerprint_all(faces, 4)
    some = prints.take(np.array([3, 1]))
    assert some.thumbs[:, 0, 0].tolist() == [3, 1] and some.sizes.tolist() == [[35, 32], [33, 32]]
    assert some.digests == [prints.digests[3], prints.digests[1]]
