"""Records: what is written is what TensorFlow reads, and damage is noticed."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_dldl.data.records.tfrecord import Place, encode_jpeg, read_face, write_shard

FACES = [bytes(range(256)) * 40, b"", b"x" * 127]


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "00000-of-00001.tfrecord"
    return path, write_shard(FACES, path)


def test_tensorflow_reads_what_is_written(shard):
    path, _ = shard
    assert list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) == FACES


def test_tensorflow_writes_the_same_bytes(shard, tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for face in FACES:
            writer.write(face)
    assert (tmp_path / "theirs").read_bytes() == shard[0].read_bytes()


def test_places(shard):
    path, places = shard
    # A record is 12 bytes of head, the face, and 4 of tail.
    assert places == [Place(0, 10240), Place(10256, 0), Place(10272, 127)]
    with open(path, "rb") as stream:
        assert [read_face(stream, place) for place in reversed(places)] == FACES[::-1]


def test_a_checksum_by_hand(tmp_path):
    # CRC-32C of "123456789" is 0xE3069283 (RFC 3720); rotated by 15 bits, plus 0xA282EAD8.
    rotated = (0xE3069283 >> 15) | (0xE3069283 << 17) & 0xFFFFFFFF
    write_shard([b"123456789"], tmp_path / "a")
    tail = (tmp_path / "a").read_bytes()[-4:]
    assert int.from_bytes(tail, "little") == (rotated + 0xA282EAD8) % 2**32


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


def test_jpeg_is_near_the_image():
    y, x = np.mgrid[:64, :64]
    image = np.stack([x * 4, y * 4, 255 - x * 2 - y * 2], axis=-1).astype(np.uint8)
    again = np.asarray(Image.open(io.BytesIO(encode_jpeg(image))))
    assert np.abs(again.astype(int) - image).max() < 12


def test_a_failing_writer_leaves_no_file(tmp_path):
    def failing():
        yield from FACES
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_shard(failing(), tmp_path / "a.tfrecord")
    assert list(tmp_path.iterdir()) == []
