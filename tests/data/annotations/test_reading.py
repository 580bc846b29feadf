"""Annotation files: lines, tables, JSON, Excel, numbers, and what a broken one says."""

import json
import sys

import pytest

from keras_dldl.data.annotations.reading import (
    check_paths,
    numbers_in,
    read_lines,
    read_objects,
    read_rows,
    read_table,
    sheet_names,
)
from keras_dldl.errors import DataError
from tests.data.sources.layouts import lay_out, write_excel


def test_lines_are_numbered_as_editors_number_them(tmp_path):
    (tmp_path / "a.txt").write_bytes("a\x0bb\u2028c\r\n\r\n d \re".encode())
    assert read_lines(tmp_path / "a.txt") == [(1, "a\x0bb\u2028c"), (3, "d"), (4, "e")]


@pytest.mark.parametrize(
    "text",
    [
        'File,Age\n"a, b.jpg",3\n\nc.jpg,4\n',
        "File;Age\r\na, b.jpg;3\r\n\r\nc.jpg;4\r\n",
        " file \t AGE\na, b.jpg\t3\n\n c.jpg \t 4 \n",
        'file,age\n"a, b.jpg",3\n\nc.jpg,4,,\n',
    ],
)
def test_every_delimiter_gives_the_same_table(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, newline="")
    table = read_table(tmp_path / "a.csv", ("file", "age"))
    assert table["file"].tolist() == ["a, b.jpg", "c.jpg"] and table["age"].tolist() == ["3", "4"]
    assert table.index.tolist() == [2, 4]


def test_blanks_part_fields_where_nothing_else_does(tmp_path):
    lay_out(tmp_path, files={"a.txt": ["file   age", "a, b.jpg3 3", "", "b.jpg     4"]})
    with pytest.raises(DataError, match="line 2: 3 fields where the header has 2"):
        read_table(tmp_path / "a.txt", ("age",))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        *(
            (f"a.jpg{by}3.5\n\nb.jpg{by}4\n", [(1, ["a.jpg", "3.5"]), (3, ["b.jpg", "4"])])
            for by in (";", ",", "\t", " ", "     ")
        ),
        (
            'a,"x, y"\nb,"two\nlines"\nc,z\n',
            [(1, ["a", "x, y"]), (2, ["b", "two\nlines"]), (4, ["c", "z"])],
        ),
    ],
)
def test_rows_come_with_the_line_on_which_they_begin(tmp_path, text, rows):
    (tmp_path / "t.csv").write_text(text)
    assert list(read_rows(tmp_path / "t.csv")) == rows


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["file,age", "a.jpg,3", "b.j"], "line 3: 1 fields where the header has 2.*cut short"),
        (["file,age", "a.jpg,3,4"], "line 2: 3 fields where the header has 2"),
        (
            ["file,age", "a.jpg,3", '"b.jpg,4', "c.jpg,5"],
            "line 3: must be fields divided by ','.*cut short",
        ),
        (["file,years", "a.jpg,3"], r"a\.csv: column missing: age.*Received: file \| years"),
        (["file,age,Age", "a.jpg,3,4"], "column there twice: age"),
        (["file,age"], "at least one row"),
        (["file,aeg", "a.jpg,3"], r"missing: age\. .*Did you mean aeg\? Received: file \| aeg"),
        ([], "column missing: file, age.*an empty file"),
    ],
)
def test_a_table_that_cannot_be_right_is_named_by_its_line(tmp_path, lines, reason):
    lay_out(tmp_path, files={"a.csv": lines})
    with pytest.raises(DataError, match=reason):
        read_table(tmp_path / "a.csv", ("file", "age"))


@pytest.mark.parametrize(
    ("text", "number"),
    [("34,5", 34.5), (" 34.5 ", 34.5), ("-3", -3), ("1e2", 100), (7, 7), (2.5, 2.5)],
)
def test_numbers_with_a_decimal_point_or_comma(text, number):
    assert numbers_in([text]).tolist() == [number]


@pytest.mark.parametrize("text", ["", "old", "1,2,3", "1.234,5", "inf", "nan", None, float("nan")])
def test_what_is_no_number(text):
    assert numbers_in([text]).isna().all()


def test_excel_sheets(tmp_path):
    path = tmp_path / "t.xlsx"
    write_excel(path, {"one": [["a", 1.5], [None, None], ["b", 2]], "two": [["c"]]})
    assert sheet_names(path) == ["one", "two"]
    assert list(read_rows(path)) == [(1, ["a", "1.5"]), (3, ["b", "2"])]
    assert list(read_rows(path, "two")) == [(1, ["c"])]


def test_spreadsheets_that_are_not_read(tmp_path, monkeypatch):
    book = pytest.importorskip("openpyxl").Workbook()
    book.create_chartsheet("chart", 0)
    book.remove(book["Sheet"])
    book.save(tmp_path / "chart.xlsx")
    (tmp_path / "text.xlsx").write_text("hello")
    for name, reason in [
        ("chart.xlsx", r"with sheets of cells alone.*Received: .*chart\.xlsx"),
        ("text.xlsx", "must be a whole .xlsx"),
    ]:
        with pytest.raises(DataError, match=reason):
            list(read_rows(tmp_path / name))
    for name in ("t.xls", "t.ods"):
        (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0" + bytes(60))
        with pytest.raises(DataError, match=r"of spreadsheets \.xlsx is read.*: .*binary file"):
            list(read_rows(tmp_path / name))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DataError, match=r"openpyxl: pip install 'keras-dldl\[excel\]'.*as CSV"):
        sheet_names(tmp_path / "t.xlsx")


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_objects_come_with_their_lines(tmp_path, indent, encoding):
    content = [{"a": [1, {"b": "]"}]}, {"name": "Åsa\n"}, {}]
    path = tmp_path / "list.json"
    path.write_text(json.dumps(content, indent=indent, ensure_ascii=False), encoding=encoding)
    objects = read_objects(path)
    assert [found for _, found in objects] == content
    assert [line for line, _ in objects] == ([2, 10, 13] if indent else [1, 1, 1])


def test_objects_of_empty_and_of_old_files(tmp_path):
    (tmp_path / "list.json").write_text(" [ ]")
    assert read_objects(tmp_path / "list.json") == []
    (tmp_path / "list.json").write_bytes('[\n{"name": "Åsa"}]'.encode("latin-1"))
    assert read_objects(tmp_path / "list.json") == [(2, {"name": "Åsa"})]
    with pytest.raises(DataError, match="be there and readable.*No such file"):
        read_objects(tmp_path / "other.json")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[\n{"a": 1},\n{"a": 2', "not whole JSON from line 3 on.*cut short.*that: 1"),
        ('[\n{"a": 1},\n', "not whole JSON from line 3 on.*that: 1"),
        ('[\n{"a": 1}\n', "not whole JSON.*that: 1"),
        ('[{"a": 1} {"a": 2}]', "not whole JSON from line 1 on"),
        ('{"a": 1}', "must be a JSON list of objects"),
        ("", "must be a JSON list of objects"),
        ("[\n3]", "line 2: must be an object"),
    ],
)
def test_json_of_another_form(tmp_path, text, reason):
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(DataError, match=f"list.json: .*{reason}"):
        read_objects(tmp_path / "list.json")


def test_one_path_twice(tmp_path):
    with pytest.raises(
        DataError, match=r"t\.csv: 1 bad row .*Received: line 5: a\.jpg stands on line 2 too"
    ):
        check_paths([(2, "a.jpg"), (4, "b.jpg"), (5, "a.jpg")], tmp_path / "t.csv")
