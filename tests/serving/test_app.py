"""What happens around every request: headers, limits, counters, logs."""

import io
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.faces.images import read_image
from keras_dldl.serving import ServerOptions, create_app
from keras_dldl.serving.logs import JsonFormatter
from tests.serving.conftest import (
    ask,
    base64_of,
    client_of,
    counters,
    encoded,
    error_of,
    picture_file,
)
from tests.serving.fakes import FakeNetwork


@pytest.fixture
def log_lines():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("keras_dldl.serving")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_probes(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
    client.service.draining = True
    try:
        answer = client.get("/readyz")
        assert answer.status_code == 503 and answer.headers["connection"] == "close"
        assert client.get("/healthz").status_code == 200
    finally:
        client.service.draining = False


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/v1/models/age", "/nowhere"])
def test_security_headers_are_everywhere(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
    assert len(headers["x-request-id"]) == 16 and "server" not in headers


def test_a_body_may_be_so_large_and_no_larger(client):
    limit = 500_000
    padded = json.dumps({"instances": encoded(51)}).encode()
    fits = padded + b" " * (limit - len(padded))
    assert ask(client, fits).status_code == 200
    reason = error_of(ask(client, fits + b" "), 413)
    assert "500000 bytes" in reason and "a larger --max-body. Received: more" in reason
    chunks = (b" " * 100_000 for _ in range(6))  # sent without its length
    error_of(client.post("/v1/models/age:predict", content=chunks), 413)
    error_of(client.post("/api/faces", content=bytes(limit + 1)), 413)
    assert client.service.bodies.held == 0


def test_an_encoded_body_is_refused(client):
    answer = client.post("/api/faces", content=b"x", headers={"Content-Encoding": "gzip"})
    assert "gzip" in error_of(answer, 415)
    body = json.dumps({"instances": encoded(51)})
    for same in ("Identity", ""):
        headers = {"Content-Encoding": same}
        answer = client.post("/v1/models/age:predict", content=body, headers=headers)
        assert answer.status_code == 200


def test_a_full_queue_refuses_and_every_accepted_request_is_answered():
    with client_of({"age": FakeNetwork(seconds=0.1)}, queue=2, max_batch=1) as client:
        with ThreadPoolExecutor(12) as pool:
            body = {"instances": encoded(51)}
            answers = list(pool.map(lambda _: ask(client, body), range(12)))
        refused = [answer for answer in answers if answer.status_code != 200]
        assert 1 <= len(refused) <= 11
        for answer in answers:
            if answer in refused:
                assert "is full" in error_of(answer, 503) and answer.headers["retry-after"] == "1"
            else:
                assert answer.json()["predictions"][0]["value"] == pytest.approx(20)
        found = counters(client)
        assert found['keras_dldl_refused_total{reason="queue_full"}'] == len(refused)


def test_an_answer_that_takes_too_long_is_given_up():
    with client_of({"age": FakeNetwork(seconds=0.5)}, timeout=0.1) as client:
        assert "0.1 seconds" in error_of(ask(client, {"instances": encoded(51)}), 504)


def test_work_for_a_client_that_left_is_not_done():
    network = FakeNetwork(seconds=0.3)
    with client_of({"age": network}, max_batch=1) as client:
        body = {"instances": encoded(51)}

        def leave():
            with pytest.raises(httpx.TimeoutException):
                client.post("/v1/models/age:predict", json=body, timeout=0.15)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: leave(), range(6)))
        time.sleep(0.3)
        assert ask(client, body).status_code == 200
        assert len(network.batches) <= 4  # of seven: one or two were running, the last one is ours
        assert 1 <= counters(client)["keras_dldl_disconnected_total"] <= 6


class SlowReader:
    """A reader of pictures that takes its time over large ones, and counts them."""

    def __init__(self, monkeypatch, seconds=0.1):
        self.read, self.seconds, self._wrapped = 0, seconds, read_image
        monkeypatch.setattr("keras_dldl.serving.signatures.read_image", self)

    def __call__(self, content, **options):
        image = self._wrapped(content, **options)
        if image.shape[0] > 100:
            self.read += 1
            time.sleep(self.seconds)
        return image


LARGE = picture_file(51, (200, 200))


def test_small_requests_pass_by_large_ones(monkeypatch):
    reader = SlowReader(monkeypatch, seconds=0.05)
    with client_of({"age": FakeNetwork()}, decoders=1) as client, ThreadPoolExecutor(2) as pool:
        large = [pool.submit(ask, client, {"instances": [base64_of(LARGE)] * 200}) for _ in "12"]
        while not reader.read:
            time.sleep(0.01)
        for _ in range(3):
            assert ask(client, {"instances": encoded(51)}).status_code == 200
        assert not any(one.done() for one in large)
        reader.seconds = 0
        assert [one.result().status_code for one in large] == [200, 200]


