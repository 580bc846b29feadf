"""Landmarks that a data set gives: whole runs of `prepare`, and what does not count."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_dldl.data.prepare import PrepareOptions, prepare
from keras_dldl.data.prepare.given_landmarks import cut_faces, take_landmarks, with_choice
from keras_dldl.data.prepared import PreparedFolder
from keras_dldl.data.records import encode_jpeg
from keras_dldl.data.sources import CsvSource, Source, SourceRows
from keras_dldl.data.synthetic import draw_face
from keras_dldl.errors import DataError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.images import Photo

OPTIONS = PrepareOptions(size=48, val=0, test=0, workers=1, landmarks="given")
DETECT = dataclasses.replace(OPTIONS, landmarks="detect")


class Faces(Source):
    """Three drawn faces, of which the first two have landmarks."""

    name = "faces"

    def __init__(self, root):
        self.faces = [draw_face(age, np.random.default_rng(age), size=96) for age in (9, 40, 70)]
        self.given = [tuple(map(float, face.landmarks.ravel())) for face in self.faces[:2]] + [None]
        root.mkdir()
        for k, face in enumerate(self.faces):
            Image.fromarray(face.image).save(root / f"{k}.png")

    def read(self, root):
        return SourceRows.from_dicts(
            {"path": f"{k}.png", "label": 20.0, "landmarks": given}
            for k, given in enumerate(self.given)
        )


@pytest.fixture
def source(tmp_path):
    return Faces(tmp_path / "faces")


def manifest(out):
    return pd.read_csv(out / "manifest.csv").sort_values("path").reset_index(drop=True)


@pytest.mark.parametrize("kind", ["source", "csv"])
def test_given_landmarks_take_the_place_of_detection(source, tmp_path, no_faces, kind):
    given = source
    if kind == "csv":
        numbers = [" ".join(map(str, points)) if points else "" for points in source.given]
        lines = [f"{k}.png,20,{text}" for k, text in enumerate(numbers)]
        (tmp_path / "labels.csv").write_text("\n".join(["path,label,landmarks", *lines]) + "\n")
        given = CsvSource(tmp_path / "labels.csv")
    out = tmp_path / "out"
    result = prepare(given, tmp_path / "faces", out, OPTIONS)
    assert (result.given, result.found, result.whole) == (2, 0, 1) and no_faces.groups == [1]
    table = manifest(out)
    assert table["face"].tolist() == ["given", "given", "whole"]
    assert "landmarks" not in table
    folder = PreparedFolder.open(out)
    written = dict(zip(folder.rows()["path"], folder.records().read(range(3)), strict=True))
    for k, face in enumerate(source.faces[:2]):
        expected = Alignment(OPTIONS.margin).align(face.image, face.landmarks, 48)
        assert written[f"{k}.png"] == encode_jpeg(expected)


def test_by_default_all_faces_are_detected(source, tmp_path, no_faces):
    result = prepare(source, tmp_path / "faces", tmp_path / "out", DETECT)
    assert result.given == 0 and result.whole == 3 and no_faces.groups == [3]
    assert "landmarks" not in manifest(tmp_path / "out")


def test_the_choice_and_the_landmarks_belong_to_the_plan(source, tmp_path, no_faces):
    out = tmp_path / "out"
    prepare(source, tmp_path / "faces", out, OPTIONS)
    assert json.loads((out / "plan.json").read_text())["options"]["landmarks"] == "given"
    with pytest.raises(DataError, match="landmarks='given', now 'detect'"):
        prepare(source, tmp_path / "faces", out, DETECT)
    source.given[0] = source.given[1]
    with pytest.raises(DataError, match="the data set has other rows now"):
        prepare(source, tmp_path / "faces", out, OPTIONS)


@pytest.mark.parametrize(
    "points",
    [
        [20.0] * 10,  # one point
        [float("nan")] * 10,
        [500.0 + v for v in (20, 20, 60, 20, 40, 40, 25, 60, 55, 60)],  # beside the image
    ],
)
def test_points_that_span_no_face_in_the_image_are_not_taken(points, no_faces):
    image = np.zeros((80, 80, 3), np.uint8)
    ((_, face, _),) = cut_faces(no_faces, ["a"], [Photo(image)], {"a": tuple(points)}, 32)
    assert face == "whole" and no_faces.groups == [1]


@pytest.mark.parametrize(
    "text",
    [
        "0.5 1 2 3 4 5 6 7 8 9",
        "0,5 1 2 3 4 5 6 7 8 9",  # decimal comma
        "0,5;1;2;3;4;5;6;7;8;9,0",
        "0.5,1 2,3 4,5 6,7 8,9",  # x,y
        "0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        "0.5,1,2,3,4,5,6,7,8,9",
    ],
)
def test_ways_to_write_ten_numbers(text):
    points = (0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "landmarks": [None, text]})
    chosen = with_choice(table, "given")
    assert chosen["landmarks"].tolist() == [None, points]
    rest, given = take_landmarks(chosen)
    assert rest.columns.tolist() == ["path"] and given == {"b.jpg": points}


@pytest.mark.parametrize("value", [(1.0, 2.0), "1 2 3", "a b", 7.5, (None,) * 10])
def test_what_is_not_ten_numbers(value):
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "landmarks": [tuple(range(10)), value]})
    with pytest.raises(DataError, match=r"ten numbers, x1 y1 ... x5 y5.*for b\.jpg"):
        with_choice(table, "given")


@pytest.mark.parametrize("columns", [{}, {"landmarks": [None, None]}])
def test_a_data_set_that_gives_none(columns):
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"], **columns})
    with pytest.raises(DataError, match="brings some; detect them.*2 images with none"):
        with_choice(table, "given")
    assert with_choice(table, "detect").columns.tolist() == ["path"]
