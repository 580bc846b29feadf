"""TensorFlow Serving's REST protocol, replayed after its documentation and its server's tests."""

import json
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_dldl.serving.refusals import Refusal
from keras_dldl.serving.tensors import COLUMN, answer, parse_object
from tests.serving.conftest import (
    ask,
    base64_of,
    client_of,
    encoded,
    error_of,
    face_of,
    picture_file,
)
from tests.serving.fakes import FakeNetwork, expected_value

AVAILABLE = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}


@pytest.mark.parametrize(
    ("place", "versions", "value"),
    [
        ("age", ["3", "1"], 40),
        ("age/versions/3", ["3"], 40),
        ("age/versions/1", ["1"], 4),
        ("age/labels/stable", ["1"], 4),
        ("beauty", ["1"], 2.6),
    ],
)
def test_every_version_and_label_has_a_status_and_answers_for_itself(
    client, place, versions, value
):
    states = [{"version": version, **AVAILABLE} for version in versions]
    assert client.get(f"/v1/models/{place}").json() == {"model_version_status": states}
    answer = ask(client, {"instances": encoded(102)}, f"/v1/models/{place}:predict")
    assert answer.json()["predictions"][0]["value"] == pytest.approx(value)


@pytest.mark.parametrize("place", ["age", "age/versions/3"])
def test_metadata(client, place):
    content = client.get(f"/v1/models/{place}/metadata").json()
    assert content["model_spec"] == {"name": "age", "signature_name": "", "version": "3"}
    signatures = content["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "images", "images_float"}
    default = signatures["serving_default"]
    assert default["method_name"] == "tensorflow/serving/predict"
    assert default["inputs"]["image_bytes"] == {
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": "image_bytes:0",
    }
    assert set(default["outputs"]) == {"value", "std", "distribution", "labels", "status"}
    sizes = default["outputs"]["distribution"]["tensor_shape"]["dim"]
    assert [dim["size"] for dim in sizes] == ["-1", "101"]
    assert signatures["images"]["inputs"]["images"]["dtype"] == "DT_UINT8"
    assert signatures["images_float"]["inputs"]["images"]["dtype"] == "DT_FLOAT"


def test_rows_and_columns_by_name_and_without(client):
    images = encoded(51, 102)
    for rows in (images, [{"image_bytes": image} for image in images]):
        answer = ask(client, {"instances": rows})
        assert answer.status_code == 200 and list(answer.json()) == ["predictions"]
        for row, label in zip(answer.json()["predictions"], (20, 40), strict=True):
            certain = [float(k == label) for k in range(101)]
            assert row.pop("distribution") == pytest.approx(certain)
            std = pytest.approx(0, abs=1e-3)
            labels = list(range(101))
            value = pytest.approx(label)
            assert row == {"value": value, "std": std, "labels": labels, "status": "ok"}
    for columns in (images, {"image_bytes": images}):
        answer = ask(client, {"inputs": columns, "signature_name": "serving_default"})
        assert list(answer.json()) == ["outputs"]
        outputs = answer.json()["outputs"]
        assert outputs["value"] == pytest.approx([20, 40]) and outputs["status"] == ["ok", "ok"]
        assert np.shape(outputs["distribution"]) == (2, 101)


@pytest.mark.parametrize("signature", ["images", "images_float"])
def test_pixels(client, signature):
    answer = ask(client, {"signature_name": signature, "instances": [face_of(51), face_of(153)]})
    rows = answer.json()["predictions"]
    assert set(rows[0]) == {"value", "std", "distribution", "labels"}
    assert [row["value"] for row in rows] == [pytest.approx(20), pytest.approx(60)]
    columns = {"signature_name": signature, "inputs": {"images": [face_of(51, side=21)]}}
    assert ask(client, columns).json()["outputs"]["value"] == [pytest.approx(20)]


def test_floats_between_whole_numbers_and_the_spread_of_their_distribution(client):
    body = {"signature_name": "images_float", "inputs": [face_of(255 * 0.505)]}
    outputs = ask(client, body).json()["outputs"]
    assert outputs["value"] == [pytest.approx(50.5, abs=1e-4)]
    assert outputs["std"] == [pytest.approx(0.5, abs=1e-4)]


def test_decimals_give_the_same_float32_back():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 5000, dtype=np.uint32)
    values = np.concatenate([bits.view(np.float32), np.float32([0, -0.0, 1e-45, 3.4e38, 7, 1e9])])
    values = values[np.isfinite(values)]
    written = json.loads(answer({"value": values}, COLUMN))["outputs"]["value"]
    assert all(isinstance(value, float) for value in written)  # 7 is written as 7.0
    assert np.array_equal(np.float32(written), values)


