"""Manifests: what is read, and every way in which a row can be bad."""

import numpy as np
import pandas as pd
import pytest

from keras_dldl.data.manifest import (
    line_number,
    read_manifest,
    row_problems,
    usable_rows,
    write_manifest,
)
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
        ("a.jpg,,,", "line 3: label is not a number: it is empty"),
        ("a.jpg,old,,", "label is not a number: 'old'"),
        ("a.jpg,101,,", "label 101 is off the grid 0...100"),
        ("a.jpg,-1,,", "label -1 is off the grid"),
        ("../a.jpg,5,,", "path leaves the root: '../a.jpg'"),
        ("/etc/a.jpg,5,,", "path leaves the root"),
        (",5,,", "line 3: path is empty"),
        ("a.jpg,5,-2,", "sigma must be a number >= 0"),
        ("a.jpg,5,,holdout", "split must be one of train, val, test: 'holdout'"),
        ("ok.jpg,5,,", "path occurs twice: 'ok.jpg'"),
        ("a.jpg,inf,,", "line 3: label is not a number: 'inf'"),
        ("a.jpg,5,-inf,", "sigma must be a number >= 0"),
        ("a.jpg,5,inf,", "sigma must be a number >= 0 or empty: 'inf'"),
        ("a.jpg,NA,,", "label is not a number: 'NA'"),
        ("a.jpg", "line 3: label is not a number"),
        ("./ok.jpg,5,,", "line 3: path occurs twice: 'ok.jpg'"),
        ("a.jpg,5,,train,x", "line 3: 5 fields where the header has 4"),
        ("a.jpg,34,5,2,train", "line 3: 5 fields where the header has 4 (decimal commas need quot"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path, row, reason):
    path = write(tmp_path, f"path,label,sigma,split\nok.jpg,30,1.5,train\n{row}\n")
    with pytest.raises(DataError) as error:
        read_manifest(path, LabelGrid.age())
    assert reason in str(error.value)
    assert "1 bad row to correct or remove. Received: line 3" in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path,age\na.jpg,3\n", r"column missing: label.*Received: path \| age"),
        ("path,label,label\na.jpg,20,30\n", "column there twice: label"),
        ("", "an empty file"),
        ("\n\n", "an empty file"),
        ('path,label\na.jpg,20\n"b.jpg,30\nc.jpg,40\n', "line 3: .*unexpected end of data"),
        ('path,label\n"a"b.jpg,20\n', "line 2: .*expected after"),
        ("path,label\na.jpg,20,x\n", "line 2: 3 fields where .* 2$"),
        ("path,label\na.jpg,20,,x\n", "line 2: 4 fields where .* 2$"),
        ("path,label\nb.jpg,30\na.jpg,20,x,y\n", "line 3: 4 fields where .* 2$"),
        (
            "path,label\n" + "".join(f"{k}.jpg,x\n" for k in range(25)),
            "25 bad rows .*Received: line 2: .*and 15 more",
        ),
    ],
)
def test_a_file_that_is_no_manifest(tmp_path, text, reason):
    with pytest.raises(DataError, match=reason):
        read_manifest(write(tmp_path, text))


def test_a_missing_file_and_a_binary_one(tmp_path):
    with pytest.raises(DataError, match="there and readable.*none.csv"):
        read_manifest(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="text in UTF-8.*b.csv, which is a binary"):
        read_manifest(tmp_path / "b.csv")


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        # Blanks around names do not matter, and paths are as short as they can be.
        (
            "path, label ,\tgroup\n./a//b.jpg,30,x\n",
            {"path": ["a/b.jpg"], "label": [30.0], "group": ["x"]},
        ),
        # A delimiter within the fields is none.
        (
            "path,label\na;b.jpg,20\nc;d e.jpg,30\n",
            {"path": ["a;b.jpg", "c;d e.jpg"], "label": [20.0, 30.0]},
        ),
        # Rows may lack their last cells; NA is a name and a text like any other.
        (
            "path,label,sigma,gender\nNA,20\nnan,30,1,NA\n",
            {
                "path": ["NA", "nan"],
                "label": [20.0, 30.0],
                "sigma": [None, 1.0],
                "gender": [None, "NA"],
            },
        ),
        # Numbers in further columns are numbers.
        (
            "path,label,age_group,fold,empty,subject\na.jpg,20,3,1.5,,07\nb.jpg,30,4,,,null\n",
            {
                "path": ["a.jpg", "b.jpg"],
                "label": [20.0, 30.0],
                "subject": ["07", "null"],
                "age_group": [3, 4],
                "fold": [1.5, None],
                "empty": [None, None],
            },
        ),
        ("path,label,sigma\n", {"path": [], "label": [], "sigma": []}),
    ],
)
def test_what_is_read(tmp_path, text, columns):
    table = read_manifest(write(tmp_path, text))
    found = {
        name: [None if pd.isna(value) else value for value in table[name].tolist()]
        for name in table
    }
    assert {name: repr(values) for name, values in found.items()} == {
        name: repr(values) for name, values in columns.items()
    }
    assert table["label"].dtype == np.float64


