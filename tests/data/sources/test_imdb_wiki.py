"""IMDB-WIKI: ages against a slow loop, every reason to skip, both parts together, large files."""

import datetime

import numpy as np
import pytest

from keras_dldl.data.sources import SOURCES
from keras_dldl.data.sources.base import kinds_of
from keras_dldl.data.sources.imdb_wiki import age_at_mid_year
from keras_dldl.errors import ConfigError, DataError
from tests.data.sources.layouts import columns_of, datenum, touch, write_imdb

NAN, INF = float("nan"), float("inf")
BORN = datenum(datetime.date(1950, 7, 1))


def row(name, born=BORN, year=2000, gender=1, person="A Person", score=3.0, second=NAN):
    return (born, year, name, gender, person, score, second)


@pytest.fixture
def root(tmp_path):
    write_imdb(
        tmp_path / "imdb_crop" / "imdb.mat",
        "imdb",
        [
            row("01/a.jpg"),
            row("01/b.jpg", gender=0, person="  Zoë   B"),
            row("02/no-face.jpg", score=-INF),
            row("02/two.jpg", second=2.5),
            row("02/unborn.jpg", year=1940),
            row("02/ancient.jpg", born=datenum(datetime.date(1, 5, 5))),
            row("02/unsure.jpg", score=0.5, gender=NAN, person=""),
        ],
    )
    touch(tmp_path / "imdb_crop", "01/a.jpg", "01/b.jpg")
    return tmp_path


def read(root, **options):
    return SOURCES["imdb-wiki"](**options).read(root)


def test_rows_and_reasons(root):
    rows = read(root)
    assert columns_of(rows.table) == {
        "path": ["imdb_crop/01/a.jpg", "imdb_crop/01/b.jpg", "imdb_crop/02/unsure.jpg"],
        "label": [50, 50, 50],
        "subject": ["A Person", "Zoë B", None],
        "gender": ["male", "female", None],
        "database": ["IMDB"] * 3,
    }
    assert {item.path.rpartition("/")[2]: item.reason for item in rows.skipped} == {
        "no-face.jpg": "face score missing, so no face was found",
        "two.jpg": "second face",
        "unborn.jpg": "age -10 is outside 0...120",
        "ancient.jpg": "age 1999 is outside 0...120",
    }
    counts = {kind.fault: kind.count for kind in kinds_of(rows.skipped)}
    assert counts["age … is outside 0...120"] == 2


def test_both_parts_are_read_and_share_people(root):
    write_imdb(root / "wiki_crop" / "wiki.mat", "wiki", [row("17/c.jpg", year=1960)])
    touch(root / "wiki_crop", "17/c.jpg")
    table = read(root).table
    assert table["database"].tolist() == ["IMDB"] * 3 + ["WIKI"]
    assert table["path"].iloc[-1] == "wiki_crop/17/c.jpg" and table["label"].iloc[-1] == 10
    assert table["subject"].iloc[-1] == table["subject"].iloc[0]


def test_scores(root):
    paths = read(root, min_face_score=3, max_second_face_score=2.5).table["path"]
    assert [path.rpartition("/")[2] for path in paths] == ["a.jpg", "b.jpg", "two.jpg"]
    reasons = {item.reason for item in read(root, max_second_face_score=2).skipped}
    assert "second face with a score above 2" in reasons
    with pytest.raises(ConfigError, match="finite number. Received: min_face_score=nan"):
        read(root, min_face_score=NAN)


def test_ages_are_those_of_a_slow_loop():
    random = np.random.default_rng(0)
    days = random.integers(datetime.date(1850, 1, 1).toordinal(), 735_000, 3000)
    born = [datetime.date.fromordinal(int(day)) for day in days]
    born += [datetime.date(1952, 2, 29), datetime.date(1999, 12, 31), datetime.date(2000, 7, 1)]
    years = random.integers(1900, 2020, len(born))
    expected = [
        year - b.year - ((b.month, b.day) > (7, 1)) for b, year in zip(born, years, strict=True)
    ]
    ages = age_at_mid_year(np.array([datenum(b) + 0.25 for b in born]), years.astype(float))
    np.testing.assert_array_equal(ages, expected)
    assert np.isnan(age_at_mid_year(np.array([NAN, BORN]), np.array([2000.0, NAN]))).all()


def test_the_wrong_folder_and_images_elsewhere(tmp_path, root):
    touch(root / "other", "a.txt")
    with pytest.raises(DataError, match=r"Looked for: imdb\.mat or wiki\.mat\. .*with a\.txt"):
        read(root / "other")
    for path in (root / "imdb_crop" / "01").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"that imdb\.mat lists.*imdb_crop/01/a\.jpg"):
        read(root)


def test_nothing_usable_says_why(tmp_path):
    write_imdb(tmp_path / "wiki.mat", "wiki", [row("a.jpg", score=-INF), row("b.jpg", second=3)])
    touch(tmp_path, "a.jpg")
    with pytest.raises(DataError, match="no usable row. Received: 2 rows: 1 face score missing"):
        read(tmp_path)
