"""Records: the bytes that TensorFlow writes; faces by number, in any order; damage is noticed."""

import io

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from keras_dldl.data.records import (
    ImageFiles,
    Place,
    Records,
    encode_jpeg,
    read_face,
    write_shard,
)
from keras_dldl.errors import DataError

FACES = [bytes(range(256)) * 40, b"", b"x" * 127]
MANY = [f"face {k} ".encode() * k for k in range(20)]


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "00000-of-00001.tfrecord"
    return path, write_shard(FACES, path)


@pytest.fixture
def records(tmp_path):
    """Twenty faces in three shards, their rows in an order of their own."""
    rows = []
    for name, first, last in (("c", 0, 7), ("a", 7, 8), ("b", 8, 20)):
        rows += [(name, *place) for place in write_shard(MANY[first:last], tmp_path / name)]
    return Records.of_table(tmp_path, pd.DataFrame(rows, columns=["shard", "offset", "bytes"]))


def test_a_shard_is_what_tensorflow_writes(shard, tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for face in FACES:
            writer.write(face)
    path, places = shard
    assert (tmp_path / "theirs").read_bytes() == path.read_bytes()
    # A record is 12 bytes of head, the face, and 4 of tail.
    assert places == [Place(0, 10240), Place(10256, 0), Place(10272, 127)]
    with open(path, "rb") as stream:
        assert [read_face(stream, place) for place in reversed(places)] == FACES[::-1]


@pytest.mark.parametrize("byte", [0, 12, 5000, 10251, 10255])
def test_a_changed_byte_is_noticed(shard, byte):
    path, places = shard
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        read_face(io.BytesIO(content), places[0])
    assert read_face(io.BytesIO(content), places[2]) == FACES[2]


@pytest.mark.parametrize("place", [Place(0, 10239), Place(1, 10240), Place(10399, 127)])
def test_a_place_without_a_face(shard, place):
    with open(shard[0], "rb") as stream, pytest.raises(ValueError, match="checksum"):
        read_face(stream, place)


def test_a_file_cut_short_keeps_the_faces_before(shard):
    path, places = shard
    content = io.BytesIO(path.read_bytes()[:-1])
    assert [read_face(content, place) for place in places[:2]] == FACES[:2]
    with pytest.raises(ValueError, match="checksum"):
        read_face(content, places[2])


def test_a_failing_writer_leaves_no_file(tmp_path):
    def failing():
        yield from FACES
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_shard(failing(), tmp_path / "a.tfrecord")
    assert list(tmp_path.iterdir()) == []


def test_jpeg_is_near_the_image():
    y, x = np.mgrid[:64, :64]
    image = np.stack([x * 4, y * 4, 255 - x * 2 - y * 2], axis=-1).astype(np.uint8)
    again = np.asarray(Image.open(io.BytesIO(encode_jpeg(image))))
    assert np.abs(again.astype(int) - image).max() < 12


@pytest.mark.parametrize("numbers", [[], [3], [19, 0, 7, 8, 3], [5, 5, 12, 5], range(20)])
def test_any_choice_in_any_order(records, numbers):
    assert records.read(numbers) == [MANY[k] for k in numbers]
    assert records.read(np.array(numbers, np.int64)) == [MANY[k] for k in numbers]


def test_parts_are_all_faces_in_order(records, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_dldl.data.records.READ_AT_ONCE", 6)
    parts = list(records.parts())
    assert [len(part) for part in parts] == [6, 6, 6, 2] and sum(parts, []) == MANY
    none = Records.of_table(tmp_path, pd.DataFrame({"shard": [], "offset": [], "bytes": []}))
    assert len(none) == 0 and list(none.parts()) == []


def test_damage_names_the_file_and_costs_no_other_face(records, tmp_path):
    (tmp_path / "a").unlink()
    content = bytearray((tmp_path / "b").read_bytes())
    content[20] ^= 1  # in the first face
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(DataError, match=r"records verify`. Received: .*/a \(No such file"):
        records.read([3, 7])
    with pytest.raises(DataError, match=r"Received: .*/b \(a face does not fit its checksum\)"):
        records.read([9, 8])
    assert records.read([9, 3]) == [MANY[9], MANY[3]]


def test_image_files(tmp_path):
    (tmp_path / "x.png").write_bytes(b"x")
    (tmp_path / "y.png").write_bytes(b"y")
    images = ImageFiles([tmp_path / name for name in ("x.png", "y.png", "z.png")])
    assert len(images) == 3 and images.read([1, 0, 1]) == [b"y", b"x", b"y"]
    with pytest.raises(DataError, match=r"Received: .*z\.png \(No such file"):
        images.read([0, 2])
