"""Annotation files: encodings, delimiters, files cut short, folders that cannot be read."""

import os
import re

import pytest

from keras_dldl.data.sources.agedb import AgeDB
from keras_dldl.data.sources.base import rows_by_name
from keras_dldl.data.sources.reading import (
    check_images,
    files_below,
    find_near,
    not_here,
    only_one,
    read_lines,
    read_table,
    read_text,
)
from keras_dldl.errors import DataError
from tests.data.sources.layouts import columns_of, touch, write_lines

TEXT = "name;Größe\nZoë;3\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]
)
def test_every_encoding_gives_the_same_text(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes(TEXT.encode(encoding))
    assert read_text(tmp_path / "a.txt") == TEXT


@pytest.mark.parametrize("content", [b"\x00\x01\x02\x03" * 9, b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"])
def test_a_binary_file_is_refused(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"must be text in UTF-8.*a\.csv, which is a binary"):
        read_text(tmp_path / "a.csv")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv \(No such file"):
        read_text(tmp_path / "none.csv")
    with pytest.raises(DataError, match="Received: .*directory"):
        read_text(tmp_path)


def test_lines_are_numbered_as_editors_number_them(tmp_path):
    (tmp_path / "a.txt").write_bytes("a\x0bb\u2028c\r\n\r\n d \re".encode())
    assert read_lines(tmp_path / "a.txt") == [(1, "a\x0bb\u2028c"), (3, "d"), (4, "e")]


@pytest.mark.parametrize(
    "text",
    [
        'File,Age\n"a, b.jpg",3\n\nc.jpg,4\n',
        "File;Age\r\na, b.jpg;3\r\n\r\nc.jpg;4\r\n",
        " file \t AGE\na, b.jpg\t3\n\n c.jpg \t 4 \n",
        "file,age\n'a, b.jpg',3\n".replace("'", '"') + "\nc.jpg,4,,\n",
    ],
)
def test_every_delimiter_gives_the_same_table(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, newline="")
    table = read_table(tmp_path / "a.csv", ("file", "age"))
    assert table["file"] == ["a, b.jpg", "c.jpg"] and table["age"] == ["3", "4"]
    assert table.lines == [2, 4] and table.get("none") == ["", ""]


def test_blanks_part_fields_where_nothing_else_does(tmp_path):
    path = write_lines(tmp_path / "a.txt", "file   age", "a.jpg 3", "", "b.jpg     4")
    table = read_table(path, ("age",))
    assert table["age"] == ["3", "4"] and table.lines == [2, 4]


def test_a_quoted_cell_of_two_lines_does_not_shift_the_numbers(tmp_path):
    path = write_lines(tmp_path / "a.csv", "file,age", '"a', 'b.jpg",3', "c.jpg,4")
    assert read_table(path, ("file",)).lines == [2, 4]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["file,age", "a.jpg,3", "b.j"], "line 3: 1 fields where the header has 2.*cut short"),
        (["file,age", "a.jpg,3,4"], "line 2: 3 fields where the header has 2"),
        (["file,age", "a.jpg,3", '"b.jpg,4'], "line 3: not a row.*cut short"),
        (["file,years", "a.jpg,3"], r"a\.csv: column missing: age.*Received: file \| years"),
        (["file,age,Age", "a.jpg,3,4"], "column there twice: age"),
        (["file,age"], "at least one row"),
        ([], "column missing: file, age.*an empty file"),
    ],
)
def test_a_table_that_cannot_be_right_is_named_by_its_line(tmp_path, lines, reason):
    with pytest.raises(DataError, match=reason):
        read_table(write_lines(tmp_path / "a.csv", *lines), ("file", "age"))


def test_files_are_found_in_one_order_and_hidden_ones_are_not(tmp_path):
    touch(tmp_path, "b/2.jpg", "a-b/1.JPG", "a/10.jpg", "a/9.jpg", "a/._9.jpg", "a/9.txt", "0.jpg")
    found = files_below(tmp_path, frozenset({".jpg"}))
    assert found == ["0.jpg", "a/10.jpg", "a/9.jpg", "a-b/1.JPG", "b/2.jpg"]


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.jpg", "b/2.jpg")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DataError, match=r"must be readable.*/b \(Permission denied\)"):
        files_below(tmp_path, frozenset({".jpg"}))


def test_files_up_to_two_folders_down_are_found_the_nearest_first(tmp_path):
    touch(tmp_path, "a/b/x.csv", "a/b/c/y.csv")
    assert find_near(tmp_path, "x.csv") == [tmp_path / "a/b/x.csv"]
    assert find_near(tmp_path, "y.csv") == []
    touch(tmp_path, "a/x.csv", "b/x.csv")
    found = find_near(tmp_path, "x.csv")
    assert found == [tmp_path / "a/x.csv", tmp_path / "b/x.csv"]
    with pytest.raises(DataError, match=r"once; .*a/x\.csv, .*b/x\.csv"):
        only_one(found)


def test_what_is_in_the_wrong_folder_is_said(tmp_path):
    assert "Looked for: x. Received: " in str(not_here(tmp_path, "x"))
    touch(tmp_path, *(f"{k}.txt" for k in range(8)))
    assert str(not_here(tmp_path, "x")).endswith("0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 3 more")


def test_images_that_are_all_missing_are_an_error_and_single_ones_are_not(tmp_path):
    names = [f"{k}.jpg" for k in range(1000)]
    with pytest.raises(DataError, match=r"that l\.csv lists.*Looked for: 0\.jpg, "):
        check_images(tmp_path, names, tmp_path / "l.csv")
    touch(tmp_path, *names[:10])
    check_images(tmp_path, names, tmp_path / "l.csv")


@pytest.mark.skipif(os.name == "nt", reason="Windows names are Unicode")
def test_a_file_name_in_another_encoding_is_skipped(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"1_Ren\xe9_35_m.jpg")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    touch(tmp_path, "0_MariaCallas_35_f.jpg")
    rows = AgeDB().read(tmp_path)
    assert len(rows.table) == 1
    (item,) = rows.skipped
    assert item.reason == "name is not UTF-8" and item.path.encode() == b"1_Ren\\udce9_35_m.jpg"


def test_names_can_take_in_folders(tmp_path):
    touch(tmp_path, "x/25/a.jpg", "x/b/a.jpg")
    pattern = re.compile(r"(\d+)/")
    rows = rows_by_name(tmp_path, pattern, "<age>/", lambda m, _: {"label": int(m[1])}, parts=2)
    assert columns_of(rows.table) == {"path": ["x/25/a.jpg"], "label": [25]}
    assert [item.path for item in rows.skipped] == ["x/b/a.jpg"]
