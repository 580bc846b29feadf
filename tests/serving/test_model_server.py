"""The same requests to our server, to TensorFlow Serving where it is on the PATH, and a double."""

import base64
import contextlib
import json
import urllib.error
import urllib.request

import numpy as np
import pytest

from keras_dldl.errors import ServerError, UnreadableImage
from keras_dldl.predict import predict_age
from keras_dldl.serving import Client
from tests.evaluation.given import noise, tiny_model
from tests.faces.odd_images import encoded, rotated_by_exif, truncated

pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api (extra dev) is missing")

from tests.serving import doubles  # noqa: E402

needs_binary = pytest.mark.skipif(
    doubles.REAL_SERVER is None,
    reason="tensorflow_model_server is not on the PATH: others alone are asked",
)
SERVERS = {
    "keras-dldl serve": doubles.own_server,
    "gRPC double": doubles.grpc_double,
    "REST": lambda folder: doubles.model_server(folder, "http"),
    "gRPC": lambda folder: doubles.model_server(folder, "grpc"),
}


ALL = [
    pytest.param(name, marks=needs_binary if name in ("REST", "gRPC") else []) for name in SERVERS
]
over_rest = pytest.mark.parametrize(
    "url", [one for one in ALL if "gRPC" not in one.values[0]], indirect=True, scope="module"
)


@pytest.fixture(scope="module", params=ALL)
def url(request, exported):
    with SERVERS[request.param](exported.path) as address:
        yield address


@pytest.fixture
def client(url):
    with Client(url, "m", retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def expected():
    return predict_age(list(noise(5, seed=1)), model=tiny_model(), detect=False)


def test_predictions_are_those_of_python(client, expected, tmp_path):
    first, second, *rest = noise(5, seed=1)
    (tmp_path / "a.png").write_bytes(encoded(first))
    found = client.predict([tmp_path / "a.png", encoded(second), *rest])
    for one, other in zip(found, expected, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-3)
        assert one.std == pytest.approx(other.std, abs=1e-3)
        assert one.interval(0.8) == pytest.approx(other.interval(0.8), abs=1e-2)
        np.testing.assert_allclose(one.distribution, other.distribution, atol=1e-5)
        assert one.grid == other.grid and one.decoder == other.decoder
    assert len({round(one.value, 2) for one in found}) > 1
    assert client.predict(first).value == pytest.approx(expected[0].value, abs=1e-3)


def test_a_bad_image_stands_in_its_place(client, expected):
    faces = noise(5, seed=1)
    given = [b"text", faces[0], truncated("JPEG"), faces[1], "missing.png"]
    found = client.predict(given)
    assert [type(one) is UnreadableImage for one in found] == [True, False, True, False, True]
    assert found[1].value == pytest.approx(expected[0].value, abs=1e-3)
    assert found[3].value == pytest.approx(expected[1].value, abs=1e-3)
    assert "image 3 <" in str(found[2]) and "damaged" in str(found[2])
    assert "does not exist" in str(found[4])
    with pytest.raises(UnreadableImage, match="damaged"):
        client.predict(truncated("JPEG"))
    with pytest.raises(UnreadableImage, match="format"):
        client.predict([faces[0], b"text"], on_error="raise")


def test_turned_and_other_formats_are_as_at_prediction(client):
    picture = np.repeat(np.repeat(noise(1, seed=8)[0], 2, axis=0), 3, axis=1)
    files = [rotated_by_exif(picture, 6), encoded(picture, "WEBP", lossless=True)]
    expected = predict_age(files, model=tiny_model(), detect=False)
    for one, other in zip(client.predict(files), expected, strict=True):
        assert one.value == pytest.approx(other.value, abs=0.05)


def test_status_and_metadata(client):
    assert client.status() == [{"version": 2, "state": "AVAILABLE", "error": ""}]
    found = client.metadata()
    assert set(found) == {"serving_default", "images", "images_float"}
    assert found["serving_default"]["inputs"] == {
        "image_bytes": {"dtype": "string", "shape": [None]}
    }
    assert found["images"]["inputs"] == {
        "images": {"dtype": "uint8", "shape": [None, None, None, 3]}
    }
    assert found["images_float"]["outputs"]["labels"] == {"dtype": "float", "shape": [None, 101]}


@pytest.mark.parametrize(("model", "version"), [("other", None), ("m", 7)])
def test_what_the_server_does_not_have(url, model, version):
    with Client(url, model, version=version, retries=0) as client:
        for ask in (client.status, client.metadata, lambda: client.predict(noise(1)[0])):
            with pytest.raises(ServerError, match="refused. Received: (404|NOT_FOUND)"):
                ask()


def test_a_version_that_is_there(url):
    with Client(url, "m", version=2) as client:
        assert client.status()[0]["version"] == 2
        assert client.predict(list(noise(2)))[1].value > 0


# As in TensorFlow Serving's documentation of REST, and in docs/serving.md.
@pytest.fixture
def post(url):
    def ask(body):
        request = urllib.request.Request(f"{url}/v1/models/m:predict", json.dumps(body).encode())
        with contextlib.suppress(urllib.error.HTTPError):
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        with refused.value as answer:
            return answer.code, json.load(answer)

    return ask


@over_rest
def test_rows_and_columns_of_rest(post, expected):
    faces = noise(2, seed=1)
    files = [{"b64": base64.b64encode(encoded(face)).decode()} for face in faces]
    forms = [
        {"instances": [{"image_bytes": file} for file in files]},
        {"instances": files},
        {"signature_name": "images", "instances": faces.tolist()},
        {"signature_name": "images", "inputs": {"images": faces.tolist()}},
        {"signature_name": "images_float", "inputs": (faces * 1.0).tolist()},
    ]
    for form in forms:
        code, found = post(form)
        assert code == 200
        if "instances" in form:
            values = [row["value"] for row in found["predictions"]]
            assert found["predictions"][0]["labels"] == list(range(101))
        else:
            values = found["outputs"]["value"]
        assert values == pytest.approx([float(p) for p in expected[:2]], abs=1e-3)
    code, found = post({"instances": [{"b64": base64.b64encode(b"text").decode()}]})
    (row,) = found["predictions"]
    assert row["status"] != "ok" and np.isnan(row["value"])


@over_rest
def test_wrong_requests_of_rest_are_refused(post):
    for wrong in ({"signature_name": "none", "instances": [1]}, {"inputs": {"picture": ["a"]}}):
        code, found = post(wrong)
        assert code == 400 and found["error"]
