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


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv \(No such file"):
        read_text(tmp_path / "none.csv")
    with pytest.raises(DataError, match="Received: .*directory"):
        read_text(tmp_path)
