"""APPA-REAL: both ages, official splits, crops and whole photos."""

import pytest

from keras_dldl.data.sources import SOURCES
from keras_dldl.errors import ConfigError, DataError
from tests.data.sources.layouts import APPA_HEADER, touch, write_lines


@pytest.fixture
def root(tmp_path):
    release = tmp_path / "appa-real-release"
    rows = {
        "train": ["000000.jpg,36,5.0,1.5,4", "000001.jpg,35,old,3.25,18"],
        "valid": ["004113.jpg,38,30.25,4.5,31"],
        "test": ["005613.jpg,30,64.5,5.75,70"],
    }
    for part, lines in rows.items():
        write_lines(release / f"gt_avg_{part}.csv", APPA_HEADER, *lines)
        names = [line.split(",")[0] for line in lines]
        touch(release / part, *names, *(f"{name}_face.jpg" for name in names))
    (release / "test" / "005613.jpg_face.jpg").unlink()
    return tmp_path


def test_the_apparent_age_comes_with_its_sigma(root):
    rows = SOURCES["appa-real"]().read(root)
    table = rows.table
    assert table["path"].tolist() == [
        "appa-real-release/train/000000.jpg_face.jpg",
        "appa-real-release/valid/004113.jpg_face.jpg",
        "appa-real-release/test/005613.jpg",
    ]
    assert table["label"].tolist() == [5, 30.25, 64.5]
    assert table["sigma"].tolist() == [1.5, 4.5, 5.75]
    assert table["split"].tolist() == ["train", "val", "test"]
    assert table["real_age"].tolist() == [4, 31, 70]
    (item,) = rows.skipped
    assert item.reason == "line 3: apparent age is not a number: 'old'"


def test_the_real_age_has_none(root):
    table = SOURCES["appa-real"](age="real").read(root).table
    assert table["label"].tolist() == [4, 18, 31, 70] and "sigma" not in table
    assert table["apparent_age"].tolist()[2:] == [30.25, 64.5]


def test_another_age_is_refused():
    with pytest.raises(ConfigError, match="Did you mean apparent. Received: age='aparent'"):
        SOURCES["appa-real"](age="aparent")


def test_without_images_it_says_what_it_looked_for(root):
    for path in (root / "appa-real-release" / "train").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"gt_avg_train\.csv lists.*Looked for: .*000000\.jpg"):
        SOURCES["appa-real"]().read(root)