def test_the_rows_of_a_client_that_left_or_is_too_late_are_not_read(monkeypatch):
    reader = SlowReader(monkeypatch)
    with client_of({"age": FakeNetwork()}, timeout=0.35) as client:
        error_of(ask(client, {"instances": [base64_of(LARGE)] * 40}), 504)
        with pytest.raises(httpx.TimeoutException):
            client.post(
                "/v1/models/age:predict", json={"instances": [base64_of(LARGE)] * 40}, timeout=0.25
            )
        time.sleep(0.3)
        read = reader.read
        time.sleep(0.3)
        assert reader.read == read <= 10
        assert ask(client, {"instances": encoded(51)}).status_code == 200


def test_counters(client):
    before = counters(client)
    ask(client, {"instances": encoded(51, 52)})
    ask(client, b"nonsense")
    client.get("/strange/a"), client.get("/strange/b")
    after = counters(client)

    def grown(name):
        return after.get(name, 0) - before.get(name, 0)

    requests = "keras_dldl_requests_total"
    assert grown(f'{requests}{{route="/v1/:predict",status="200"}}') == 1
    assert grown(f'{requests}{{route="/v1/:predict",status="400"}}') == 1
    assert grown(f'{requests}{{route="other",status="404"}}') == 2
    assert grown('keras_dldl_refused_total{reason="bad_request"}') == 1
    assert grown('keras_dldl_request_seconds_count{route="/v1/:predict"}') == 2
    assert grown('keras_dldl_batch_faces_sum{model="age"}') == 2
    assert after['keras_dldl_queue_length{queue="photos"}'] == 0
    assert not any("strange" in name for name in after)
    assert after["process_resident_memory_bytes"] > 1e6


def test_logs_say_what_happened_and_show_nothing_of_a_picture(client, log_lines):
    content = picture_file(77, (120, 60))
    client.post("/api/faces?level=0.5", content=content)
    ask(client, {"instances": encoded(51)})
    client.get("/" + "x" * 1000)
    client.get("/a%0Ab")
    client.get("/healthz")  # the line of an answer is written after it is sent
    paths = ("/healthz",)
    lines = [e for e in log_lines() if e["event"] == "request" and e["path"] not in paths]
    lines = lines[-4:]  # and so the last line of the test before may stand first
    assert [line["status"] for line in lines] == [200, 200, 404, 404]
    assert lines[1]["method"] == "POST" and lines[1]["path"] == "/v1/models/age:predict"
    assert lines[1]["model"] == "age" and 0 < lines[1]["seconds"] < 10
    assert len(lines[1]["id"]) == 16 and lines[1]["time"].endswith("+00:00")
    assert all(len(json.dumps(line)) < 500 for line in lines)


def test_a_failure_is_logged_with_its_number_told_without_and_not_the_end(log_lines):
    class Failing(FakeNetwork):
        def answer(self, faces):
            if faces.max() > 200:
                raise RuntimeError("out of memory, at /secret/place")
            return super().answer(faces)

    with client_of({"age": Failing()}) as client:
        error = error_of(ask(client, {"instances": encoded(255)}), 500)
        assert ask(client, {"instances": encoded(51)}).status_code == 200
    line = next(line for line in log_lines() if line["event"] == "failed")
    assert "/secret/place" in line["traceback"]
    assert line["id"] in error and "secret" not in error


def test_options_are_checked():
    wrong = {"queue": 0, "max_request_pixels": 0, "max_body_bytes": 0, "timeout": 0}
    for name, value in {**wrong, "batch_window": -1, "decoders": True}.items():
        with pytest.raises(ConfigError, match=f"`{name}` is not valid"):
            ServerOptions(**{name: value})


@pytest.mark.parametrize(
    ("models", "reason"), [({"a/b": FakeNetwork()}, "'a/b'"), ({}, "Received: no model")]
)
def test_models_are_checked(models, reason):
    with pytest.raises(ConfigError, match=reason):
        create_app(models)


@pytest.mark.parametrize("detector", ["haar", FakeNetwork])
def test_a_detector_that_is_none_is_told_before_the_first_photo(detector):
    with pytest.raises(ConfigError, match="`detector` must be"):
        create_app({"age": FakeNetwork()}, detector=detector)
