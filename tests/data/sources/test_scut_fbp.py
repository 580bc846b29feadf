"""SCUT-FBP: ratings from Excel and CSV."""

import pytest

from keras_dldl.data.sources import ScutFBP
from keras_dldl.errors import DataError

ROWS = [["Image", "Attractiveness label", "Standard deviation"], [1, 2.5, 0.8], [3, 4.25, 0.5]]
FILE = "Rating_Collection/Attractiveness label"


@pytest.fixture
def portraits(images):
    images(*(f"Data_Collection/SCUT-FBP-{k}.jpg" for k in (1, 2, 3)), "Crop/SCUT-FBP-1.jpg")


def check(rows):
    table = rows.table
    assert table["path"].tolist() == [f"Data_Collection/SCUT-FBP-{k}.jpg" for k in (1, 3)]
    assert table["label"].tolist() == [2.5, 4.25] and table["sigma"].tolist() == [0.8, 0.5]
    assert [item.path for item in rows.skipped] == ["Data_Collection/SCUT-FBP-2.jpg"]


def test_excel(root, portraits, excel):
    excel(f"{FILE}.xlsx", {"Sheet1": ROWS})
    check(ScutFBP().read(root))
    assert (ScutFBP().grid().start, ScutFBP().grid().stop) == (1, 5)


@pytest.mark.parametrize(
    "lines",
    [
        ["Image,Attractiveness label,Standard deviation", "1,2.5,0.8", "3,4.25,0.5"],
        ["SCUT-FBP-1.jpg;2,5;0,8", "SCUT-FBP-3.jpg;4,25;0,5"],
    ],
)
def test_csv(root, portraits, write, lines):
    write(f"{FILE}.csv", *lines)
    check(ScutFBP().read(root))


def test_a_file_elsewhere_without_deviations(root, portraits, write, tmp_path):
    write("../labels.csv", "1,2.5", "3,4.25")
    table = ScutFBP(tmp_path / "labels.csv").read(root).table
    assert table["label"].tolist() == [2.5, 4.25] and "sigma" not in table


def test_an_image_that_is_not_there_keeps_its_row(root, portraits, write):
    write(f"{FILE}.csv", "1,2.5,1", "500,3,1")
    assert ScutFBP().read(root).table["path"][1] == "Data_Collection/SCUT-FBP-500.jpg"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["1,2.5,1", "x,3,1"], "line 2: must be image number"),
        (["1,2.5,1", "2,high,1"], "line 2: must be image number"),
        (["1,2.5,1", "1,3,1"], "line 2: image 1 is rated on another line too"),
        (["Image,label"], "must hold ratings"),
    ],
)
def test_broken_ratings(root, portraits, write, lines, reason):
    write(f"{FILE}.csv", *lines)
    with pytest.raises(DataError, match=rf"label\.csv: .*{reason}"):
        ScutFBP().read(root)


def test_another_folder(root, portraits):
    with pytest.raises(DataError, match="Looked for the ratings.*with Crop, Data_Collection"):
        ScutFBP().read(root)
