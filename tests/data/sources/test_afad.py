"""AFAD: age and gender are folders, the number before the dash is the person."""

from keras_dldl.data.sources import SOURCES
from tests.data.sources.layouts import columns_of, touch


def test_folders(tmp_path):
    touch(tmp_path, "AFAD-Full/15/111/638660-1.jpg", "AFAD-Full/15/112/638660-0.jpg",
          "AFAD-Full/40/112/odd.jpg", "AFAD-Full/40/113/1-0.jpg", "40/1-0.jpg",
          "AFAD-Full/15/111/Thumbs.db")  # fmt: skip
    rows = SOURCES["afad"]().read(tmp_path)
    assert columns_of(rows.table.drop(columns="path")) == {
        "label": [15, 15, 40],
        "subject": ["afad-638660", "afad-638660", None],
        "gender": ["male", "female", "female"],
        "database": ["AFAD"] * 3,
    }
    skipped = {item.path for item in rows.skipped}
    assert skipped == {"AFAD-Full/40/113/1-0.jpg", "40/1-0.jpg"}


def test_the_root_may_be_the_folder_of_ages(tmp_path):
    touch(tmp_path, "15/111/638660-1.jpg")
    assert SOURCES["afad"]().read(tmp_path).table["path"].tolist() == ["15/111/638660-1.jpg"]
