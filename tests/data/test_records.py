"""Records: what is written is what is read, and a damaged shard is named."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_dldl.data.records import (
    NO_SIGMA,
    SCHEMA,
    Record,
    encode_jpeg,
    read_shards,
    schema_as_json,
    write_shard,
)
from keras_dldl.errors import DataError


def records(count=5):
    rng = np.random.default_rng(0)
    for k in range(count):
        image = np.full((16, 16, 3), rng.integers(0, 255, 3), np.uint8)
        yield Record(encode_jpeg(image), k + 0.5, NO_SIGMA if k % 2 else 1.25, f"ü {k}.jpg")


def test_round_trip(tmp_path):
    path = tmp_path / "train-00000-of-00001.tfrecord"
    assert write_shard(records(), path) == 5
    ((image, label, sigma, names),) = list(read_shards([path]))
    assert list(image) == [record.image for record in records()]
    assert label.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert sigma.tolist() == [1.25, -1, 1.25, -1, 1.25]
    assert [name.decode() for name in names] == [f"ü {k}.jpg" for k in range(5)]


def test_the_schema_is_the_documented_one(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(\w+)` \| (bytes|float) \|", page, re.MULTILINE))
    assert documented == {name: feature.kind for name, feature in SCHEMA.items()}
    path = tmp_path / "train-00000-of-00001.tfrecord"
    write_shard(records(1), path)
    (record,) = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    features = tf.train.Example.FromString(record).features.feature
    stored = {name: of.WhichOneof("kind").removesuffix("_list") for name, of in features.items()}
    assert stored == documented
    described = schema_as_json()
    assert described["version"] == 1
    assert {name: of["type"] for name, of in described["features"].items()} == documented


def test_jpeg_is_near_the_image():
    y, x = np.mgrid[:64, :64]
    image = np.stack([x * 4, y * 4, 255 - x * 2 - y * 2], axis=-1).astype(np.uint8)
    again = np.asarray(Image.open(io.BytesIO(encode_jpeg(image))))
    assert np.abs(again.astype(int) - image).max() < 12


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:60] + b"x" + b[61:]])
def test_a_damaged_shard_is_named(tmp_path, damage):
    path = tmp_path / "train-00000-of-00001.tfrecord"
    write_shard(records(), path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"must be whole.*train-00000-of-00001"):
        list(read_shards([path]))


def test_a_failing_writer_leaves_no_file(tmp_path):
    def failing():
        yield from records(2)
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_shard(failing(), tmp_path / "a.tfrecord")
    assert list(tmp_path.iterdir()) == []
