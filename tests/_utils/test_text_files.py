"""Text files: every encoding, and what is no text."""

import pytest

from keras_dldl._utils.text_files import read_text
from keras_dldl.errors import DataError

TEXT = "name;Größe\nZoë;3\n"
WINDOWS = "Šárka….jpg\nœuvre – €.jpg\n"  # none of these is in Latin-1


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (TEXT, ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1")),
        (WINDOWS, ("utf-8", "utf-16", "cp1252")),
    ],
)
def test_every_encoding_gives_the_same_text(tmp_path, text, encodings):
    for encoding in encodings:
        (tmp_path / "a.txt").write_bytes(text.encode(encoding))
        assert read_text(tmp_path / "a.txt") == text, encoding


def test_what_windows_cannot_read_is_latin_1(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"Zo\xeb \x81\n")
    assert read_text(tmp_path / "a.txt") == "Zoë \x81\n"


@pytest.mark.parametrize("content", [b"\x00\x01\x02\x03" * 9, b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"])
def test_a_binary_file_is_refused(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"must be text in UTF-8.*a\.csv, which is a binary"):
        read_text(tmp_path / "a.csv")


@pytest.mark.parametrize("at", [0, 1])  # the place of UTF-16's zero bytes, and the other one
def test_one_zero_byte_is_no_mark_of_utf_16_and_its_line_is_named(tmp_path, at):
    content = b"path,label\n" + b"ab.jpg,34\n" * 40
    place = content.index(b"ab", 60) + at
    damaged = content[:place] + b"\0" + content[place:]
    (tmp_path / "a.csv").write_bytes(damaged)
    line = damaged[:place].count(b"\n") + 1
    with pytest.raises(DataError, match=rf"a\.csv: line {line}: a control character.*Received: "):
        read_text(tmp_path / "a.csv")


def test_names_of_many_scripts_are_read_in_utf_16_without_a_mark(tmp_path):
    text = "path,label,split\n" + "照片/张三.jpg,34,train\nŁódź.jpg,5,test\n" * 9
    for encoding in ("utf-16-le", "utf-16-be"):
        (tmp_path / "a.csv").write_bytes(text.encode(encoding))
        assert read_text(tmp_path / "a.csv") == text


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv \(No such file"):
        read_text(tmp_path / "none.csv")
    with pytest.raises(DataError, match="Received: .*directory"):
        read_text(tmp_path)
