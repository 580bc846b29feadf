"""Folders: order of files, folders that cannot be read, odd names, what is missing."""

import os
import re

import pytest

from keras_dldl.data.sources.agedb import AgeDB
from keras_dldl.data.sources.rows import (
    check_images,
    files_below,
    find_near,
    not_here,
    only_one,
    rows_by_name,
)
from keras_dldl.errors import DataError
from tests.data.sources.layouts import columns_of, touch


def test_files_are_found_in_one_order_and_hidden_ones_are_not(tmp_path):
    touch(tmp_path, "b/2.jpg", "a-b/1.JPG", "a/10.jpg", "a/9.jpg", "a/._9.jpg", "a/9.txt", "0.jpg")
    found = files_below(tmp_path)
    assert found == ["0.jpg", "a/10.jpg", "a/9.jpg", "a/9.txt", "a-b/1.JPG", "b/2.jpg"]


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.jpg", "b/2.jpg")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DataError, match=r"must be readable.*/b \(Permission denied\)"):
        files_below(tmp_path)


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
