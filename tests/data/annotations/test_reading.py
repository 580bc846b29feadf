"""Annotation files: delimiters, numbers, files cut short."""

import pytest

from keras_dldl.data.annotations.reading import numbers_in, read_lines, read_table
from keras_dldl.errors import DataError
from tests.data.sources.layouts import write_lines


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
    assert table["file"].tolist() == ["a, b.jpg", "c.jpg"] and table["age"].tolist() == ["3", "4"]
    assert table.index.tolist() == [2, 4]


def test_blanks_part_fields_where_nothing_else_does(tmp_path):
    path = write_lines(tmp_path / "a.txt", "file   age", "a.jpg 3", "", "b.jpg     4")
    table = read_table(path, ("age",))
    assert table["age"].tolist() == ["3", "4"] and table.index.tolist() == [2, 4]


def test_a_quoted_cell_of_two_lines_does_not_shift_the_numbers(tmp_path):
    path = write_lines(tmp_path / "a.csv", "file,age", '"a', 'b.jpg",3', "c.jpg,4")
    assert read_table(path, ("file",)).index.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["file,age", "a.jpg,3", "b.j"], "line 3: 1 fields where the header has 2.*cut short"),
        (["file,age", "a.jpg,3,4"], "line 2: 3 fields where the header has 2"),
        (["file,age", "a.jpg,3", '"b.jpg,4'], "line 3: must be fields.*cut short"),
        (["file,years", "a.jpg,3"], r"a\.csv: column missing: age.*Received: file \| years"),
        (["file,age,Age", "a.jpg,3,4"], "column there twice: age"),
        (["file,age"], "at least one row"),
        ([], "column missing: file, age.*an empty file"),
    ],
)
def test_a_table_that_cannot_be_right_is_named_by_its_line(tmp_path, lines, reason):
    with pytest.raises(DataError, match=reason):
        read_table(write_lines(tmp_path / "a.csv", *lines), ("file", "age"))


@pytest.mark.parametrize(
    ("text", "number"),
    [("34,5", 34.5), (" 34.5 ", 34.5), ("-3", -3), ("1e2", 100), (7, 7), (2.5, 2.5)],
)
def test_numbers_with_a_decimal_point_or_comma(text, number):
    assert numbers_in([text]).tolist() == [number]


@pytest.mark.parametrize("text", ["", "old", "1,2,3", "1.234,5", "inf", "nan", None, float("nan")])
def test_what_is_no_number(text):
    assert numbers_in([text]).isna().all()
