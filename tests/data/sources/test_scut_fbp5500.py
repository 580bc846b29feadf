"""SCUT-FBP5500: published and flat layouts, folds, ratings, landmarks."""

import struct
import sys

import numpy as np
import pytest

from keras_dldl.data.sources import ScutFBP5500
from keras_dldl.errors import ConfigError, DataError

FOLDS = "train_test_files/5_folders_cross_validations_files/cross_validation_{0}/{1}_{0}.txt"
HALVES = "train_test_files/split_of_60%training and 40%testing/{}.txt"
SCORES = {"AF1.jpg": 2.333333, "AM2.jpg": 3.5, "CF3.jpg": 4.75, "CM4.jpg": 1.5, "AF5.jpg": 3}
NAMES = list(SCORES)
SCUT = {0: 58, 1: 59, 3: 79, 4: 73}


@pytest.fixture
def published(images, write):
    """Make the published layout; the k-th name is the test image of fold k + 1."""
    images(*(f"Images/{name}" for name in NAMES))
    for k, tested in enumerate(NAMES, 1):
        train = [f"{name} {SCORES[name]}" for name in NAMES if name != tested]
        write(FOLDS.format(k, "train"), *train)
        write(FOLDS.format(k, "test"), f"{tested} {SCORES[tested]}")
    write(HALVES.format("train"), *(f"{name} {SCORES[name]}" for name in NAMES[:3]))
    write(HALVES.format("test"), *(f"{name} {SCORES[name]}" for name in NAMES[3:]))


def by_name(table, column):
    return dict(zip(table["path"].str.rpartition("/")[2], table[column], strict=True))


def test_without_a_fold_every_scored_image(root, published):
    rows = ScutFBP5500().read(root)
    assert by_name(rows.table, "label") == SCORES and rows.skipped == []
    assert set(rows.table.columns) == {"path", "label", "gender", "race", "database"}
    assert by_name(rows.table, "gender")["CF3.jpg"] == "female"
    assert by_name(rows.table, "race") == {
        "AF1.jpg": "asian", "AM2.jpg": "asian", "CF3.jpg": "white", "CM4.jpg": "white",
        "AF5.jpg": "asian",
    }  # fmt: skip
    assert (ScutFBP5500().grid().start, ScutFBP5500().grid().stop) == (1, 5)


@pytest.mark.parametrize("fold", [1, 3, "5"])
def test_cross_validation(root, published, fold):
    splits = by_name(ScutFBP5500(fold).read(root).table, "split")
    tested = NAMES[int(fold) - 1]
    assert splits == {name: "test" if name == tested else "train" for name in NAMES}


def test_the_split_of_60_and_40(root, published):
    splits = by_name(ScutFBP5500("60-40").read(root).table, "split")
    assert splits == dict(zip(NAMES, ["train"] * 3 + ["test"] * 2, strict=True))


def test_the_flat_layout(root, images, write):
    images("AF1.jpg", "CM4.jpg", "AM7.jpg", "cover.png")
    write("train_1.txt", "AF1.jpg 2.333333")
    write("test_1.txt", "CM4.jpg 1.5")
    rows = ScutFBP5500(1).read(root)
    assert by_name(rows.table, "split") == {"AF1.jpg": "train", "CM4.jpg": "test"}
    assert {item.path: item.reason for item in rows.skipped} == {
        "AM7.jpg": "no score in the lists",
        "cover.png": "name is not that of an image of SCUT-FBP5500, such as AF1.jpg",
    }


def test_images_outside_the_fold_are_listed(root, published, write):
    write(FOLDS.format(2, "train"), "AF1.jpg 2.333333")
    rows = ScutFBP5500(2).read(root)
    assert by_name(rows.table, "split") == {"AF1.jpg": "train", "AM2.jpg": "test"}
    assert {item.reason for item in rows.skipped} == {"not in the lists of fold 2"}
    assert len(rows.skipped) == 3


def test_an_image_that_is_not_there_keeps_its_row(root, published):
    (root / "Images" / "AF5.jpg").unlink()
    assert "Images/AF5.jpg" in ScutFBP5500().read(root).table["path"].tolist()


RATINGS = {"AF1.jpg": [2, 2, 3], "AM2.jpg": [3, 4], "CF3.jpg": [5, 4.5, 5], "CM4.jpg": [1, 2]}


