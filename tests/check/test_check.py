"""The check: planted leaks in one folder and over several, and what is said of them."""

import base64
import io
import json
import re

import pytest
from PIL import Image

from keras_dldl.check import CheckOptions, check
from keras_dldl.check.page import text_report, verdict
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.labels import LabelGrid
from tests.data.leaks.pictures import SIDE, copy_of, picture, write_prepared
from tests.html_case import Page


def row(path, label, split, subject=None, **columns):
    return {"path": path, "label": label, "split": split, "subject": subject, **columns}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A training folder, and one for validation and test with copies of it."""
    place = tmp_path_factory.mktemp("leaks")
    rows = [row(f"{k}.jpg", 20 + k, "train", f"p{k}", gender="mf"[k % 2]) for k in range(12)]
    images = [picture(k) for k in range(12)]
    rows += [row("again.jpg", 50, "train", "p0", gender="f")]
    images += [picture(0)]  # identical, another label
    rows += [row("near.jpg", 22, "train", "p1", gender="f")]
    images += [copy_of(picture(1), "resized")]  # a year off: within one step
    write_prepared(place / "one", rows, images)
    rows = [
        row("0.jpg", 24, "test", "p4"),  # the name of another picture in the first folder
        row("<b>.jpg", 33, "val", "q0"),
        row("new.jpg", 60, "val", "p5"),  # a new picture of a person in training
        row("alone.jpg", 61, "test", "q1"),
        row("broken.jpg", 10, "test", "q2"),
    ]
    images = [
        copy_of(picture(4), "saved anew"), copy_of(picture(5), "mirrored"),
        picture(40), picture(41), b"\xff\xd8 nothing",
    ]  # fmt: skip
    write_prepared(place / "two", rows, images)
    return place


@pytest.fixture(scope="module")
def result(place):
    return check(place / "one", place / "two")


def test_the_pairs(result):
    content = result.content
    found = {
        (p["first"]["path"], p["second"]["path"]): (
            p["kind"], p["between_parts"], p["label_difference"], p["label_conflict"]
        )
        for p in content["pairs"]
    }  # fmt: skip
    assert found == {
        ("4.jpg", "0.jpg"): ("near", True, 0, False),
        ("5.jpg", "<b>.jpg"): ("mirrored", True, 8, True),
        ("0.jpg", "again.jpg"): ("identical", False, 30, True),
        ("1.jpg", "near.jpg"): ("near", False, 1, False),
    }
    assert [p["between_parts"] for p in content["pairs"]] == [True, True, False, False]
    pair = next(p for p in content["pairs"] if p["kind"] == "mirrored")
    assert pair["first"] == {
        "folder": 0, "path": "5.jpg", "part": "train", "label": 25.0, "subject": "p5",
    }  # fmt: skip
    assert pair["second"]["folder"] == 1 and 0.88 <= pair["similarity"] <= 1


def test_the_counts(result):
    content = result.content
    assert content["counts"] == {
        "faces": 18,
        "parts": {"train": 14, "val": 2, "test": 2},
        "leaking_faces": {"train": 2, "val": 0, "test": 0},
        "pairs_between_parts": 2,
        "pairs_within_parts": {"train": 2, "val": 0, "test": 0},
        "label_conflicts": 2,
        "torn_subjects": 2,
        "unreadable": 1,
        "images_of_weight_0": 4,
        "images_of_less_weight": 2,
    }
    leaks = [(item["path"], item["also"]["path"]) for item in content["leaking_faces"]]
    assert leaks == [("4.jpg", "0.jpg"), ("5.jpg", "<b>.jpg")]
    assert [item["subject"] for item in content["subjects"]] == ["p4", "p5"]
    assert content["subjects"][1]["parts"] == {"train": 1, "val": 1, "test": 0}
    assert content["sizes"] == {f"{SIDE} x {SIDE}": 18}
    assert content["labels"]["20-29"] == {"train": 11, "val": 0, "test": 1}
    assert content["groups"]["gender"]["f"]["parts"] == {"train": 8, "val": 0, "test": 0}
    assert content["groups"]["gender"]["f"]["labels"]["50-59"]["train"] == 1
    (broken,) = content["unreadable"]
    assert broken["path"].endswith("two/broken.jpg") and "identify" in broken["reason"]
    assert result.leaks and verdict(content) == (
        "Leaks: 2 faces of train also in val or test; 2 people are in more than one part.",
        False,
    )
    assert re.search(r"labels contradict each other +2\n", text_report(content))


def test_people_of_two_data_sets_are_not_one(tmp_path):
    for k, (split, database) in enumerate([("train", "X"), ("test", "Y"), ("val", None)]):
        rows = [row(f"{k}.jpg", 30, split, "person 1", database=database)]
        write_prepared(tmp_path / str(k), rows, [picture(k)], source="csv")
    assert check(tmp_path / "0", tmp_path / "1", tmp_path / "2").content["subjects"] == []
    rows = [row("a.jpg", 30, "test", "person 1", database="X")]
    write_prepared(tmp_path / "3", rows, [picture(9)])
    (torn,) = check(tmp_path / "0", tmp_path / "3").content["subjects"]
    assert torn["database"] == "X" and torn["parts"] == {"train": 1, "val": 0, "test": 1}


def test_options(place, tmp_path):
    strict = check(place / "one", place / "two", options=CheckOptions(similarity=1.0))
    assert [pair["kind"] for pair in strict.content["pairs"]] == ["identical"]
    exact = check(place / "one", options=CheckOptions(label_tolerance=0))
    assert exact.content["counts"]["label_conflicts"] == 2
    grid = LabelGrid.scut_fbp()
    rows = [row(f"{k}.jpg", 1 + k, "train") for k in range(3)]
    write_prepared(tmp_path / "scut", rows, [picture(k) for k in range(3)], grid=grid)
    content = check(tmp_path / "scut").content
    assert content["settings"]["label_tolerance"] == grid.step
    assert sum(part["train"] for part in content["labels"].values()) == 3


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ({"similarity": 0}, "above 0"),
        ({"similarity": 1.1}, "at most 1"),
        ({"label_tolerance": -1}, "not below 0"),
        ({"show": -1}, "0 or more"),
    ],
)
def test_bad_options(option, reason):
    with pytest.raises(ConfigError, match=reason):
        CheckOptions(**option)


def test_bad_folders(place, tmp_path):
    with pytest.raises(ConfigError, match="may be given once"):
        check(place / "one", place / "." / "one")
    with pytest.raises(DataError, match="not prepared data"):
        check(tmp_path)
    write_prepared(tmp_path / "a", [row("a.jpg", 3, "val")], [b"no image"])
    with pytest.raises(DataError, match=r"No face can be read.*a\.jpg"):
        check(tmp_path / "a")


def test_a_damaged_face_costs_no_other(place, tmp_path):
    rows = [row(f"{k}.jpg", 30, ("train", "test")[k % 2]) for k in range(6)]
    write_prepared(tmp_path, rows, [picture(k) for k in range(6)])
    shard = tmp_path / "faces" / "00000-of-00001.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-9])
    content = check(tmp_path).content
    assert content["counts"]["parts"] == {"train": 3, "val": 0, "test": 2}
    assert content["unreadable"][0]["path"] == str(shard)
    assert "1 rows have no readable record" in content["unreadable"][-1]["reason"]
    shard.unlink()
    with pytest.raises(DataError, match=r"No face can be read. Received: .*00001.tfrecord"):
        check(tmp_path)


def test_the_page(result, tmp_path):
    paths = result.save(tmp_path / "out")
    assert [path.name for path in paths] == ["check.json", "check.html", "image_weights.csv"]
    assert json.loads(paths[0].read_text()) == result.content
    text = paths[1].read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == [] and ("html", {"lang": "en"}) in page.tags
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 8 and all(image["alt"] for image in images)
    prefix = "data:image/jpeg;base64,"
    assert all(image["src"].startswith(prefix) for image in images)
    with Image.open(io.BytesIO(base64.b64decode(images[0]["src"].removeprefix(prefix)))) as image:
        assert image.size == (SIDE, SIDE)
    assert not re.search(r"https?://|<script|<link|@import|url\(", text)
    assert "<b>" not in text and "&lt;b&gt;.jpg" in text
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_the_page_shows_so_many_and_counts_the_rest(place, tmp_path):
    result = check(place / "one", place / "two", options=CheckOptions(show=1))
    text = result.save(tmp_path)[1].read_text()
    assert text.count("<img") == 6 and "and 1 more, listed in check.json" in text
