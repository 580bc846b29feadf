"""MORPH Album II: by its listing, in several forms, and by the files' names alone."""

import pytest

from keras_dldl.data.sources import SOURCES
from keras_dldl.errors import DataError
from tests.data.sources.layouts import MORPH_HEADER, touch, write_lines

PHOTOS = ("Album2/009055_1M54.JPG", "Album2/009055_2M55.JPG", "Album2/012345_0F16.JPG")
LINES = [
    f"9055,1,1/1/1950,1/1/2004,B,M,0,54,0,0,{PHOTOS[0]}",
    f"9055,2,1/1/1950,1/1/2005,B,M,0,55,1,0,{PHOTOS[1]}",
    f"12345,0,1/1/1990,1/1/2006,W,F,,16,0,,{PHOTOS[2]}",
]


@pytest.fixture
def root(tmp_path):
    touch(tmp_path, *PHOTOS)
    return tmp_path


def read(root):
    return SOURCES["morph"]().read(root)


def test_names_alone(root):
    table = read(root).table
    assert table["label"].tolist() == [54, 55, 16]
    assert table["subject"].tolist() == ["morph-009055", "morph-009055", "morph-012345"]
    assert table["gender"].tolist() == ["male", "male", "female"]


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-16"), ("\t", "latin-1")]
)
def test_the_listing_gives_the_same_and_the_race(root, delimiter, encoding):
    by_name = read(root).table
    lines = [line.replace(",", delimiter) for line in (MORPH_HEADER, *LINES)]
    write_lines(root / "morph_2008_nonCommercial.csv", *lines, encoding=encoding)
    write_lines(root / "MORPH_Album2_EYECOORDS.csv", "photo,x,y", "009055_1M54,67,99")
    table = read(root).table
    assert table["race"].tolist() == ["black", "black", "white"]
    assert table.drop(columns="race").equals(by_name)


def test_bad_rows_and_unlisted_photos_are_skipped(root):
    bad = LINES[0].replace(",54,", ",old,"), LINES[1].replace(",55,", ",155,")
    write_lines(root / "listing.csv", MORPH_HEADER, *bad)
    touch(root, "Album2/000001_1F20.JPG")
    write_lines(root / "listing.csv", MORPH_HEADER, *bad, LINES[2])
    rows = read(root)
    assert rows.table["path"].tolist() == [PHOTOS[2]]
    assert [(item.path, item.reason) for item in rows.skipped] == [
        (PHOTOS[0], "line 2: age is not a number: 'old'"),
        (PHOTOS[1], "line 3: age 155 is outside 0...120"),
        ("Album2/000001_1F20.JPG", "not in listing.csv"),
    ]


def test_photos_are_found_where_they_lie_and_missing_ones_are_kept(root):
    lines = [line.replace("Album2/", "photos\\") for line in LINES]
    lines.append(LINES[0].replace("009055_1M54", "009999_1M54"))
    write_lines(root / "listing.csv", MORPH_HEADER, *lines)
    assert read(root).table["path"].tolist() == [*PHOTOS, "Album2/009999_1M54.JPG"]


def test_a_listing_of_other_photos_is_an_error(root):
    write_lines(root / "listing.csv", MORPH_HEADER, LINES[0].replace("009055", "000001"))
    with pytest.raises(DataError, match=r"listing\.csv lists.*Album2/000001_1M54\.JPG"):
        read(root)


def test_a_listing_cut_short_is_an_error(root):
    write_lines(root / "listing.csv", MORPH_HEADER, LINES[0], LINES[1][:30])
    with pytest.raises(DataError, match=r"listing\.csv, line 3: .*cut short"):
        read(root)
