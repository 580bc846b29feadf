"""`prepare --drop-leaks`: what goes, what stays, and runs that were killed on the way."""

import dataclasses
import shutil

import pandas as pd
import pytest
from PIL import Image

from keras_dldl.check import check
from keras_dldl.data.prepare import PrepareOptions, prepare, run, shards
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.sources import CsvSource
from keras_dldl.errors import DataError
from keras_dldl.faces.aligner import FoundFace
from keras_dldl.faces.alignment import MEAN_SHAPE
from keras_dldl.faces.face import Face
from tests.data.leaks.pictures import SIDE, copy_of, picture
from tests.prepared_folders import content

OPTIONS = PrepareOptions(size=SIDE, workers=1, drop_leaks=True)
# (name, picture, copy, split): 0 is in all parts, 1 in train and val, 2 in val and test, 3 twice in
# train, the rest once. Of 30 faces or more, chance would be measured, which takes long.
ROWS = [
    ("a.png", 0, None, "train"), ("b.png", 0, "mirrored", "val"), ("c.png", 0, None, "test"),
    ("d.png", 1, "resized", "train"), ("e.jpg", 1, None, "val"),
    ("f.png", 2, None, "val"), ("g.png", 2, "lightened", "test"),
    ("h.png", 3, None, "train"), ("i.png", 3, "saved anew", "train"),
] + [(f"{k}.png", k, None, "train") for k in range(4, 18)]  # fmt: skip
GONE = {
    "a.png": "the same picture is in test: c.png",
    "b.png": "the same picture is in test: c.png",
    "d.png": "the same picture is in val: e.jpg",
    "f.png": "the same picture is in test: g.png",
}


WHOLE = Face((0.0, 0.0, 9.0, 9.0), 3 * MEAN_SHAPE, 1.0)


class WholeImages:
    """Stands for the aligner: every image is its own crop."""

    def find(self, photos, size):
        return [[FoundFace(photo.pixels, WHOLE)] for photo in photos]


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "_aligner", lambda *_: WholeImages())
    monkeypatch.setattr(shards, "ROWS_PER_SHARD", 8)
    (tmp_path / "photos").mkdir()
    for name, number, kind, _ in ROWS:
        image = copy_of(picture(number), kind) if kind else picture(number)
        Image.fromarray(image).save(tmp_path / "photos" / name, quality=95)
    lines = [f"{name},{number},{split}" for name, number, _, split in ROWS]
    (tmp_path / "labels.csv").write_text("path,label,split\n" + "\n".join(lines) + "\n")
    return CsvSource(tmp_path / "labels.csv")


def test_a_picture_stays_in_the_part_held_out_most(source, tmp_path):
    out = tmp_path / "out"
    result = prepare(source, tmp_path / "photos", out, OPTIONS)
    assert {item.path: item.reason for item in result.skipped} == GONE
    assert result.counts == {"train": len(ROWS) - 6 - 1, "val": 1, "test": 2}
    skipped = pd.read_csv(out / "skipped.csv")
    assert dict(zip(skipped["path"], skipped["reason"], strict=True)) == GONE
    data = PreparedData(out)
    assert len(data.folders[0].manifest) == len(ROWS) - len(GONE)
    found = check(out).content
    assert found["leaking_faces"] == [] and found["counts"]["pairs_within_parts"]["train"] == 1
    before = content(out)
    times = {path: path.stat().st_mtime_ns for path in (out / "faces").glob("*.tfrecord")}
    again = prepare(source, tmp_path / "photos", out, OPTIONS)
    assert {item.path for item in again.skipped} == set(GONE) and content(out) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_without_the_option_all_stays(source, tmp_path):
    out, lax = tmp_path / "lax", dataclasses.replace(OPTIONS, drop_leaks=False)
    result = prepare(source, tmp_path / "photos", out, lax)
    assert sum(result.counts.values()) == len(ROWS)
    with pytest.raises(DataError, match="drop_leaks=False, now True"):
        prepare(source, tmp_path / "photos", out, OPTIONS)
    prepare(source, tmp_path / "photos", tmp_path / "out", OPTIONS)
    assert content(out / "faces") == content(tmp_path / "out" / "faces")


class Killed(BaseException):
    """Stands for a signal that ends the process at once."""


@pytest.mark.parametrize("step", ["find_leaks", "write_prepared"])
def test_a_run_killed_before_its_tables_goes_on_to_the_same_files(
    source, tmp_path, monkeypatch, step
):
    whole, out = tmp_path / "whole", tmp_path / "out"
    prepare(source, tmp_path / "photos", whole, OPTIONS)

    def die(*arguments):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(run, step, die)
        with pytest.raises(Killed):
            prepare(source, tmp_path / "photos", out, OPTIONS)
    assert not (out / "dataset.json").exists()
    prepare(source, tmp_path / "photos", out, OPTIONS)
    assert content(out) == content(whole)


def test_a_part_may_be_left_empty(source, tmp_path):
    lines = ["path,label,split", "a.png,0,train", "c.png,0,test", "b.png,0,val"]
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    result = prepare(source, tmp_path / "photos", tmp_path / "out", OPTIONS)
    assert result.counts == {"train": 0, "val": 0, "test": 1}
    data = PreparedData(tmp_path / "out")
    assert data.splits == ("test",) and len(data.records("train")) == 0
    shutil.rmtree(tmp_path / "out" / ".progress")  # not needed any more
    assert check(tmp_path / "out").content["counts"]["faces"] == 1
