"""Damaged shards are named, refused or left out; what a folder holds; faces written as files."""

import hashlib
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_dldl.data import integrity
from keras_dldl.data.integrity import (
    check_records,
    damage_named,
    damaged_shards,
    describe,
    extract,
    verify,
)
from keras_dldl.data.pipeline import evaluation_dataset
from keras_dldl.data.prepared import PreparedData, PreparedFolder
from keras_dldl.errors import DataError
from keras_dldl.evaluation import PreparedFaces
from tests.prepared_folders import write_folder, write_shards

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


def labels_of(data, split="train"):
    batches = evaluation_dataset(data, split, input_size=32, batch_size=3)
    return np.concatenate([y[:, 0] for _, y in batches.as_numpy_iterator()])


@pytest.mark.parametrize(
    ("harm", "state"),
    [
        (cut, "cut short"),
        (cut_between_records, "cut short"),
        (flip, "altered"),
        (lengthen, "altered"),
        (lambda path: path.unlink(), "missing"),
    ],
    ids=["cut", "cut between records", "flip", "lengthen", "missing"],
)
def test_a_damaged_shard_is_named_with_expected_and_found(folder, harm, state):
    opened, before = PreparedFolder.open(folder), shard(folder).read_bytes()
    assert damaged_shards(opened) == []
    harm(shard(folder))
    (damage,) = damaged_shards(opened)
    assert (damage.shard, damage.state) == (shard(folder), state)
    if state == "missing":
        told = f"4 records, {len(before):,} bytes", "no such file"
    elif harm is flip:
        found = hashlib.sha256(shard(folder).read_bytes()).hexdigest()
        told = f"SHA-256 {hashlib.sha256(before).hexdigest()}", found
    else:
        told = f"{len(before):,} bytes", f"{shard(folder).stat().st_size:,}"
    assert (damage.expected, damage.found) == told
    assert damaged_shards(opened, ["val", "test"]) == []  # it holds none of their faces


def test_an_unreadable_shard(folder, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(integrity, "sha256_of", refuse)
    states = {(of.state, of.found) for of in damaged_shards(PreparedFolder.open(folder))}
    assert states == {("unreadable", "Permission denied")}


@pytest.mark.parametrize("limit", [2**30, 0], ids=["in memory", "streamed"])
def test_skip_leaves_out_the_shard_and_its_rows(folder, monkeypatch, caplog, limit):
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", str(limit))
    data = PreparedData(folder)
    wanted = data.rows("train")["path"].drop(range(5, 9)).tolist()  # five, then the four damaged
    assert len(labels_of(data)) == 12  # what was loaded must be loaded again
    cut(shard(folder))
    with pytest.raises(DataError, match=f"again with the same.*Received: .*{SECOND}: cut short"):
        check_records(data, ["train"])
    assert [of.state for of in check_records(data, ["train", "val"], "skip")] == ["cut short"]
    assert SECOND in caplog.text and "cut short" in caplog.text
    assert data.rows("train")["path"].tolist() == wanted and len(data.rows("val")) == 4
    np.testing.assert_allclose(labels_of(data), data.rows("train")["label"])
    assert data.left_out == [f"data/{SECOND}"]
    kept = [path.name[:5] for path in data.records("train").shards]
    assert kept == ["00000", "00002"] and len(data.records("train")) == 8
    assert check_records(data, ["train"], "fail") == []  # what is left is sound


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


def test_evaluation_refuses_a_damaged_split_and_no_other(folder):
    flip(shard(folder))
    data = PreparedData(folder)
    model = SimpleNamespace(grid=data.grid, alignment=data.alignment)
    assert PreparedFaces(folder, split="val").check(model) == []
    with pytest.raises(DataError, match=f"{SECOND}: altered"):
        PreparedFaces(folder, split="train").check(model)


def test_every_face_is_compared_with_the_index(folder):
    table = pd.read_csv(folder / "faces" / "index.csv")
    sizes = [path.stat().st_size for path in (folder / "faces").glob("*.tfrecord")]
    totals = {"data": str(folder), "shards": 4, "records": 16, "bytes": sum(sizes)}
    whole = verify(folder)
    assert 0 <= whole.pop("seconds") < 60 and whole == {**totals, "bad": []}
    place = f"{table['bytes'][6]:,} bytes at {table['offset'][6] + 1:,}"
    table.loc[6, "offset"] += 1  # the second face of the second shard
    table.to_csv(folder / "faces" / "index.csv", index=False)
    shard(folder, "00002-of-00004.tfrecord").unlink()
    (moved, missing) = verify(folder)["bad"]
    assert moved == {
        "shard": SECOND,
        "state": "other records",
        "expected": f"train/1-1.jpg, {place}",
        "found": "no such record there",
    }
    assert (missing["shard"][:5], missing["state"]) == ("00002", "missing")


def test_what_a_folder_holds(folder):
    facts = describe(folder)
    table = pd.read_csv(folder / "faces" / "index.csv")
    assert facts["splits"]["train"] == {"faces": 12, "bytes": table["bytes"][:12].sum()}
    assert facts["splits"]["test"] == {"faces": 0, "bytes": 0}
    assert facts["size"] == 32 and facts["grid"]["stop"] == 100 and facts["faces"] == "."
    files = list((folder / "faces").glob("*.tfrecord"))
    assert facts["bytes"] == sum(path.stat().st_size for path in files) and facts["shards"] == 4
    json.dumps(facts, allow_nan=False)


@pytest.mark.parametrize("version", [1, 2, 4, None])
def test_another_format_is_refused_with_the_command_that_writes_it_again(folder, version):
    index = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**index, "format": version}))
    wanted = "of format 3; .*`keras-dldl prepare synthetic --root . --out NEW`.* of format"
    with pytest.raises(DataError, match=f"{wanted} {version}"):
        describe(folder)


@pytest.mark.parametrize("text", ["[]", "3", "not JSON"])
def test_a_foreign_index(folder, text):
    (folder / "dataset.json").write_text(text)
    with pytest.raises(DataError, match=r"not prepared data|of format None"):
        describe(folder)


@pytest.mark.parametrize(("split", "count"), [(None, 16), ("train", 12), ("val", 4)])
def test_every_face_is_written_under_its_path(folder, tmp_path, split, count):
    assert extract(folder, tmp_path / "out", split) == count
    rows = PreparedFolder.open(folder).rows(*[split] * (split is not None))
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert set(written) == {tmp_path / "out" / path for path in rows["path"]}
    for path, label in zip(rows["path"], rows["label"], strict=True):
        with Image.open(tmp_path / "out" / path) as image:
            # As they were drawn: the brighter the older, see `write_shards`.
            assert image.format == "JPEG"
            assert abs(np.asarray(image).mean() - np.clip(40 + 1.5 * label, 0, 255)) < 5


def test_a_split_without_faces_is_not_extracted(folder, tmp_path):
    with pytest.raises(DataError, match="There must be faces to write.*none of test"):
        extract(folder, tmp_path / "out", "test")