ROWS = [
    ("Path", "LABEL", "sigma", "note"),
    ("in\\\\Zoë.jpg ", "34,5", "1,5", "a, b; c"),
    ("", "", "", ""),
    (" b.jpg", "40", "", ""),
    ("", "", "", ""),
]
QUOTED = ("Path", "34,5", "1,5", "a, b; c")


@pytest.mark.parametrize("end", ["", "EE"])
@pytest.mark.parametrize("start", ["", "sep=E\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]
)
def test_tables_that_spreadsheets_write(tmp_path, encoding, delimiter, start, end):
    lines = [
        "E".join(f'"{cell}"' if cell in QUOTED else cell for cell in row) + end for row in ROWS
    ]
    text = (start + "".join(line + "\r\n" for line in lines)).replace("E", delimiter)
    (tmp_path / "t.csv").write_bytes(text.replace(f"LAB{delimiter}L", "LABEL").encode(encoding))
    table = read_manifest(tmp_path / "t.csv", LabelGrid.age())
    assert list(table) == ["path", "label", "sigma", "note"]
    assert table["path"].tolist() == ["in/Zoë.jpg", "b.jpg"]
    assert table["label"].tolist() == [34.5, 40] and table["sigma"].tolist()[0] == 1.5
    assert table["note"].tolist()[0] == "a, b; c" and table["note"].isna().tolist()[1]
    assert [line_number(i) - bool(start) for i in table.index] == [2, 4]


def test_an_excel_file(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (("Path", "Label", None), ("a.jpg ", 34.5, None), (None, None), ("b.jpg", 40)):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    table = read_manifest(tmp_path / "t.xlsx", LabelGrid.age())
    assert table["path"].tolist() == ["a.jpg", "b.jpg"] and table["label"].tolist() == [34.5, 40]
    assert [line_number(i) for i in table.index] == [2, 4]


def test_paths_that_a_manifest_cannot_hold_are_problems():
    table = pd.DataFrame({"path": ["a\\b.jpg", "a\nb.jpg", "ab.jpg"], "label": [1, 2, 3]})
    assert row_problems(table).keys() == {0, 1}


BLANKS_AND_BREAKS = """
path,label,note

a.jpg,20,"two
lines"

  \t
b.jpg,30,"one ""quoted"" line"
c.jpg,40,
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_the_file_after_blank_lines_and_quoted_breaks(tmp_path, end):
    path = tmp_path / "manifest.csv"
    path.write_bytes(BLANKS_AND_BREAKS.replace("\n", end).encode("utf-8"))
    table = read_manifest(path)
    lines = path.read_bytes().decode("utf-8").split(end)
    assert [lines[line_number(i) - 1].split(",")[0] for i in table.index] == table["path"].tolist()
    assert table["note"].tolist()[:2] == [f"two{end}lines", 'one "quoted" line']
    path.write_bytes((BLANKS_AND_BREAKS + "d.jpg,-3,\n").replace("\n", end).encode("utf-8"))
    with pytest.raises(DataError, match=f"line {len(lines)}: label -3 is off the grid"):
        read_manifest(path, LabelGrid.age())


def test_of_rows_with_one_path_the_first_that_is_right_stays(tmp_path):
    rows = ["a.jpg,old", "a.jpg,30", "./a.jpg,40", "b.jpg,50", "a.jpg,60"]
    (tmp_path / "m.csv").write_text("\n".join(["path,label", *rows]))
    table, bad = usable_rows(tmp_path / "m.csv", tmp_path)
    assert table[["path", "label"]].to_numpy().tolist() == [["a.jpg", 30], ["b.jpg", 50]]
    assert [(row.index, row.reason) for row in bad] == [
        (0, "label is not a number: 'old'"),
        (2, "path occurs twice: 'a.jpg'; line 3 is kept"),
        (4, "path occurs twice: 'a.jpg'; line 3 is kept"),
    ]
