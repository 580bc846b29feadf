"""Folders: order of files, folders that cannot be read, odd names, what is missing."""

import os

import pytest

from keras_dldl.data.sources.rows import (
    check_images,
    files_below,
    find_near,
    not_here,
    only_file,
    only_one,
)
from keras_dldl.errors import DataError
from tests.data.sources.layouts import lay_out


def test_files_are_found_in_one_order_and_hidden_ones_are_not(tmp_path):
    lay_out(
        tmp_path, ["b/2.jpg", "a-b/1.JPG", "a/10.jpg", "a/9.jpg", "a/._9.jpg", "a/9.txt", "0.jpg"]
    )
    found = files_below(tmp_path)
    assert found == ["0.jpg", "a/10.jpg", "a/9.jpg", "a/9.txt", "a-b/1.JPG", "b/2.jpg"]


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    lay_out(tmp_path, ["a/1.jpg", "b/2.jpg"])
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DataError, match=r"must be readable.*/b \(Permission denied\)"):
        files_below(tmp_path)


def test_files_up_to_two_folders_down_are_found_the_nearest_first(tmp_path):
    lay_out(tmp_path, ["a/b/x.csv", "a/b/c/y.csv"])
    assert find_near(tmp_path, "x.csv") == [tmp_path / "a/b/x.csv"]
    assert find_near(tmp_path, "y.csv") == []
    lay_out(tmp_path, ["a/x.csv", "b/x.csv"])
    found = find_near(tmp_path, "x.csv")
    assert found == [tmp_path / "a/x.csv", tmp_path / "b/x.csv"]
    with pytest.raises(DataError, match=r"once; .*a/x\.csv, .*b/x\.csv"):
        only_one(found)


def test_what_is_in_the_wrong_folder_is_said(tmp_path):
    assert "Looked for: x. Received: " in str(not_here(tmp_path, "x"))
    lay_out(tmp_path, [f"{k}.txt" for k in range(8)])
    assert str(not_here(tmp_path, "x")).endswith("0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 3 more")


def test_images_that_are_all_missing_are_an_error_and_single_ones_are_not(tmp_path):
    names = [f"{k}.jpg" for k in range(1000)]
    with pytest.raises(DataError, match=r"that l\.csv lists.*Looked for: 0\.jpg, "):
        check_images(tmp_path, names, tmp_path / "l.csv")
    lay_out(tmp_path, names[:10])
    check_images(tmp_path, names, tmp_path / "l.csv")


def test_the_only_file_of_a_kind(root):
    with pytest.raises(DataError, match="Looked for labels.*keep exactly one.*nothing in it"):
        only_file(root, ["*.json"], "labels", "--annotations")
    lay_out(root, ["deep/a.json"])
    assert only_file(root, ["*.json"], "labels") == root / "deep/a.json"
    lay_out(root, ["b.json"])
    with pytest.raises(DataError, match=r"Name it with --annotations.*several: b\.json, deep"):
        only_file(root, ["*.json"], "labels", "--annotations")
