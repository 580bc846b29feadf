"""MegaAge-Asian: two lists that must go together line by line."""

import pytest

from keras_dldl.data.sources import SOURCES
from keras_dldl.errors import DataError
from tests.data.sources.layouts import columns_of, touch, write_lines


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "megaage_asian"
    for part, ages in (("train", ("5", "x", "70")), ("test", ("33",))):
        names = [f"{k}.jpg" for k in range(1, len(ages) + 1)]
        write_lines(folder / "list" / f"{part}_name.txt", *names)
        write_lines(folder / "list" / f"{part}_age.txt", *ages)
        touch(folder / part, *names)
    return tmp_path


def test_rows(root):
    rows = SOURCES["megaage-asian"]().read(root)
    assert columns_of(rows.table) == {
        "path": ["megaage_asian/train/1.jpg", "megaage_asian/train/3.jpg",
                 "megaage_asian/test/1.jpg"],
        "label": [5, 70, 33],
        "split": ["train", "train", "test"],
        "database": ["MegaAge-Asian"] * 3,
    }  # fmt: skip
    (item,) = rows.skipped
    assert item.path == "megaage_asian/train/2.jpg" and item.reason.startswith("line 2: age is not")


def test_lists_of_different_length(root):
    write_lines(root / "megaage_asian/list/train_age.txt", "5", "6")
    with pytest.raises(DataError, match=r"train_name\.txt and train_age\.txt .*3 names, 2 ages"):
        SOURCES["megaage-asian"]().read(root)


def test_a_missing_list(root):
    (root / "megaage_asian/list/test_age.txt").unlink()
    with pytest.raises(DataError, match=r"test_age\.txt \(No such file"):
        SOURCES["megaage-asian"]().read(root)
