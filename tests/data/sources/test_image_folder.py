"""Folders named by their label, with and without folders of splits, on every grid."""

import pytest

from keras_dldl._utils.photos import PICTURE_SUFFIXES, photo_paths
from keras_dldl.data.sources import SOURCES
from keras_dldl.errors import DataError
from tests.data.sources.layouts import columns_of, touch


def test_labels(tmp_path):
    touch(tmp_path, "25/a.jpg", "25/b.png", "x/3.5/c.jpg", "cats/d.jpg", "e.jpg")
    rows = SOURCES["image-folder"](grid="scut-fbp").read(tmp_path)
    assert columns_of(rows.table) == {
        "path": ["25/a.jpg", "25/b.png", "x/3.5/c.jpg"],
        "label": [25, 25, 3.5],
    }
    assert [item.path for item in rows.skipped] == ["cats/d.jpg", "e.jpg"]
    assert rows.skipped[0].reason == "name is not <label>/<image>, such as 25/a.jpg"


def test_every_picture_that_predict_takes_is_taken(tmp_path):
    names = [f"25/{k}{suffix}" for k, suffix in enumerate(sorted(PICTURE_SUFFIXES))]
    touch(tmp_path, *names, *(name.upper() for name in names))
    rows = SOURCES["image-folder"]().read(tmp_path)
    taken = {str(tmp_path / path) for path in rows.table["path"]}
    assert taken == set(photo_paths([tmp_path])) and len(taken) == 2 * len(names)
    assert not rows.skipped


def test_files_among_the_pictures_that_are_none_are_listed(tmp_path):
    touch(tmp_path, "25/a.jpg", "25/IMG_1", "25/b.mov", "25/.hidden", "README", "labels.csv")
    skipped = SOURCES["image-folder"]().read(tmp_path).skipped
    assert [item.path for item in skipped] == ["25/IMG_1", "25/b.mov"]
    assert {item.reason for item in skipped} == {"name does not end like a picture's"}


def test_splits(tmp_path):
    touch(tmp_path, "train/7/a.jpg", "valid/8/a.jpg", "test/9/a.jpg", "10/a.jpg")
    table = columns_of(SOURCES["image-folder"]().read(tmp_path).table)
    given = dict(zip(table["label"], table["split"], strict=True))
    assert given == {7: "train", 8: "val", 9: "test", 10: None}


def test_no_folder_of_a_label(tmp_path):
    touch(tmp_path, "cats/a.jpg", "dogs/b.jpg")
    with pytest.raises(DataError, match="No image is named <label>/.*such as cats/a.jpg, dogs/b"):
        SOURCES["image-folder"]().read(tmp_path)
