"""Reading annotation files: every form, and what a broken one says."""

import json
import struct
import sys

import pytest

from keras_dldl.data.annotations.five_points import read_points
from keras_dldl.data.annotations.reading import check_paths, read_objects, read_rows, sheet_names
from keras_dldl.data.sources.rows import only_file
from keras_dldl.errors import DataError


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_objects_come_with_their_lines(root, indent, encoding):
    content = [{"a": [1, {"b": "]"}]}, {"name": "Åsa\n"}, {}]
    path = root / "list.json"
    path.write_text(json.dumps(content, indent=indent, ensure_ascii=False), encoding=encoding)
    objects = read_objects(path)
    assert [found for _, found in objects] == content
    text = path.read_text(encoding=encoding).splitlines()
    assert [text[line - 1].strip()[:1] for line, _ in objects] == ["{" if indent else "["] * 3
    assert [line for line, _ in objects] == ([2, 10, 13] if indent else [1, 1, 1])


def test_an_empty_list_has_no_objects(write):
    assert read_objects(write("list.json", " [ ]")) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[\n{"a": 1},\n{"a": 2', "not whole JSON from line 3 on.*cut short.*that: 1"),
        ('[\n{"a": 1},\n', "not whole JSON from line 4 on.*that: 1"),
        ('[\n{"a": 1}\n', "not whole JSON.*that: 1"),
        ('[{"a": 1} {"a": 2}]', "not whole JSON from line 1 on"),
        ('{"a": 1}', "must be a JSON list of objects"),
        ("", "must be a JSON list of objects"),
        ("[\n3]", "line 2: must be an object"),
    ],
)
def test_json_of_another_form(write, text, reason):
    path = write("list.json", text)
    with pytest.raises(DataError, match=f"list.json: .*{reason}"):
        read_objects(path)


def test_latin_letters_of_old_files(root):
    path = root / "list.json"
    path.write_bytes('[\n{"name": "Åsa"}]'.encode("latin-1"))
    assert read_objects(path) == [(2, {"name": "Åsa"})]


def test_a_file_that_is_not_there(root):
    with pytest.raises(DataError, match="be there and readable.*No such file"):
        read_objects(root / "list.json")


@pytest.mark.parametrize("delimiter", [";", ",", "\t", " "])
def test_tables_of_every_delimiter(write, delimiter):
    path = write("t.csv", f"a.jpg{delimiter}3.5", "", f"b.jpg{delimiter}4")
    assert list(read_rows(path)) == [(1, ["a.jpg", "3.5"]), (3, ["b.jpg", "4"])]


def test_fields_in_quotes_and_over_lines(write):
    path = write("t.csv", 'a,"x, y"', 'b,"two', 'lines"', "c,z")
    assert list(read_rows(path)) == [(1, ["a", "x, y"]), (2, ["b", "two\nlines"]), (4, ["c", "z"])]


def test_a_quote_left_open_names_the_line(write):
    with pytest.raises(DataError, match=r"t\.csv: line 2: must be fields divided by ','"):
        list(read_rows(write("t.csv", "a,1", 'b,"2', "c,3")))


def test_excel_sheets(excel):
    path = excel("t.xlsx", {"one": [["a", 1.5], [None, None], ["b", 2]], "two": [["c"]]})
    assert sheet_names(path) == ["one", "two"]
    assert list(read_rows(path)) == [(1, ["a", "1.5"]), (3, ["b", "2"])]
    assert list(read_rows(path, "two")) == [(1, ["c"])]


def test_an_excel_file_that_is_none(excel, root):
    (root / "t.xlsx").write_text("hello")
    with pytest.raises(DataError, match="must be a whole .xlsx"):
        sheet_names(root / "t.xlsx")


def test_an_excel_file_whose_only_sheet_is_a_chart(root):
    book = pytest.importorskip("openpyxl").Workbook()
    book.create_chartsheet("chart", 0)
    book.remove(book["Sheet"])
    book.save(root / "t.xlsx")
    with pytest.raises(DataError, match=r"with sheets of cells alone.*Received: .*t\.xlsx"):
        list(read_rows(root / "t.xlsx"))


@pytest.mark.parametrize("name", ["t.xls", "t.ods"])
def test_other_spreadsheets_are_named_and_the_remedy(root, name):
    (root / name).write_bytes(b"\xd0\xcf\x11\xe0" + bytes(60))
    with pytest.raises(DataError, match=r"of spreadsheets \.xlsx is read.*Received: .*binary file"):
        list(read_rows(root / name))


def test_excel_without_its_package(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DataError, match=r"openpyxl: pip install 'keras-dldl\[excel\]'.*as CSV"):
        sheet_names(root / "t.xlsx")


def test_points_in_braces(write):
    path = write("a.pts", "version: 1", "n_points:  2", "{", "1.5 2", "3\t4.25", "}")
    assert read_points(path) == [(1.5, 2.0), (3.0, 4.25)]


def test_bare_and_binary_points(write, root, binary_points):
    assert read_points(write("a.pts", "1 2", "3 4")) == [(1, 2), (3, 4)]
    (root / "b.pts").write_bytes(binary_points([(1, 2), (3, 4.5)]))
    assert read_points(root / "b.pts") == [(1, 2), (3, 4.5)]


def test_the_empty_file_of_scut_has_no_points(root):
    (root / "CM152.pts").write_bytes(struct.pack("<i", 0))
    assert read_points(root / "CM152.pts") == []


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["n_points: 3", "{", "1 2", "3 4", "}"], "must hold 3 points. Received: 2"),
        (["1 2", "3 x"], "line 2: must be x and y. Received: '3 x'"),
        (["1 2 3"], "line 1: must be x and y"),
    ],
)
def test_points_of_another_form(write, lines, reason):
    with pytest.raises(DataError, match=reason):
        read_points(write("a.pts", *lines))


def test_one_path_twice(root):
    with pytest.raises(DataError, match=r"t\.csv: 1 bad row: line 5: a\.jpg stands on line 2 too"):
        check_paths([(2, "a.jpg"), (4, "b.jpg"), (5, "a.jpg")], root / "t.csv")


def test_the_only_file_of_a_kind(root, write):
    with pytest.raises(DataError, match="Looked for labels.*keep exactly one.*nothing in it"):
        only_file(root, ["*.json"], "labels", "--annotations")
    path = write("deep/a.json", "[]")
    assert only_file(root, ["*.json"], "labels") == path
    write("b.json", "[]")
    with pytest.raises(DataError, match=r"Name it with --annotations.*several: b\.json, deep"):
        only_file(root, ["*.json"], "labels", "--annotations")