def test_base64_with_and_without_padding(client):
    text = base64_of(picture_file(51) + b"??")["b64"]
    assert text.endswith("=")
    for form in (text, text.rstrip("="), text[:7] + "\n" + text[7:]):
        row = ask(client, {"instances": [{"b64": form}]}).json()["predictions"][0]
        assert row["value"] == pytest.approx(20)


BAD_FILES = {
    "text": b"this is a letter and no picture",
    "nothing": b"",
    "cut short": picture_file(99, (90, 90), "JPEG")[:400],
    "too many pixels": picture_file(9, (101, 100)),
    "one pixel": picture_file(9, (1, 1)),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_image_is_nan_with_a_reason_and_leaves_the_others_alone(client, kind):
    rows = [*encoded(51), base64_of(BAD_FILES[kind]), *encoded(102)]
    answer = ask(client, {"instances": rows})
    assert answer.status_code == 200
    assert "NaN" in answer.text and "null" not in answer.text  # as TensorFlow Serving writes it
    first, bad, last = json.loads(answer.text)["predictions"]
    assert math.isnan(bad["value"]) and math.isnan(bad["std"])
    assert all(math.isnan(p) for p in bad["distribution"]) and len(bad["labels"]) == 101
    assert bad["status"].startswith("image 2: ") and "Received: " in bad["status"]
    assert (first["value"], last["value"]) == (pytest.approx(20), pytest.approx(40))
    assert first["status"] == last["status"] == "ok"


def test_the_pixels_of_a_request_have_a_limit_of_their_own(monkeypatch):
    """And what is past it is refused before any is decoded."""
    rows = [base64_of(picture_file(51, (50, 40))) for _ in range(3)]
    with client_of({"age": FakeNetwork()}, max_request_pixels=3 * 2000) as client:
        assert len(ask(client, {"instances": rows}).json()["predictions"]) == 3
        monkeypatch.setattr("keras_dldl.serving.signatures.read_image", None)
        reason = error_of(ask(client, {"instances": [*rows, *encoded(1)]}), 413)
        assert "may have 6000 pixels in all" in reason and "Received: 6200" in reason
        floats = {"signature_name": "images_float", "inputs": [face_of(1, side=78)]}
        assert "Received: 6084" in error_of(ask(client, floats), 413)


def test_plain_text_is_bytes_and_no_image(client):
    row = ask(client, {"instances": ["hello"]}).json()["predictions"][0]
    assert math.isnan(row["value"]) and "not a picture" in row["status"]


def test_pixels_that_are_no_numbers_spoil_their_own_row_alone(client):
    body = {"signature_name": "images_float", "inputs": [face_of(math.nan), face_of(51)]}
    answer = client.post("/v1/models/age:predict", content=json.dumps(body))
    assert answer.status_code == 200
    value = json.loads(answer.text)["outputs"]["value"]
    assert math.isnan(value[0]) and value[1] == pytest.approx(20)


ONE = encoded(1)
IMAGES = {"signature_name": "images"}
NO_JSON = {
    b"": "The document is empty",
    b"  \n": "The document is empty",
    b"instances = [1, 2]": "JSON Parse error",
    b"\xff\xfe\x00{}": "JSON Parse error",
    b'{"instances": [1': "JSON Parse error",
    b"[" * 100_000: "nested too deep",
    b'{"instances": ' + b"[" * 100_000 + b"]" * 100_000 + b"}": "nested too deep",
    b'{"inputs": ' + b"9" * 5000 + b"}": "JSON Parse error",
    b"[1, 2]": "Is not object",
    b"null": "Is not object",
}
BAD_REQUESTS = [
    ({}, "Missing 'inputs' or 'instances' key"),
    ({"instances": ONE, "inputs": ONE}, "only one of 'inputs' or 'instances'"),
    ({"instances": 5}, "Excepting 'instances' to be an list/array"),
    ({"instances": []}, "No values in 'instances' array"),
    ({"inputs": []}, "at least one image"),
    ({"instances": ONE, "signature_name": "foo"}, '"foo" not found in signature def'),
    ({"instances": ONE, "signature_name": 7}, "must be a string"),
    ({"instances": [{"images": ONE[0]}]}, "keys must be equal to: image_bytes"),
    ({"instances": [{"image_bytes": ONE[0], "x": 1}]}, "keys must be equal to: image_bytes"),
    ({"inputs": {"images": ONE}}, "Missing named input: image_bytes"),
    ({"instances": [{"image_bytes": ONE[0]}, ONE[0]]}, "Expecting object but got list at item 1"),
    ({"instances": [ONE[0], {"image_bytes": ONE[0]}]}, "but got object at item 1"),
    ({"instances": [3]}, "is not of expected type: string"),
    ({"instances": [None]}, "is not of expected type: string"),
    ({"instances": [[ONE[0]]]}, "is not of expected type: string"),
    ({"instances": [{"b64": "§§§§"}]}, "Unable to base64 decode"),
    ({"instances": [{"b64": 5}]}, "keys must be equal to"),
    ({"inputs": ONE[0]}, "Expected [batch]"),
    ({"instances": ONE * 9}, "larger than maximum input batch size 8"),
    ({**IMAGES, "instances": [[1, 2, 3]]}, "Expected [batch, height, width, 3]"),
    ({**IMAGES, "instances": [[[[1]]]]}, "Expected [batch, height, width, 3]"),
    ({**IMAGES, "instances": [[]]}, "expected type: uint8"),
    ({**IMAGES, "instances": [[[[1, 2, 3]], []]]}, "unexpected size"),
    ({**IMAGES, "instances": [face_of(1), face_of(1, 9)]}, "unexpected size"),
    ({**IMAGES, "instances": [face_of(1.5)]}, "expected type: uint8"),
    ({**IMAGES, "instances": [face_of(256)]}, "must be 0 ... 255"),
    ({**IMAGES, "instances": [face_of("1")]}, "expected type: uint8"),
    ({**IMAGES, "instances": [[[[True] * 3]]]}, "Type: True is not of expected type"),
]


@pytest.mark.parametrize(
    ("body", "reason"), [*NO_JSON.items(), *BAD_REQUESTS], ids=lambda given: str(given)[:20]
)
def test_bad_requests_are_refused_in_good_form(client, body, reason):
    error = error_of(ask(client, body), 400)
    assert reason in error and len(error) < 400


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("[]", "may have 385714 lists"),
        ("[[[]]]", "may have 385714 lists"),
        ("{}", "may have 10000 objects"),
        ('"ab"', "may have 10000 texts"),
    ],
)
def test_json_of_very_many_parts_is_refused_before_it_takes_memory(part, reason):
    body = '{"instances":[' + ",".join([part] * (1_999_000 // (len(part) + 1))) + "]}"
    with pytest.raises(Refusal, match=f"{reason}.*Received: "):
        parse_object(body.ljust(2_000_000).encode())


def test_black_pictures_in_numbers_are_not_of_too_many_parts(client):
    black = {**IMAGES, "inputs": [[[[0] * 3] * 200] * 200]}
    body = json.dumps(black, separators=(",", ":")).encode()
    assert ask(client, body).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("POST", "/v1/models/foo:predict", 404, "Servable not found for request: Latest(foo)"),
        ("POST", "/v1/models/age/versions/50:predict", 404, "Specific(age, 50)"),
        ("POST", "/v1/models/age/labels/new:predict", 400, "Unrecognized servable version label"),
        ("POST", f"/v1/models/age/versions/{2**64}:predict", 400, "Failed to convert version"),
        ("POST", "/v1/models/age/versions/HELLO:predict", 400, "Malformed request: POST"),
        ("POST", "/v1/models/age/version/1:predict", 400, "Malformed request"),
        ("POST", "/v1/models/age:explain", 400, "Malformed request"),
        ("POST", "/v1/models/age", 400, "Malformed request: POST /v1/models/age"),
        ("POST", "/v1/models", 400, "Malformed request"),
        ("POST", "/v1/foo", 400, "Malformed request"),
        ("GET", "/v1/foo", 400, "Malformed request: GET /v1/foo"),
        ("GET", "/v1/models", 400, "Missing model name"),
        ("GET", "/v1/models/age:predict", 400, "Malformed request: GET"),
        ("DELETE", "/v1/models/age", 400, "Malformed request: DELETE"),
        ("GET", "/v1/models/foo", 404, "Could not find any versions of model foo"),
        ("GET", "/v1/models/age/versions/2", 404, "Could not find version 2 of model age"),
        ("GET", "/v1/models/age/labels/new", 400, "Unrecognized servable version label: new"),
        ("GET", "/v1/models/foo/metadata", 404, "Servable not found for request: Latest(foo)"),
        ("GET", "/v1/models/age/versions/9/metadata", 404, "request: Specific(age, 9)"),
        ("GET", "/nowhere", 404, "Not Found"),
        ("PUT", "/api/faces", 405, "Method Not Allowed"),
    ],
)
def test_bad_addresses_are_refused_in_good_form(client, method, path, status, reason):
    answer = client.request(method, path, content=json.dumps({"instances": ONE}))
    assert reason in error_of(answer, status)


