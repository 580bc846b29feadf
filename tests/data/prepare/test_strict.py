"""`strict`: nothing is left out; what is known early stops early, and no folder is spoilt."""

import dataclasses
import unicodedata

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_dldl.data.prepare import PrepareOptions, prepare, run
from keras_dldl.data.sources import CsvSource, UTKFace
from keras_dldl.data.sources.base import kinds_of
from keras_dldl.errors import DataError
from tests.prepared_folders import content

LAX = PrepareOptions(size=32, val=0, test=0, workers=1)
STRICT = dataclasses.replace(LAX, strict=True)
NAMES = [f"{age}_0_1_2017.jpg.chip.jpg" for age in (10, 20, 30, 40)]


@pytest.fixture(autouse=True)
def quick(no_faces, small_shards):
    small_shards(1)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "utk"
    folder.mkdir()
    for k, name in enumerate(NAMES):
        pixels = np.random.default_rng(k).integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def test_whole_data_are_prepared_to_the_same_files(root, tmp_path):
    prepare(UTKFace(), root, tmp_path / "lax", LAX)
    result = prepare(UTKFace(), root, tmp_path / "strict", STRICT)
    assert result.counts["train"] == 4
    assert content(tmp_path / "strict") == content(tmp_path / "lax")


def test_names_in_another_unicode_form_are_not_missing(root, tmp_path):
    (root / NAMES[0]).rename(root / unicodedata.normalize("NFD", "Zoë.jpg"))
    rows = [unicodedata.normalize("NFC", "Zoë.jpg"), str(root / NAMES[1])]
    table = "".join(f"{row},30\n" for row in rows)
    (tmp_path / "faces.csv").write_text(f"path,label\n{table}", encoding="utf-8")
    result = prepare(CsvSource(tmp_path / "faces.csv"), root, tmp_path / "out", STRICT)
    assert result.counts["train"] == 2
    manifest = pd.read_csv(tmp_path / "out" / "manifest.csv")
    assert set(manifest["path"]) == {rows[0], NAMES[1]}
    (tmp_path / "twice.csv").write_text(
        f"path,label\n{table}{unicodedata.normalize('NFD', rows[0])},31\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match="line 4: path occurs twice: .*; line 2 is kept"):
        prepare(CsvSource(tmp_path / "twice.csv"), root, tmp_path / "new", STRICT)


def test_a_row_without_a_path_is_named_by_its_line(root, tmp_path):
    (tmp_path / "faces.csv").write_text(f"path,label\n{NAMES[0]},30\n,40\n{NAMES[1]},50\n")
    with pytest.raises(DataError, match="Received: line 3: path is empty$"):
        prepare(CsvSource(tmp_path / "faces.csv"), root, tmp_path / "out", STRICT)
    (kind,) = kinds_of(
        prepare(CsvSource(tmp_path / "faces.csv"), root, tmp_path / "out", LAX).skipped
    )
    assert (kind.fault, kind.example) == ("path is empty", "line 3")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("61_1_2017.jpg.chip.jpg", "name is not age_gender_race"),
        ("116_0_0_2017.jpg.chip.jpg", r"label 116 is off the grid"),
    ],
)
def test_what_names_tell_stops_before_anything_is_written(root, tmp_path, name, reason):
    (root / NAMES[0]).rename(root / name)
    with pytest.raises(DataError, match=f"With --strict.*call without.*Received: {name}: {reason}"):
        prepare(UTKFace(), root, tmp_path / "out", STRICT)
    assert not (tmp_path / "out").exists()
    assert prepare(UTKFace(), root, tmp_path / "out", LAX).counts["train"] == 3


def test_missing_files_and_rows_left_out_stop_before_anything_is_written(root, tmp_path):
    listing = root / "labels.csv"
    listing.write_text("path,label\n" + "".join(f"{k}.jpg,10\n" for k in range(8)))
    with pytest.raises(
        DataError, match=r"0\.jpg: no such file; .*4\.jpg: no such file; and 3 more"
    ):
        prepare(CsvSource(listing), root, tmp_path / "out", STRICT)
    listing.write_text(f"path,label\n{NAMES[0]},10\n{NAMES[1]},old\n")
    with pytest.raises(DataError, match="line 3: label is not a number: 'old'"):
        prepare(CsvSource(listing), root, tmp_path / "out", STRICT)
    assert not (tmp_path / "out").exists()


def test_an_image_that_cannot_be_read_stops_and_a_lax_run_goes_on(root, tmp_path):
    (root / NAMES[2]).write_text("hello")
    out = tmp_path / "out"
    with pytest.raises(DataError, match=f"Received: {NAMES[2]}: "):
        prepare(UTKFace(), root, out, STRICT)
    assert not (out / "dataset.json").exists()
    done = {path: path.stat().st_mtime_ns for path in (out / "faces").glob("*")}
    assert 0 < len(done) < 4  # some came before the bad one, or this shows nothing
    result = prepare(UTKFace(), root, out, LAX)
    assert result.counts["train"] == 3 and [item.path for item in result.skipped] == [NAMES[2]]
    assert {path: path.stat().st_mtime_ns for path in done} == done
    prepare(UTKFace(), root, tmp_path / "whole", LAX)
    assert content(out) == content(tmp_path / "whole")


def test_what_a_lax_run_left_out_stops_before_the_rest_is_done(root, tmp_path, monkeypatch):
    (root / NAMES[2]).write_text("hello")
    prepare(UTKFace(), root, tmp_path / "out", LAX)
    before = content(tmp_path / "out")
    monkeypatch.setattr(run, "run_all", None)
    with pytest.raises(DataError, match=f"Received: {NAMES[2]}: "):
        prepare(UTKFace(), root, tmp_path / "out", STRICT)
    assert content(tmp_path / "out") == before
