"""CACD2000: by the files' names alone, and with the authors' MATLAB file."""

import pytest

from keras_dldl.data.sources import SOURCES
from keras_dldl.errors import DataError
from tests.data.sources.layouts import touch, write_cacd

NAMES = ("14_Aaron_Johnson_0001.jpg", "53_Robin_Williams_0012.jpg", "30_Zoë_Bell_0002.jpg")


@pytest.fixture
def root(tmp_path):
    touch(tmp_path, *(f"CACD2000/{name}" for name in NAMES), "CACD2000/notes.jpg")
    return tmp_path


def test_names_alone(root):
    rows = SOURCES["cacd2000"]().read(root)
    assert rows.table["label"].tolist() == [14, 30, 53]
    assert rows.table["subject"].tolist() == [
        "cacd-Aaron_Johnson", "cacd-Zoë_Bell", "cacd-Robin_Williams",
    ]  # fmt: skip
    assert "split" not in rows.table
    assert [item.path for item in rows.skipped] == ["CACD2000/notes.jpg"]


def test_the_metadata_give_parts_and_what_is_missing(root):
    write_cacd(
        root / "celebrity2000_meta.mat",
        [
            (14, 1, 2004, 2, NAMES[0]),
            (53, 2, 2004, 5, NAMES[1]),
            (30, 3, 2008, 6, NAMES[2]),
            (31, 3, 2009, 6, "31_Zoë_Bell_0003.jpg"),
        ],
    )
    table = SOURCES["cacd2000"]().read(root).table.set_index("path")
    assert table["split"].to_dict() == {
        f"CACD2000/{NAMES[0]}": "val",
        f"CACD2000/{NAMES[1]}": "test",
        f"CACD2000/{NAMES[2]}": "train",
        "CACD2000/31_Zoë_Bell_0003.jpg": "train",
    }
    lost = table.loc["CACD2000/31_Zoë_Bell_0003.jpg"]
    assert (lost["label"], lost["subject"], lost["year"]) == (31, "cacd-Zoë_Bell", 2009)


def test_a_name_in_two_parts_does_not_stop_it(root, caplog):
    touch(root, "CACD2000/54_Robin_Williams_0013.jpg")
    rows = [(53, 2, 2004, 3, NAMES[1]), (54, 9, 2004, 9, "54_Robin_Williams_0013.jpg")]
    write_cacd(root / "celebrity2000_meta.mat", rows)
    assert "subject" not in SOURCES["cacd2000"]().read(root).table
    assert "1 people are in more than one official part" in caplog.text


def test_a_damaged_metadata_file_is_named(root):
    (root / "celebrity2000_meta.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(DataError, match=r"celebrity2000_meta\.mat"):
        SOURCES["cacd2000"]().read(root)
