"""ChaLearn 2015 and 2016: tables of every published form, parts, missing and double images."""

import pytest

from keras_dldl.data.sources import ChaLearn15, ChaLearn16
from keras_dldl.errors import DataError


@pytest.fixture
def chalearn16(images, write):
    images("train/000001.jpg", "train/000002.jpg", "valid/004113.jpg", "test/005613.jpg")
    head = "image,mean,stdv"
    write("train_gt.csv", head, "000001.jpg,29.5,3.25", "000002.jpg,4,0")
    write("valid_gt.csv", head, "004113.jpg,50,6")
    write("test_gt.csv", head, "005613.jpg,70.1,8.5")


def test_2016(root, chalearn16):
    table = ChaLearn16().read(root).table
    assert table["path"].tolist() == [
        "train/000001.jpg", "train/000002.jpg", "valid/004113.jpg", "test/005613.jpg",
    ]  # fmt: skip
    assert table["label"].tolist() == [29.5, 4, 50, 70.1]
    assert table["sigma"].tolist() == [3.25, 0, 6, 8.5]
    assert table["split"].tolist() == ["train", "train", "val", "test"]
    assert set(table["database"]) == {"ChaLearn16"}


@pytest.mark.parametrize("suffix", [".csv", ".txt"])
@pytest.mark.parametrize(
    "lines",
    [["image_1.jpg;20;3.5"], ["image_1.jpg;20,0;3,5"], ["image_1.jpg 20 3.5"],
     ["image\tmean\tstd", "image_1.jpg\t20\t3.5"]],
)  # fmt: skip
def test_2015_in_every_form_of_table(root, images, write, lines, suffix):
    images("Train/image_1.jpg", "Validation/image_1.jpg", "Test/image_9.jpg")
    write(f"Train{suffix}", *lines)
    write(f"Validation{suffix}", *lines)
    write(f"Test/Reference{suffix}", "image_9.jpg;40;2")
    table = ChaLearn15().read(root).table
    assert table["path"].tolist() == [
        "Train/image_1.jpg", "Validation/image_1.jpg", "Test/image_9.jpg",
    ]  # fmt: skip
    assert table["label"].tolist() == [20, 20, 40] and table["sigma"].tolist() == [3.5, 3.5, 2]
    assert table["split"].tolist() == ["train", "val", "test"]


def test_counts_other_than_the_published_are_said(root, chalearn16, caplog):
    ChaLearn16().read(root)
    assert "4,113, 1,500, 1,978 images for train, val and test; these are 2, 1, 1" in caplog.text


def test_a_part_that_is_missing_is_said(root, chalearn16, caplog):
    (root / "test_gt.csv").unlink()
    assert len(ChaLearn16().read(root).table) == 3
    assert "No table of ratings for test." in caplog.text


def test_an_image_that_is_not_there_keeps_its_row(root, chalearn16):
    (root / "valid" / "004113.jpg").unlink()
    table = ChaLearn16().read(root).table
    assert table["path"][2] == "val/004113.jpg" and not (root / table["path"][2]).exists()


def test_an_image_of_another_part_is_not_taken(root, images, write):
    images("Train/image_1.jpg", "Validation/image_2.jpg")
    write("Train.csv", "image_1.jpg;20;3")
    write("Validation.csv", "image_1.jpg;30;3", "image_2.jpg;30;3")
    table = ChaLearn15().read(root).table
    assert table["path"].tolist() == [
        "Train/image_1.jpg", "val/image_1.jpg", "Validation/image_2.jpg",
    ]  # fmt: skip


def test_images_may_lie_together(root, images, write):
    images("all/a.jpg", "all/b.jpg")
    write("train_gt.csv", "a.jpg,20,3")
    write("test_gt.csv", "b.jpg,30,3")
    assert ChaLearn16().read(root).table["path"].tolist() == ["all/a.jpg", "all/b.jpg"]


def test_means_off_the_scale_are_listed(root, chalearn16, write):
    write("test_gt.csv", "image,mean,stdv", "005613.jpg,150,3")
    rows = ChaLearn16().read(root)
    assert len(rows.table) == 3
    assert rows.skipped[0].path == "test/005613.jpg"
    assert rows.skipped[0].reason == "test_gt.csv, line 2: age is not in 0...120: 150.0"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("000002.jpg,old,3", "line 3: must be image, mean, standard deviation"),
        ("000002.jpg,30", "line 3: must be image, mean"),
        ("000002.jpg,30,-1", "line 3: must be image, mean"),
        ("000001.jpg,30,1", r"line 3: 000001\.jpg stands on line 2 too"),
    ],
)
def test_broken_tables(root, chalearn16, write, line, reason):
    write("train_gt.csv", "image,mean,stdv", "000001.jpg,29.5,3.25", line)
    with pytest.raises(DataError, match=rf"train_gt\.csv: 1 bad row: {reason}"):
        ChaLearn16().read(root)


def test_two_tables_of_a_part(root, chalearn16, write):
    write("train.txt", "000001.jpg 3 4")
    with pytest.raises(
        DataError, match=r"one table. Received: train\.txt, train_gt\.csv for train"
    ):
        ChaLearn16().read(root)


def test_other_folders(root, images):
    with pytest.raises(DataError, match="Looked for tables of ratings.*nothing in it"):
        ChaLearn15().read(root)
    images("a.jpg")
    with pytest.raises(DataError, match=r"such as train_gt\.csv.*with a\.jpg"):
        ChaLearn15().read(root)
