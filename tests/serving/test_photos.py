"""Photos: faces, attention maps, and what is refused."""

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from keras_dldl.calibration import Calibration
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.quality import face_warnings
from keras_dldl.labels import LabelGrid
from keras_dldl.predict import Prediction
from keras_dldl.serving.registry import ModelTable
from tests.calibration.given import faces as labelled_faces
from tests.prediction_case import TEMPLATE, FakeDetector, picture
from tests.serving.conftest import client_of, error_of, picture_file
from tests.serving.fakes import SIDE, FakeMaps, FakeNetwork

LOW = round(SIDE * FakeMaps.covered[0])  # how far down the maps go


def photo(faces, **options):
    stream = io.BytesIO()
    Image.fromarray(picture(faces, **options)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("faces", [0, 1, 3])
def test_every_face_is_what_the_predictor_would_say(client, faces):
    answer = client.post("/api/faces", content=photo(faces))
    assert answer.status_code == 200
    content = json.loads(answer.text, parse_constant=lambda name: pytest.fail(name))
    assert {key: content[key] for key in ("model", "version", "task", "unit", "level")} == {
        "model": "age", "version": 3, "task": "age", "unit": "years", "level": 0.9,
    }  # fmt: skip
    assert (content["width"], content["height"]) == (120, 60)
    assert len(content["labels"]) == 101 and len(content["faces"]) == faces
    image, network = picture(faces), FakeNetwork()
    found = FakeDetector().detect([image])[0]
    for number, (told, face) in enumerate(zip(content["faces"], found, strict=True), 1):
        crop = Alignment().align(image, face.landmarks, SIDE)
        p = network.distributions(crop[None].astype("float32"))[0]
        known = {name: getattr(face, name) for name in ("box", "landmarks", "roll", "score")}
        expected = Prediction(p, network.grid, faces_found=faces, number=number, **known).to_dict()
        for key, value in expected.items():
            if key not in ("warnings", "landmarks"):
                assert told[key] == pytest.approx(value), key
        warnings = face_warnings(crop, face, image.shape[:2], Alignment())
        assert told["warnings"] == [warning._asdict() for warning in warnings]
        assert told["warnings"][0]["code"] == "small"
        assert told["distribution"] == pytest.approx(p)
        assert np.asarray(told["landmarks"]) == pytest.approx(face.landmarks, abs=0.01)


@pytest.mark.parametrize("name", ["image", "file", "photo"])
def test_a_form_is_as_good_as_the_picture_itself(client, name):
    content = photo(2)
    plain = client.post("/api/faces", content=content)
    form = client.post("/api/faces", files={name: ("a.png", content), "other": ("b", b"x")})
    assert form.status_code == 200 and form.json() == plain.json()


def test_distributions_can_be_left_out(client):
    content, short = (
        client.post(f"/api/faces?distribution={said}", content=photo(1)).json()
        for said in ("true", "false")
    )
    assert len(content.pop("labels")) == len(content["faces"][0].pop("distribution")) == 101
    assert short == content


def test_model_version_and_level_are_chosen_by_the_address(client):
    content = photo(1)
    beauty = client.post("/api/faces?model=beauty", content=content).json()
    told = beauty["task"], beauty["unit"], beauty["labels"][1]
    assert told == ("attractiveness", "points", 1.1)
    assert 1 <= beauty["faces"][0]["value"] <= 5
    old = client.post("/api/faces?model=age&version=1&level=0.5", content=content).json()
    assert (old["version"], len(old["labels"]), old["faces"][0]["level"]) == (1, 11, 0.5)


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        (
            "model=foo",
            404,
            "'foo' is being served. /api/models lists those that are. Received: model=foo",
        ),
        ("model=age&version=2", 404, "version 2"),
        ("model=age&version=x", 404, "version x"),
        ("level=0", 400, "between 0 and 1"),
        ("level=much", 400, "between 0 and 1. Received: 'much'"),
        ("level=nan", 400, "between 0 and 1"),
        ("distribution=no", 400, "true or false"),
        ("levle=0.5", 400, "distribution. Did you mean level? Received: 'levle'"),
    ],
)
def test_bad_questions(client, query, status, reason):
    assert reason in error_of(client.post(f"/api/faces?{query}", content=photo(1)), status)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "nothing in it"),
        (b"a text", "not a picture"),
        (picture_file(1, (60, 60), "JPEG")[:300], "damaged, or cut short"),
        (picture_file(1, (101, 100)), "over the limit of 10,000"),
    ],
)
@pytest.mark.parametrize("path", ["faces", "attention?landmarks=4,4,9,4,6,6,4,8,9,8"])
def test_what_is_no_picture_is_refused(client, content, reason, path):
    assert reason in error_of(client.post(f"/api/{path}", content=content), 400)


