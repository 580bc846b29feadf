"""Frames: records copied byte for byte, as TensorFlow writes and reads them."""

import pytest
import tensorflow as tf

from keras_dldl.data.records.frames import copy_frames, frames_of
from keras_dldl.data.records.tfrecord import Record, write_shard
from keras_dldl.errors import DataError


def record(k):
    return Record(bytes([k]) * (1000 * k + 1), float(k), -1.0, f"people/{k}.jpg")


@pytest.fixture
def shards(tmp_path):
    paths = [tmp_path / "a.tfrecord", tmp_path / "b.tfrecord"]
    write_shard(map(record, (1, 2, 3)), paths[0])
    write_shard(map(record, (4, 5)), paths[1])
    return paths


def test_copies_are_what_tensorflow_would_have_written(shards, tmp_path):
    frames = [frame for path in shards for frame in frames_of(path)]
    order = [4, 1, 5, 3]
    names = [f"people/{k}.jpg" for k in order]
    copy_frames([frames[k - 1] for k in order], names, tmp_path / "copy")
    write_shard(map(record, order), tmp_path / "written")
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "written").read_bytes()
    assert len(list(tf.data.TFRecordDataset(str(tmp_path / "copy")))) == 4


def test_a_file_without_records_has_no_frames(tmp_path):
    write_shard([], tmp_path / "empty")
    assert frames_of(tmp_path / "empty") == []


@pytest.mark.parametrize("left", [1, 11, 12, 700, -1])
def test_a_file_cut_short_is_refused(shards, left):
    shards[0].write_bytes(shards[0].read_bytes()[:left])
    with pytest.raises(DataError, match=r"there and whole.*Received: .*a\.tfrecord"):
        frames_of(shards[0])


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"there and whole.*no\.tfrecord"):
        frames_of(tmp_path / "no.tfrecord")


def test_a_frame_of_another_face_is_noticed(shards, tmp_path):
    frames = frames_of(shards[0])
    with pytest.raises(DataError, match=r"another face for people/2\.jpg"):
        copy_frames(frames, ["people/2.jpg", "people/1.jpg", "people/3.jpg"], tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
