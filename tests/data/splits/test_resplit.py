"""Another split of prepared data: the rows that `prepare` would have written, of the same faces."""

import dataclasses
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_dldl.data.integrity import check_records
from keras_dldl.data.pipeline import evaluation_dataset
from keras_dldl.data.prepare import PrepareOptions, prepare, shards
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.sources import CsvSource
from keras_dldl.data.splits.protocol import SplitOptions
from keras_dldl.data.splits.resplit import resplit
from keras_dldl.errors import DataError, NoFaceFound
from keras_dldl.faces.alignment import Alignment

OPTIONS = PrepareOptions(size=32, workers=1)
COUNT = 60


class WholeImages:
    """Stands for the aligner: takes every image whole, so that a test need not wait."""

    alignment = Alignment()

    def find(self, photos, size):
        return [NoFaceFound("none") for _ in photos]


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shards, "_aligner", lambda *_: WholeImages())
        patched.setattr(shards, "ROWS_PER_SHARD", 8)
        yield


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Sixty pictures of twelve people, with a CSV file that has awkward texts."""
    root = tmp_path_factory.mktemp("photos")
    lines = ["path,label,sigma,subject,split,fold,note"]
    for k in range(COUNT):
        pixels = np.random.default_rng(k).integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(root / f"{k}.png")
        person = k % 12
        given = ("train", "test", "")[person % 3]
        sigma = "1.50" if k % 2 else ""
        lines.append(f'{k}.png,{k}.0,{sigma},{person:03d},{given},{person % 4 + 1},"0{k}, ""so"""')
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


def prepared(photos, out, options=OPTIONS):
    prepare(CsvSource(photos / "labels.csv"), photos, out, options)
    return out


@pytest.fixture(scope="module")
def kept(photos, tmp_path_factory):
    return prepared(photos, tmp_path_factory.mktemp("kept") / "data")


@pytest.fixture
def data(kept, tmp_path):
    """A prepared folder of one's own."""
    return shutil.copytree(kept, tmp_path / "data")


def content(folder, without=(".progress", "plan.json")):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not set(path.relative_to(folder).parts) & set(without)
    }


CHOICES = {
    "folds": {"folds": 4, "fold": 3, "val": 0.3},
    "own fold": {"fold": 2},
    "one person": {"leave_out": "007", "val": 0.2},
    "official": {"split": "official", "val": 0.3, "test": 0.3, "seed": 2},
    "official test": {"split": "official-test", "val": 0.3},
    "drawn": {"split": "drawn", "seed": 5, "val": 0.3, "test": 0.3},
}


@pytest.mark.parametrize("choice", CHOICES)
def test_it_gives_what_prepare_gives(photos, data, tmp_path, choice):
    chosen = CHOICES[choice]
    before = content(data, without=())
    resplit(data, tmp_path / "a", SplitOptions(**chosen))
    prepared(photos, tmp_path / "b", dataclasses.replace(OPTIONS, **chosen))
    manifests = [(tmp_path / name / "manifest.csv").read_bytes() for name in "ab"]
    assert manifests[0] == manifests[1]
    assert sorted(content(tmp_path / "a")) == ["dataset.json", "manifest.csv"]
    opened = [PreparedData(tmp_path / name) for name in "ab"]
    for name in ("source", "root", "grid", "size", "alignment", "split", "counts", "shards"):
        assert opened[0].folders[0].index[name] == opened[1].folders[0].index[name]
    assert content(data, without=()) == before
    assert len({*pd.read_csv(tmp_path / "a" / "manifest.csv")["split"]}) >= 2


def test_training_reads_the_same_faces(data, tmp_path, monkeypatch):
    counts = resplit(data, tmp_path / "out", SplitOptions(folds=3, fold=1, val=0.2))
    assert counts["test"] == 20 and sum(counts.values()) == COUNT

    def faces(folder):
        opened, found = PreparedData(folder), {}
        for split in opened.splits:
            paths = iter(opened.rows(split)["path"])
            for images, y in evaluation_dataset(opened, split, input_size=32, batch_size=7):
                faces = zip(images.numpy(), y.numpy().tolist(), strict=True)
                found |= {next(paths): (image.tobytes(), target) for image, target in faces}
        return found

    assert len(faces(data)) == COUNT
    assert faces(tmp_path / "out") == faces(data)
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", "0")  # from the files
    assert faces(tmp_path / "out") == faces(data)


