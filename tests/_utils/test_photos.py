"""Names become pictures: folders, patterns, lists, odd names."""

import io
import os
import re
from pathlib import Path

import pytest

from keras_dldl._utils.photos import PICTURE_SUFFIXES, photo_paths
from keras_dldl.errors import DataError


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name in ("b.jpg", "a.PNG", "notes.txt", "in/c.webp", "in/deep/d.jpeg", ".hid/e.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_searched_with_its_folders(place):
    found = photo_paths([place])
    wanted = ["a.PNG", "b.jpg", "in/c.webp", "in/deep/d.jpeg"]
    assert found == [os.path.join(place, *name.split("/")) for name in wanted]


def test_the_guide_names_every_ending():
    page = (Path(__file__).parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")
    _, _, section = page.partition("## Many photos")
    assert set(re.findall(r"`(\.\w+)`", section)) == PICTURE_SUFFIXES


def test_what_a_folder_has_besides_is_counted_and_named(place, caplog):
    for name in ("IMG_1", "in/clip.mov", "hidden.JPG"):
        (place / name).touch()
    photo_paths(["."])
    (record,) = caplog.records
    assert record.getMessage().startswith(".: 3 files passed over, ")
    assert record.getMessage().endswith(": IMG_1, in/clip.mov, notes.txt")


def test_hidden_pictures_of_a_folder_are_counted_and_named(place, caplog):
    for name in (".b.jpg", "in/.c.HEIC", "in/._c.webp", ".DS_Store"):
        (place / name).touch()
    assert len(photo_paths(["."])) == 4
    assert ".: 2 hidden pictures passed over; " in caplog.text
    assert caplog.records[-1].getMessage().endswith(": .b.jpg, in/.c.HEIC")
    assert photo_paths([".b.jpg"]) == [".b.jpg"]


def test_of_many_files_passed_over_some_are_named(place, caplog):
    for number in range(2000):
        (place / "in" / f"{number:04}.txt").touch()
    photo_paths(["in"])
    assert "in: 2,000 files passed over" in caplog.text
    assert caplog.text.count(".txt") == 10 and "and 1,990 more" in caplog.text


def test_patterns_are_sorted_and_may_go_deep(place):
    assert photo_paths(["*.jpg"]) == ["b.jpg"]
    assert photo_paths(["**/*.[jw]*"]) == ["b.jpg", "in/c.webp", "in/deep/d.jpeg"]
    assert photo_paths(["b.???", "notes.txt", "b.jpg"]) == ["b.jpg", "notes.txt", "b.jpg"]


def test_lists(place, monkeypatch):
    (place / "list.txt").write_text("\ufeffb.jpg\n\n  in \n@list.txt\n", encoding="utf-8")
    assert photo_paths(["@list.txt"]) == ["b.jpg", *photo_paths(["in"])]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x y.jpg\nb.jpg\n")))
    assert photo_paths(["@-"]) == ["x y.jpg", "b.jpg"]


def test_lists_that_windows_writes(place, monkeypatch):
    content = "in\\c.webp \r\nZoë.jpg\r\n\r\n".encode("utf-16-le")
    (place / "list.txt").write_bytes(content)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))
    assert photo_paths(["@list.txt"]) == photo_paths(["@-"]) == ["in/c.webp", "Zoë.jpg"]


def test_lists_with_quotes(place):
    write = (place / "list.txt").write_text
    write('"b.jpg"\n\'b c.jpg\'\n"sub\\d.jpg"\n"open\n')
    assert photo_paths(["@list.txt"]) == ["b.jpg", "b c.jpg", os.path.join("sub", "d.jpg"), '"open']
    (place / '"b.jpg"').write_bytes(b"")  # what exists by its very name is that
    write('"b.jpg"\n')
    assert photo_paths(["@list.txt"]) == ['"b.jpg"']


def test_only_the_ends_of_lines_divide_a_list(place):
    (place / "list.txt").write_text("a\x85b.jpg\na\u2028c.jpg\r\n", encoding="utf-8", newline="")
    assert photo_paths(["@list.txt"]) == ["a\x85b.jpg", "a\u2028c.jpg"]


def test_a_file_whose_name_has_a_backslash_is_that_file(place):
    (place / "in\\c.webp").touch()
    (place / "list.txt").write_text("in\\c.webp\n")
    assert photo_paths(["@list.txt"]) == ["in\\c.webp"]


@pytest.mark.parametrize("name", ["@nope.txt", "@bytes.txt"])
def test_a_list_that_cannot_be_read(place, name):
    (place / "bytes.txt").write_bytes(b"\x00\x01\x02\x03" * 9)
    with pytest.raises(DataError, match="a path a line. Received: @"):
        photo_paths([name])


def test_what_exists_by_its_very_name_is_that(place):
    for name in ("[x].jpg", "@y.jpg"):
        (place / name).touch()
    assert photo_paths(["[x].jpg", "@y.jpg"]) == ["[x].jpg", "@y.jpg"]


def test_what_stands_for_nothing_stays(place):
    (place / "empty").mkdir()
    names = ["nope.jpg", "z*.jpg", "empty", ""]
    assert photo_paths(names) == names