FORM = "multipart/form-data; boundary=abc"
FIELD = b"--abc\r\nContent-Disposition: form-data; %s\r\n\r\nhalf"


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        (FORM, b"", "The form"),
        (FORM, b"no form at all", "The form is damaged"),
        (FORM, FIELD % b'name="image"', "cut short"),
        (FORM, FIELD % b"", "The form is damaged"),
        (FORM, FIELD % b'name="x"' + b"\r\n--abc--", "must have a field named image, file, photo"),
        ("multipart/form-data", b"--abc--", "The form"),
        (FORM, 1001 * (FIELD % b'name="x"' + b"\r\n") + b"--abc--", "may have 1000 parts"),
    ],
)
def test_damaged_forms_are_refused(client, kind, body, reason, capfd):
    answer = client.post("/api/faces", content=body, headers={"Content-Type": kind})
    assert reason in error_of(answer, 400)
    assert "boundary" not in capfd.readouterr().err  # nothing but our own log is there


def points_of(box_side, x, y):
    return ",".join(str(v) for v in (TEMPLATE * box_side + (x, y)).ravel())


def test_an_attention_map_lies_where_it_covers_the_crop(client):
    points = TEMPLATE * 40 + (20, 10)
    path = f"/api/attention?landmarks={','.join(map(str, points.ravel()))}"
    content = client.post(path, content=photo(1)).json()
    assert content["attention"] == [[0.0, 0.5], [0.5, 1.0]]
    # The corners by another way: the crop's least-squares map from template to points.
    template = np.c_[Alignment().template(SIDE), np.ones(5)]
    corners = np.asarray(content["corners"])
    x, y = template[:, 0], template[:, 1]
    zero, one = np.zeros(5), np.ones(5)
    rows = np.vstack([np.c_[x, -y, one, zero], np.c_[y, x, zero, one]])
    a, b, c, d = np.linalg.lstsq(rows, points.T.ravel(), rcond=None)[0]
    for (u, v), corner in zip([(0, 0), (SIDE, 0), (SIDE, LOW), (0, LOW)], corners, strict=True):
        assert corner == pytest.approx([a * u - b * v + c, b * u + a * v + d])


def test_an_attention_map_as_a_picture(client):
    path = f"/api/attention?format=png&landmarks={points_of(40, 20, 10)}"
    answer = client.post(path, files={"image": photo(1)})
    assert answer.headers["content-type"] == "image/png"
    image = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert image.shape == (LOW, SIDE) and image[0, 0] == 0 and image[-1, -1] == 255


@pytest.mark.parametrize(
    "landmarks",
    ["", "1,2,3", "a,b,c,d,e,f,g,h,i,j", ",".join("5" * 10), "nan," * 9 + "nan", "1e9," * 9 + "7"],
)
def test_points_that_are_no_face_are_refused(client, landmarks):
    answer = client.post(f"/api/attention?landmarks={landmarks}", content=photo(1))
    assert "five points" in error_of(answer, 400)


@pytest.mark.parametrize("points", [points_of(5000, 0, 0), points_of(30, 5000, 0)])
def test_points_far_outside_the_picture_are_refused(client, points):
    answer = client.post(f"/api/attention?landmarks={points}", content=photo(1))
    assert "far outside" in error_of(answer, 400)