def test_a_split_of_a_split(data, tmp_path):
    resplit(data, tmp_path / "a", SplitOptions(folds=4, fold=1))
    resplit(tmp_path / "a", tmp_path / "b", SplitOptions())
    assert (tmp_path / "b" / "manifest.csv").read_bytes() == (data / "manifest.csv").read_bytes()
    assert json.loads((tmp_path / "b" / "dataset.json").read_text())["faces"] == "../data"


def test_folders_that_move_together_and_apart(data, tmp_path):
    shutil.move(data, tmp_path / "x" / "data")
    data = tmp_path / "x" / "data"
    out = tmp_path / "x" / "splits" / "one"
    resplit(data, out, SplitOptions(folds=4, fold=1))
    (tmp_path / "x").rename(tmp_path / "y")
    moved = tmp_path / "y" / "splits" / "one"
    assert len(PreparedData(moved).records()) == COUNT
    (tmp_path / "link").symlink_to(moved)
    assert len(PreparedData(tmp_path / "link").records().read(range(COUNT))) == COUNT
    shutil.move(tmp_path / "y" / "data", tmp_path / "elsewhere")
    wanted = r"move them back, or split again. Received: .*one, whose faces were in .*\.\./data"
    with pytest.raises(DataError, match=wanted):
        PreparedData(moved)


def test_a_killed_run_goes_on_at_any_moment(data, tmp_path, monkeypatch):
    options = SplitOptions(folds=3, fold=2)
    resplit(data, tmp_path / "whole", options)
    expected = content(tmp_path / "whole", without=())
    rename = os.replace
    for moment in range(3):  # before the plan, the manifest, the index
        out, left = tmp_path / f"killed {moment}", [moment]

        def replace(source, target, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            rename(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", replace)
            with pytest.raises(KeyboardInterrupt):
                resplit(data, out, options)
        with pytest.raises(DataError):
            PreparedData(out)
        resplit(data, out, options)
        assert content(out, without=()) == expected


def test_another_call_into_the_same_folder_is_refused(photos, data, tmp_path):
    resplit(data, tmp_path / "out", SplitOptions(folds=3, fold=2))
    with pytest.raises(DataError, match="begun with other arguments: fold='2', now '1'$"):
        resplit(data, tmp_path / "out", SplitOptions(folds=3, fold=1))
    with pytest.raises(DataError, match="must be another folder than the data"):
        resplit(data, data, SplitOptions())
    with pytest.raises(DataError, match="not prepared data"):
        resplit(photos, tmp_path / "new", SplitOptions())
    with pytest.raises(DataError, match="begun by another command"):
        prepared(photos, tmp_path / "out")
    other = prepared(photos, tmp_path / "other", dataclasses.replace(OPTIONS, seed=1))
    with pytest.raises(DataError, match="begun by another command"):
        resplit(data, other, SplitOptions())


def test_prepared_data_that_changed_are_other_data(data, tmp_path):
    options = SplitOptions(folds=3, fold=2)
    resplit(data, tmp_path / "out", options)
    manifest = (data / "manifest.csv").read_text()
    (data / "manifest.csv").write_text(manifest.replace("7.png,7.0", "7.png,8.0"))
    with pytest.raises(DataError, match="the data set has other rows now"):
        resplit(data, tmp_path / "out", options)


def test_damage_is_no_matter_to_a_split_and_found_by_its_readers(data, tmp_path):
    next((data / "faces").glob("*.tfrecord")).unlink()
    resplit(data, tmp_path / "out", SplitOptions(split="drawn"))
    with pytest.raises(DataError, match="tfrecord: missing"):
        check_records(PreparedData(tmp_path / "out"), ["train"])


def test_official_splits_must_be_known(photos, tmp_path):
    table = pd.read_csv(photos / "labels.csv").drop(columns=["split", "fold"])
    table.to_csv(tmp_path / "labels.csv", index=False)
    source = CsvSource(tmp_path / "labels.csv")
    prepare(source, photos, tmp_path / "data", OPTIONS)
    with pytest.raises(DataError, match="column `official`. Received: columns path"):
        resplit(tmp_path / "data", tmp_path / "out", SplitOptions())
    with pytest.raises(DataError, match="--folds K"):
        resplit(tmp_path / "data", tmp_path / "out", SplitOptions(fold=1))
