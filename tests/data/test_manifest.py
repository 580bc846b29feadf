"""Manifests: what is read, and every way in which a row can be bad."""

import numpy as np
import pandas as pd
import pytest

from keras_dldl.data.manifest import read_manifest, write_manifest
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid


def write(folder, text):
    path = folder / "manifest.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_round_trip_keeps_columns_and_puts_the_known_ones_first(tmp_path):
    table = pd.DataFrame(
        {"gender": ["f", "m"], "label": [3.5, 80.0], "path": ["a b.jpg", "ü/c.jpg"], "subject": "7"}
    )
    write_manifest(table, tmp_path / "m.csv")
    again = read_manifest(tmp_path / "m.csv", LabelGrid.age())
    assert list(again.columns) == ["path", "label", "subject", "gender"]
    assert again["path"].tolist() == ["a b.jpg", "ü/c.jpg"]
    np.testing.assert_array_equal(again["label"], [3.5, 80.0])
    assert again["subject"].tolist() == ["7", "7"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.jpg,nan,,", "line 3: label is not a number"),
        ("a.jpg,,,", "line 3: label is not a number"),
        ("a.jpg,old,,", "label is not a number: 'old'"),
        ("a.jpg,101,,", "label 101 is off the grid 0...100"),
        ("a.jpg,-1,,", "label -1 is off the grid"),
        ("../a.jpg,5,,", "path leaves the root: '../a.jpg'"),
        ("/etc/a.jpg,5,,", "path leaves the root"),
        (",5,,", "line 3: path is empty"),
        ("a.jpg,5,-2,", "sigma must be a number >= 0"),
        ("a.jpg,5,,holdout", "split must be one of train, val, test: 'holdout'"),
        ("ok.jpg,5,,", "path occurs twice: 'ok.jpg'"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path, row, reason):
    path = write(tmp_path, f"path,label,sigma,split\nok.jpg,30,1.5,train\n{row}\n")
    with pytest.raises(DataError) as error:
        read_manifest(path, LabelGrid.age())
    assert reason in str(error.value)
    assert "1 bad row:" in str(error.value)


def test_many_bad_rows_are_counted(tmp_path):
    path = write(tmp_path, "path,label\n" + "".join(f"{k}.jpg,x\n" for k in range(25)))
    with pytest.raises(DataError, match="25 bad rows: line 2: .*and 15 more"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("path,age\na.jpg,3\n", "column missing: label.*Received: columns path, age"), ("", "CSV")],
)
def test_a_file_that_is_no_manifest(tmp_path, text, reason):
    with pytest.raises(DataError, match=reason):
        read_manifest(write(tmp_path, text))


def test_a_missing_file_and_a_binary_one(tmp_path):
    with pytest.raises(DataError, match="no manifest"):
        read_manifest(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="UTF-8 CSV"):
        read_manifest(tmp_path / "b.csv")