def test_the_case_of_an_address_does_not_matter_but_that_of_a_name_does(client):
    assert ask(client, {"instances": ONE}, "/v1/Models/age:Predict").status_code == 200
    assert ask(client, {"instances": ONE}, "/v1/models/AGE:predict").status_code == 404


@pytest.mark.parametrize("method", ["classify", "regress"])
def test_classify_and_regress_are_refused_as_for_any_model_that_only_predicts(client, method):
    path = f"/v1/models/age:{method}"
    reason = error_of(ask(client, {"examples": [{"x": 1}]}, path), 400)
    assert f"tensorflow/serving/{method}. Was: tensorflow/serving/predict" in reason
    assert "'examples'" in error_of(ask(client, {"instances": ONE}, path), 400)
    assert "No signature" in error_of(
        ask(client, {"examples": [], "signature_name": "x"}, path), 400
    )
    missing = ask(client, {"examples": []}, f"/v1/models/foo:{method}")
    assert "Latest(foo)" in error_of(missing, 404)


def test_every_request_gets_the_answer_to_its_own_faces_whatever_the_batch():
    network = FakeNetwork(seconds=0.02)
    with client_of({"age": network}, max_batch=4) as client:

        def values(start):
            reds = [start, start + 1, start + 2][: 1 + start % 3]
            rows = ask(client, {"instances": encoded(*reds)}).json()["predictions"]
            return [row["value"] for row in rows], [expected_value(red) for red in reds]

        with ThreadPoolExecutor(16) as pool:
            for got, expected in pool.map(values, range(0, 240, 10)):
                assert got == pytest.approx(expected, abs=1e-3)
    assert max(network.batches) in (3, 4) and sum(network.batches) == sum(
        1 + s % 3 for s in range(0, 240, 10)
    )