def rating_rows():
    yield ["Rater", "Filename", "Rating", "original Rating"]
    for name, values in RATINGS.items():
        yield from ([k, name, value, None] for k, value in enumerate(values))


def check_sigma(table):
    sigma = by_name(table, "sigma")
    for name, values in RATINGS.items():
        assert sigma[name] == pytest.approx(np.std(values, ddof=1))


def test_ratings_of_excel(root, published, excel):
    sheets = {"Asian_Female": [["other"]], "ALL": list(rating_rows())}
    excel("All_Ratings.xlsx", sheets)
    table = ScutFBP5500().read(root).table
    check_sigma(table)
    assert by_name(table, "label") == SCORES and np.isnan(by_name(table, "sigma")["AF5.jpg"])


def test_ratings_of_csv_alone_give_the_means(root, images, write):
    images(*RATINGS)
    write("All_Ratings.csv", *(",".join(map(str, row)) for row in rating_rows()))
    table = ScutFBP5500().read(root).table
    check_sigma(table)
    means = by_name(table, "label")
    assert {name: pytest.approx(np.mean(values)) for name, values in RATINGS.items()} == means


def test_without_openpyxl_sigma_is_left_out_and_said(root, published, monkeypatch, caplog):
    (root / "All_Ratings.xlsx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "sigma" not in ScutFBP5500().read(root).table
    assert "Without sigma: Excel files need the package openpyxl" in caplog.text


def test_landmarks(root, published, face_points, binary_points):
    folder = root / "facial landmark"
    folder.mkdir()
    (folder / "AF1.pts").write_bytes(binary_points(face_points(86, SCUT)))
    (folder / "CM4.pts").write_bytes(struct.pack("<i", 0))
    landmarks = by_name(ScutFBP5500().read(root).table, "landmarks")
    assert landmarks["AF1.jpg"][:4] == (80, 90, 120, 90)
    assert [name for name, points in landmarks.items() if points is not None] == ["AF1.jpg"]


@pytest.mark.parametrize(
    ("name", "lines", "reason"),
    [
        (FOLDS.format(1, "test"), ["AF1.jpg"], "line 1: must be a name such as AF1.jpg"),
        (FOLDS.format(1, "test"), ["AF1.jpg high"], "line 1: must be a name"),
        (FOLDS.format(1, "test"), ["face.jpg 3"], "line 1: must be a name"),
        (FOLDS.format(1, "test"), ["AF1.jpg 2", "AF1.jpg 2"], "line 2: AF1.jpg stands on line 1"),
        (FOLDS.format(1, "test"), ["AF1.jpg 4"], "AF1.jpg has the score"),
        (FOLDS.format(1, "test"), ["CM4.jpg 1.5"], "CM4.jpg is in the part test too"),
        ("All_Ratings.csv", ["AF1.jpg,3", "AF1.jpg,4"], "line 1: must name the columns Filename"),
        ("All_Ratings.csv", ["Filename,Rating", "AF1.jpg,x"], "line 2: must be an image's name"),
    ],
)
def test_broken_files(root, published, write, name, lines, reason):
    write(name, *lines)
    with pytest.raises(DataError, match=rf"(txt|csv): 1 bad row: .*{reason}"):
        ScutFBP5500(1).read(root)


def test_other_folders(root, images, write):
    images("AF1.jpg")
    with pytest.raises(DataError, match=r"Looked for lists of scores \(train_1.*with AF1.jpg"):
        ScutFBP5500().read(root)
    write("train_2.txt", "AF1.jpg 3")
    with pytest.raises(DataError, match="for fold 60-40.*lists for the folds: 2"):
        ScutFBP5500("60-40").read(root)
    with pytest.raises(ConfigError, match="one of '1', '2', '3', '4', '5', '60-40'.*fold='0'"):
        ScutFBP5500(0)


def test_published_lists(real_annotations, root, images):
    images("AF1.jpg")
    for part in ("train", "test"):
        text = (real_annotations / f"scut_fbp5500_{part}_2.txt").read_text()
        (root / f"{part}_2.txt").write_text(text)
    table = ScutFBP5500(2).read(root).table
    assert table["split"].value_counts().to_dict() == {"train": 4400, "test": 1100}
    assert table.groupby(["race", "gender"]).size().to_dict() == {
        ("asian", "female"): 2000, ("asian", "male"): 2000,
        ("white", "female"): 750, ("white", "male"): 750,
    }  # fmt: skip
    assert table["label"].between(1, 5).all()
