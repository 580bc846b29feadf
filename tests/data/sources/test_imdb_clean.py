"""IMDB-Clean: official splits, images where the authors' script or an archive puts them."""

import pytest

from keras_dldl.data.sources import SOURCES
from keras_dldl.errors import DataError
from tests.data.sources.layouts import IMDB_CLEAN_HEADER, columns_of, touch, write_lines

TAIL = ",1.5,-2,3,10,20,110,120"
ROWS = {
    "train": ["01/nm0000001_rm1_1899-5-10_1968.jpg,69,M", "01/nm0000001_rm2_1899.jpg,x,M"],
    "valid": ["02/nm0000002_rm3_1924-9-16_1974.jpg,49,F"],
    "test": ["03/nm0000003_rm4_1934-9-28_1967.jpg,150,F", "03/odd.jpg,33,"],
}  # fmt: skip


def write(root, images, csvs="csvs", rows=ROWS):
    for part, lines in rows.items():
        lines = [line + TAIL for line in lines]
        write_lines(root / csvs / f"imdb_{part}_new_1024.csv", IMDB_CLEAN_HEADER, *lines)
        touch(root / images, *(line.split(",")[0] for line in lines))


@pytest.mark.parametrize(
    ("images", "csvs"),
    [
        ("data/imdb-clean-1024", "csvs"),
        ("imdb-clean-1024/imdb-clean-1024", "."),
        ("imdb-clean-1024", "imdb-clean-1024"),
        (".", "."),
    ],
)
def test_rows(tmp_path, images, csvs):
    write(tmp_path, images, csvs)
    rows = SOURCES["imdb-clean"]().read(tmp_path)
    prefix = "" if images == "." else f"{images}/"
    assert columns_of(rows.table) == {
        "path": [prefix + ROWS[part][k].split(",")[0] for part, k in
                 (("train", 0), ("valid", 0), ("test", 1))],
        "label": [69, 49, 33],
        "split": ["train", "val", "test"],
        "subject": ["imdb-nm0000001", "imdb-nm0000002", None],
        "gender": ["male", "female", None],
        "database": ["IMDB-Clean"] * 3,
    }  # fmt: skip
    assert [item.reason for item in rows.skipped] == [
        "line 3: age is not a number: 'x'", "line 2: age 150 is outside 0...120",
    ]  # fmt: skip


def test_people_in_two_official_parts_do_not_stop_it(tmp_path, caplog):
    rows = {"train": ["01/nm1_a.jpg,30,M", "01/nm2_a.jpg,31,M"], "test": ["01/nm1_b.jpg,32,M"]}
    write(tmp_path, ".", rows=rows)
    table = SOURCES["imdb-clean"]().read(tmp_path).table
    assert "subject" not in table and table["split"].tolist() == ["train", "train", "test"]
    assert "1 people are in more than one official part" in caplog.text


def test_the_wrong_folder(tmp_path):
    touch(tmp_path, "imdb_train_new.csv")
    with pytest.raises(DataError, match=r"imdb_train_new_1024\.csv.*with imdb_train_new\.csv"):
        SOURCES["imdb-clean"]().read(tmp_path)
