"""What is kept of a face, and of one that cannot be decoded; what a model remembers of its own."""

import base64
import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from keras_dldl.data.leaks.fingerprints import (
    AT_ONCE,
    faces_seen,
    fingerprint_all,
    training_images,
)
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.records import encode_jpeg
from tests.evaluation.given import write_prepared


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


def data_at(folder, seed=0):
    write_prepared(folder, {"train": 5, "test": 4}, seed=seed)
    return PreparedData(folder)


def test_digests_are_those_of_the_stored_images(tmp_path):
    data = data_at(tmp_path)
    found = training_images(data)
    encoded = data.folders[0].records("train").read(range(5))
    expected = sorted(hashlib.blake2b(one, digest_size=16).digest()[:5] for one in encoded)
    assert base64.b64decode(found["digests"]) == b"".join(expected) and len(expected) == 5
    assert found["complete"] and json.loads(json.dumps(found)) == found


def test_only_images_that_were_trained_on_are_seen(tmp_path):
    data, other = data_at(tmp_path / "a"), data_at(tmp_path / "b", seed=3)
    remembered = training_images(data)
    assert faces_seen(remembered, data, "test") == set()
    assert faces_seen(remembered, other, "train") == set()
    both = PreparedData(tmp_path / "b", tmp_path / "a")
    paths = set(data.rows("train")["path"])
    assert faces_seen(remembered, both, "train") == {(1, path) for path in paths}


def test_a_model_that_started_from_another_remembers_its_images_too(tmp_path):
    first, second = data_at(tmp_path / "a"), data_at(tmp_path / "b", seed=3)
    both = training_images(second, training_images(first), from_start=True)
    assert len(base64.b64decode(both["digests"])) == 50 and both["complete"]
    assert len(faces_seen(both, first, "train")) == 5
    # A start that remembers nothing, as shipped models do, leaves the rest unknown.
    assert not training_images(second, None, from_start=True)["complete"]


@pytest.mark.parametrize(
    "card",
    [
        *(None, {}, {"digests": ""}, {"digests": "no base64"}, {"digests": 5}),
        {"digests": "AAAA", "complete": True},  # three bytes, and a digest has five
        *({"digests": ["AAAA"]}, ["digests"], "digests", 5),
    ],
)
def test_an_empty_or_damaged_card_remembers_nothing(tmp_path, card, monkeypatch):
    data = data_at(tmp_path)
    assert faces_seen(card, data, "train") is None
    afresh = training_images(data)
    assert training_images(data, card, from_start=True) == {**afresh, "complete": False}
    monkeypatch.setattr("keras_dldl.data.leaks.fingerprints.MOST_IMAGES", 4)
    assert training_images(data) == {"digests": "", "complete": False}
