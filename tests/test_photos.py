"""Names become pictures: folders, patterns, lists, odd names."""

import io
import os

import pytest

from keras_dldl.errors import DataError
from keras_dldl.photos import photo_paths


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


def test_patterns_are_sorted_and_may_go_deep(place):
    assert photo_paths(["*.jpg"]) == ["b.jpg"]
    assert photo_paths(["**/*.[jw]*"]) == ["b.jpg", "in/c.webp", "in/deep/d.jpeg"]
    assert photo_paths(["b.???", "notes.txt", "b.jpg"]) == ["b.jpg", "notes.txt", "b.jpg"]


def test_lists(place, monkeypatch):
    (place / "list.txt").write_text("\ufeffb.jpg\n\n  in \n@list.txt\n", encoding="utf-8")
    assert photo_paths(["@list.txt"]) == ["b.jpg", *photo_paths(["in"])]
    monkeypatch.setattr("sys.stdin", io.StringIO("x y.jpg\nb.jpg\n"))
    assert photo_paths(["@-"]) == ["x y.jpg", "b.jpg"]


@pytest.mark.parametrize("name", ["@nope.txt", "@bytes.txt"])
def test_a_list_that_cannot_be_read(place, name):
    (place / "bytes.txt").write_bytes(b"\xff\xfe\x00")
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
