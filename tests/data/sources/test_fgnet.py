"""FG-NET: names, people, landmarks."""

import pytest

from keras_dldl.data.sources import FGNet
from keras_dldl.errors import DataError


def test_names_say_person_and_age(root, images, write, face_points):
    images("images/001A02.JPG", "images/001A43a.JPG", "images/082A00.jpg", "images/cover.jpg")
    lines = [f"{x} {y}" for x, y in face_points(68, {0: 31, 1: 36, 2: 67, 3: 48, 4: 54})]
    write("points/001a43a.pts", "version: 1", "n_points: 68", "{", *lines, "}")
    rows = FGNet().read(root)
    table = rows.table
    assert table["path"].tolist()[1] == "images/001A43a.JPG"
    assert table["label"].tolist() == [2, 43, 0]
    assert table["subject"].tolist() == ["fg-net-001", "fg-net-001", "fg-net-082"]
    assert table["landmarks"].notna().tolist() == [False, True, False]
    assert table["landmarks"][1] == (80, 90, 120, 90, 100, 114, 82.2, 131.6, 117.8, 131.6)
    assert [item.path for item in rows.skipped] == ["images/cover.jpg"]


def test_another_folder(root, images):
    images("1.jpg")
    with pytest.raises(DataError, match=r"No image is named <person>A<age>.*such as 1\.jpg"):
        FGNet().read(root)
