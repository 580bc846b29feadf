"""Another split of prepared data: the files that `prepare` would have written, quickly."""

import dataclasses
import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_dldl.data.pipeline import evaluation_dataset
from keras_dldl.data.prepare import PrepareOptions, jobs, prepare, writer
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.sources import CsvSource
from keras_dldl.data.splits import resplit as module
from keras_dldl.data.splits.protocol import SplitOptions
from keras_dldl.data.splits.resplit import resplit
from keras_dldl.errors import DataError

OPTIONS = PrepareOptions(size=32, workers=1, crops=False)
COUNT = 60


class WholeImages:
    """Stands for the aligner: takes every image whole, so that a test need not wait."""

    def crops_of_largest(self, photos, size):
        return [(photo.pixels[:size, :size], None) for photo in photos]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(writer, "_aligner", lambda *_: WholeImages())
    monkeypatch.setattr(jobs, "ROWS_PER_SHARD", 8)
    small_shards = module.shards_of
    monkeypatch.setattr(module, "shards_of", lambda table: small_shards(table, 8))


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
def test_it_gives_what_prepare_gives(photos, tmp_path, choice):
    chosen = CHOICES[choice]
    data = prepared(photos, tmp_path / "data")
    before = content(data, without=())
    resplit(data, tmp_path / "a", SplitOptions(**chosen))
    prepared(photos, tmp_path / "b", dataclasses.replace(OPTIONS, **chosen))
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert content(data, without=()) == before
    assert len({*pd.read_csv(tmp_path / "a" / "manifest.csv")["split"]}) >= 2


def test_training_reads_the_same_faces(photos, tmp_path, monkeypatch):
    data = prepared(photos, tmp_path / "data")
    result = resplit(data, tmp_path / "out", SplitOptions(folds=3, fold=1, val=0.2))
    assert result.counts["test"] == 20 and sum(result.counts.values()) == COUNT

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


def test_a_split_of_a_split(photos, tmp_path):
    data = prepared(photos, tmp_path / "data")
    resplit(data, tmp_path / "a", SplitOptions(folds=4, fold=1))
    resplit(tmp_path / "a", tmp_path / "b", SplitOptions())
    assert content(tmp_path / "b") == content(data)


def test_a_killed_run_goes_on_at_any_moment(photos, tmp_path, monkeypatch):
    data, options = prepared(photos, tmp_path / "data"), SplitOptions(folds=3, fold=2)
    resplit(data, tmp_path / "whole", options)
    expected = content(tmp_path / "whole", without=())
    rename, out, moments = os.replace, tmp_path / "killed", 0
    for last in range(1, 100):
        left = [last]

        def replace(source, target, left=left):
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            rename(source, target)

        monkeypatch.setattr(os, "replace", replace)
        try:
            resplit(data, out, options)
        except KeyboardInterrupt:
            moments += 1
            assert not (out / "dataset.json").exists()
            with pytest.raises(DataError):
                PreparedData(out)
        else:
            break
    assert moments >= 5
    assert content(out, without=()) == expected


def test_another_call_into_the_same_folder_is_refused(photos, tmp_path):
    data = prepared(photos, tmp_path / "data")
    resplit(data, tmp_path / "out", SplitOptions(folds=3, fold=2))
    with pytest.raises(DataError, match="begun with other arguments: fold='2', now '1'$"):
        resplit(data, tmp_path / "out", SplitOptions(folds=3, fold=1))
    with pytest.raises(DataError, match="must be another folder than the data"):
        resplit(data, data, SplitOptions())
    with pytest.raises(DataError, match="begun by another command"):
        prepared(photos, tmp_path / "out")
    other = prepared(photos, tmp_path / "other", dataclasses.replace(OPTIONS, seed=1))
    with pytest.raises(DataError, match="begun by another command"):
        resplit(data, other, SplitOptions())


def test_prepared_data_that_changed_are_other_data(photos, tmp_path):
    data, options = prepared(photos, tmp_path / "data"), SplitOptions(folds=3, fold=2)
    resplit(data, tmp_path / "out", options)
    manifest = (data / "manifest.csv").read_text()
    (data / "manifest.csv").write_text(manifest.replace("7.png,7.0", "7.png,8.0"))
    with pytest.raises(DataError, match="the data set has other rows now"):
        resplit(data, tmp_path / "out", options)


def test_records_and_manifest_must_agree(photos, tmp_path):
    data = prepared(photos, tmp_path / "data")
    lines = (data / "manifest.csv").read_text().splitlines(keepends=True)
    assert lines[1].split(",")[3] == lines[2].split(",")[3]  # of one split
    (data / "manifest.csv").write_text("".join([lines[0], lines[2], lines[1], *lines[3:]]))
    with pytest.raises(DataError, match="same faces in the same order"):
        resplit(data, tmp_path / "a", SplitOptions(split="drawn"))
    (data / "manifest.csv").write_text("".join(lines[:1] + lines[2:]))
    with pytest.raises(DataError, match="records and .* rows of split"):
        resplit(data, tmp_path / "b", SplitOptions(split="drawn"))
    next((data / "records").glob("train*")).unlink()
    with pytest.raises(DataError, match="there and whole"):
        resplit(data, tmp_path / "c", SplitOptions(split="drawn"))
    assert not (tmp_path / "c").exists()


def test_what_is_not_prepared_data_is_refused(photos, tmp_path):
    with pytest.raises(DataError, match="not prepared data"):
        resplit(photos, tmp_path / "out", SplitOptions())


def test_official_splits_must_be_known(photos, tmp_path):
    table = pd.read_csv(photos / "labels.csv").drop(columns=["split", "fold"])
    table.to_csv(tmp_path / "labels.csv", index=False)
    source = CsvSource(tmp_path / "labels.csv")
    prepare(source, photos, tmp_path / "data", OPTIONS)
    with pytest.raises(DataError, match="column `official`. Received: columns path"):
        resplit(tmp_path / "data", tmp_path / "out", SplitOptions())
    with pytest.raises(DataError, match="--folds K"):
        resplit(tmp_path / "data", tmp_path / "out", SplitOptions(fold=1))