def test_a_model_without_attention_maps_says_why(client):
    path = f"/api/attention?model=beauty&landmarks={points_of(40, 20, 10)}"
    assert "Attention maps are for ages" in error_of(client.post(path, content=photo(1)), 501)
    other = client.post(f"{path}&format=gif", content=photo(1))
    assert "json or png" in error_of(other, 400)


def test_of_too_many_faces_the_largest_are_judged(client):
    content = client.post("/api/faces", content=photo(20)).json()  # the queue holds 8
    assert len(content["faces"]) == 8 and content["left_out"] == 12
    left_to_right = [face["box"][0] for face in content["faces"]]
    assert left_to_right == sorted(left_to_right)
    assert 5 + 90 / 20 in left_to_right  # the second of twenty is the largest


def test_a_model_that_gives_no_numbers_is_an_error():
    class Damaged(FakeNetwork):
        def answer(self, faces):
            return super().answer(faces) * np.nan

    with client_of({"age": Damaged()}) as client:
        assert "damaged" in error_of(client.post("/api/faces", content=photo(1)), 500)
        assert client.post("/api/faces", content=photo(0)).json()["faces"] == []


def test_small_photos_never_wait_for_faces_found_in_large_ones(monkeypatch):
    begun, go, detect = threading.Event(), threading.Event(), FakeDetector.detect

    def slow(self, images):
        if len(images[0]) > 500:
            begun.set()
            assert go.wait(20)
        return detect(self, images)

    monkeypatch.setattr(FakeDetector, "detect", slow)
    large = picture_file(1, (1000, 600))
    with client_of({"age": FakeNetwork()}) as client, ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(client.post, "/api/faces", content=large) for _ in range(3)]
        try:
            assert begun.wait(10)
            for _ in range(3):
                answer = client.post("/api/faces", content=photo(1), timeout=10)
                assert answer.status_code == 200 and len(answer.json()["faces"]) == 1
            assert not any(one.done() for one in waiting)
        finally:
            go.set()
        assert [one.result().status_code for one in waiting] == [200] * 3


def test_intervals_are_those_of_the_models_calibration(client):
    calibration = Calibration.fit(*labelled_faces(300), LabelGrid.age())
    network = FakeNetwork(calibration=calibration)
    with client_of({"age": network}) as other:
        told = other.post("/api/faces?level=0.8", content=photo(1)).json()["faces"][0]
    plain = client.post("/api/faces?level=0.8", content=photo(1)).json()["faces"][0]
    expected = calibration.interval(told["value"], told["std"], 0.8)
    assert told["calibrated"] and told["interval"] == pytest.approx(expected)
    assert not plain["calibrated"] and plain["value"] == told["value"]


def test_the_list_of_models_tells_it():
    table = ModelTable()
    table.add("age", 1, FakeNetwork(), {"name": "mine"})
    table.add("beauty", 1, FakeNetwork(LabelGrid.scut_fbp()))
    with client_of(table) as client:
        age, beauty = client.get("/api/models").json()["models"]
    assert (age["about"], beauty["about"]) == ({"name": "mine"}, None)
    assert (age["name"], age["versions"], age["stop"]) == ("age", [1], 100)
    assert (beauty["task"], beauty["unit"], beauty["step"]) == ("attractiveness", "points", 0.1)


def test_the_api_describes_itself():
    with client_of({"age": FakeNetwork()}) as client:
        paths = client.get("/openapi.json").json()["paths"]
        assert {"/api/models", "/api/faces", "/api/attention", "/healthz"} <= set(paths)
        assert all(one["description"] for methods in paths.values() for one in methods.values())
        *_, level, distribution = paths["/api/faces"]["post"]["parameters"]
        assert (level["name"], level["schema"]["default"]) == ("level", 0.9)
        assert (distribution["name"], distribution["schema"]["default"]) == ("distribution", True)
        page = client.get("/docs")
        assert page.status_code == 200 and "The API" in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
