"""Records read without TensorFlow against TensorFlow's own writer and reader."""

import struct

import numpy as np
import pytest

from keras_dldl.data.records import examples, tfrecord
from keras_dldl.data.records.tfrecord import Record, read_shards, write_shard
from keras_dldl.errors import DataError

RECORDS = [
    Record(bytes(range(256)) * 40, 31.5, -1.0, "a/Zoë 1.jpg"),
    Record(b"", 0.0, 0.25, ""),
    Record(b"x" * 127, 100.0, 1e-7, "b" * 300),
]


@pytest.fixture
def shard(tmp_path):
    write_shard(RECORDS, tmp_path / "train-00000.tfrecord")
    return tmp_path / "train-00000.tfrecord"


@pytest.mark.parametrize("checked", [True, False])
def test_it_reads_what_tensorflow_wrote(shard, checked):
    found = list(examples.read_examples(shard, checked))
    assert len(found) == 3
    for record, example in zip(RECORDS, found, strict=True):
        assert example["image"] == record.image
        assert example["path"].decode("utf-8") == record.path
        assert example["label"] == np.float32(record.label)
        assert example["sigma"] == np.float32(record.sigma)


def test_shards_are_the_same_with_and_without_tensorflow(shard, monkeypatch):
    (expected,) = read_shards([shard])
    monkeypatch.setattr(tfrecord, "is_installed", lambda package: False)
    (found,) = read_shards([shard])
    for one, other in zip(expected, found, strict=True):
        assert one.dtype == other.dtype and one.tolist() == other.tolist()
    ((labels,),) = read_shards([shard], ("label",))
    assert labels.tolist() == expected[1].tolist()


@pytest.mark.parametrize("place", [-6, 14, 40])
def test_a_changed_byte_is_noticed(shard, place):
    content = bytearray(shard.read_bytes())
    content[place] ^= 255
    shard.write_bytes(content)
    with pytest.raises(DataError, match="must be whole.*train-00000.tfrecord"):
        list(examples.read_examples(shard, checked=True))


def test_a_file_cut_short_gives_no_record(shard):
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DataError, match="there and whole"):
        next(examples.read_examples(shard))


def field(number, kind, content):
    size = bytes([len(content)]) if kind == 2 else b""
    return bytes([number << 3 | kind]) + size + content


def example_of(**features):
    pairs = b"".join(
        field(1, 2, field(1, 2, name.encode()) + field(2, 2, value))
        for name, value in features.items()
    )
    return field(1, 2, pairs)


def test_messages_by_hand():
    label = field(2, 2, field(1, 2, struct.pack("<f", 7.5)))
    unpacked = field(2, 2, field(1, 5, struct.pack("<f", 2.5)))
    text = field(1, 2, field(1, 2, b"abc"))
    whole = {"image": text, "label": label, "sigma": unpacked, "path": text}
    other = field(3, 2, field(1, 0, b"\x05"))  # a feature of whole numbers, which is not ours
    message = example_of(**whole, other=other) + field(9, 1, bytes(8)) + field(8, 0, b"\x80\x01")
    found = examples.parse_example(message)
    assert found == {"image": b"abc", "label": 7.5, "sigma": 2.5, "path": b"abc"}
    with pytest.raises(ValueError, match="no feature sigma"):
        examples.parse_example(example_of(image=text, label=label, path=text))


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_refused_and_nothing_else_happens(seed):
    rng = np.random.default_rng(seed)
    for size in (1, 7, 40, 200):
        with pytest.raises((ValueError, IndexError, struct.error)):
            examples.parse_example(rng.bytes(size))
