"""Damaged shards are named, refused or left out; what is left is a data set of its own."""

import hashlib
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from keras_dldl.data.pipeline import evaluation_dataset
from keras_dldl.data.prepared import PreparedData, PreparedFolder
from keras_dldl.data.records import integrity
from keras_dldl.data.records.integrity import check_records, damage_named, damaged_shards
from keras_dldl.errors import DataError
from keras_dldl.evaluation import PreparedFaces
from tests.data.records.sharded import write_shards
from tests.prepared_folders import write_folder

SECOND = "00001-of-00004.tfrecord"


@pytest.fixture
def folder(tmp_path):
    """12 training faces in three shards, 4 of validation in one."""
    return write_shards(tmp_path / "data", train=(5, 4, 3), val=(4,))


def shard(folder, name=SECOND):
    return folder / "faces" / name


def cut(path):
    path.write_bytes(path.read_bytes()[:100])


def cut_between_records(path):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little") + 16  # length, its CRC, data, its CRC
    path.write_bytes(content[:length])


def flip(path):
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(bytes(content))


def lengthen(path):
    path.write_bytes(path.read_bytes() + path.read_bytes())


DAMAGES = [
    (cut, "cut short"),
    (cut_between_records, "cut short"),
    (flip, "altered"),
    (lengthen, "altered"),
    (lambda path: path.unlink(), "missing"),
]
NAMES = ["cut", "cut between records", "flip", "lengthen", "missing"]


def test_sound_records_have_no_damage(folder):
    assert damaged_shards(PreparedFolder.open(folder)) == []


@pytest.mark.parametrize(("harm", "state"), DAMAGES, ids=NAMES)
def test_a_damaged_shard_is_named_with_expected_and_found(folder, harm, state):
    before = shard(folder).read_bytes()
    harm(shard(folder))
    (damage,) = damaged_shards(PreparedFolder.open(folder))
    assert (damage.shard, damage.state) == (shard(folder), state)
    if state == "missing":
        assert damage.expected == f"4 records, {len(before):,} bytes"
    elif harm is flip:
        assert damage.expected == f"SHA-256 {hashlib.sha256(before).hexdigest()}"
        assert damage.found == hashlib.sha256(shard(folder).read_bytes()).hexdigest()
    else:
        found = shard(folder).stat().st_size
        assert (damage.expected, damage.found) == (f"{len(before):,} bytes", f"{found:,}")


def test_only_the_splits_asked_for_are_looked_at(folder):
    flip(shard(folder))
    assert damaged_shards(PreparedFolder.open(folder), ["val", "test"]) == []


def test_fail_names_the_shards(folder):
    flip(shard(folder))
    with pytest.raises(DataError, match=f"again with the same.*Received: .*{SECOND}: altered"):
        check_records(PreparedData(folder), ["train"])


def test_skip_leaves_out_the_shard_and_its_rows(folder, caplog):
    whole = PreparedData(folder)
    wanted = whole.rows("train")["path"].drop(range(5, 9)).tolist()  # five, then the four damaged
    cut(shard(folder))
    data = PreparedData(folder)
    assert [of.state for of in check_records(data, ["train", "val"], "skip")] == ["cut short"]
    assert SECOND in caplog.text and "cut short" in caplog.text
    assert data.rows("train")["path"].tolist() == wanted
    assert data.left_out == [f"data/{SECOND}"]
    assert len(data.rows("val")) == 4
    kept = [path.name[:5] for path in data.records("train").shards]
    assert kept == ["00000", "00002"] and len(data.records("train")) == 8
    assert check_records(data, ["train"], "fail") == []  # what is left is sound


@pytest.mark.parametrize("limit", [2**30, 0], ids=["in memory", "streamed"])
def test_the_faces_that_are_left_are_those_of_the_rows(folder, monkeypatch, limit):
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", str(limit))
    cut(shard(folder))
    data = PreparedData(folder)
    check_records(data, ["train"], "skip")
    batches = evaluation_dataset(data, "train", input_size=32, batch_size=3)
    labels = np.concatenate([y[:, 0] for _, y in batches.as_numpy_iterator()])
    np.testing.assert_allclose(labels, data.rows("train")["label"])
    assert len(labels) == 8


def test_what_was_loaded_before_is_loaded_anew(folder):
    data = PreparedData(folder)

    def count():
        batches = evaluation_dataset(data, "train", input_size=32, batch_size=3)
        return sum(len(y) for _, y in batches)

    assert count() == 12
    data.leave_out([shard(folder)])
    assert count() == 8


def test_one_of_two_folders_loses_a_shard(folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    flip(shard(other))
    data = PreparedData(folder, other)
    check_records(data, ["train"], "skip")
    assert [len(part.rows("train")) for part in data.folders] == [12, 8]


def test_a_split_that_lost_all_its_shards(folder):
    cut(shard(folder, "00003-of-00004.tfrecord"))
    data = PreparedData(folder)
    check_records(data, ["train", "val"], "skip")
    with pytest.raises(DataError, match="no rows of split 'val'.*without 1 damaged shards"):
        data.rows("val")


def test_a_shard_of_several_splits_leaves_with_all_its_rows(tmp_path):
    splits = ["train", "val", "train", "test", "train", "val"]
    rows = pd.DataFrame({"path": list("abcdef"), "label": range(6), "split": splits})
    faces = [np.full((32, 32, 3), 40 * k, np.uint8) for k in range(6)]
    folder = write_folder(tmp_path / "data", rows, faces, shards=[3, 3])
    flip(shard(folder, "00001-of-00002.tfrecord"))
    data = PreparedData(folder)
    assert len(check_records(data, ["val"], "skip")) == 1
    left = {split: data.rows(split)["path"].tolist() for split in data.splits}
    assert left == {"train": ["a", "c"], "val": ["b"]}
    images, _ = next(iter(evaluation_dataset(data, "train", input_size=32, batch_size=3)))
    np.testing.assert_allclose(images[:, 0, 0, 0], [0, 80], atol=1)


def test_an_error_while_reading_names_the_shard(folder, monkeypatch):
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", "0")
    data = PreparedData(folder)
    epoch = evaluation_dataset(data, "train", input_size=32, batch_size=3)
    flip(shard(folder))
    with pytest.raises(DataError, match=f"{SECOND}: altered"), damage_named(data, ["train"]):
        list(epoch)
    with pytest.raises(ValueError, match="^other$"), damage_named(data, ["train"]):
        raise ValueError("other")


def test_an_unreadable_shard(folder, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(integrity, "sha256_of", refuse)
    states = {(of.state, of.found) for of in damaged_shards(PreparedFolder.open(folder))}
    assert states == {("unreadable", "Permission denied")}


def test_evaluation_refuses_a_damaged_split_and_no_other(folder):
    flip(shard(folder))
    data = PreparedData(folder)
    model = SimpleNamespace(grid=data.grid, alignment=data.alignment)
    assert PreparedFaces(folder, split="val").check(model) == []
    with pytest.raises(DataError, match=f"{SECOND}: altered"):
        PreparedFaces(folder, split="train").check(model)
