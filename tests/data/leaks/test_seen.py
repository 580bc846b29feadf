"""What a model remembers of its training images, and faces recognised by it."""

import base64
import hashlib
import json

import pytest

from keras_dldl.data.leaks.fingerprints import faces_seen, training_images
from keras_dldl.data.prepared import PreparedData
from tests.evaluation.given import write_prepared


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
    [{"digests": "AAAA", "complete": True}, {"digests": ["AAAA"]}, ["digests"], "digests", 5],
)
def test_a_damaged_card_remembers_nothing(tmp_path, card):
    data = data_at(tmp_path)  # "AAAA" are three bytes, and a digest has five
    assert faces_seen(card, data, "train") is None
    afresh = training_images(data)
    assert training_images(data, card, from_start=True) == {**afresh, "complete": False}


def test_a_model_that_remembers_nothing(tmp_path, monkeypatch):
    data = data_at(tmp_path)
    for remembered in (None, {}, {"digests": ""}, {"digests": "no base64"}, {"digests": 5}):
        assert faces_seen(remembered, data, "train") is None
    monkeypatch.setattr("keras_dldl.data.leaks.fingerprints.MOST_IMAGES", 4)
    assert training_images(data) == {"digests": "", "complete": False}
