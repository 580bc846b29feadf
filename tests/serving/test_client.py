"""The client against a server that says what a test tells it to: no model, no TensorFlow."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from keras_dldl.errors import ConfigError, ServerError, UnreadableImage
from keras_dldl.labels import LabelGrid
from keras_dldl.serving import Client, client_rest
from keras_dldl.serving import client as client_module
from tests.faces.odd_images import encoded, gradient

ROOT = Path(__file__).parents[2]
ANSWERS = "a row a file"


def row(k, labels, status="ok"):
    """Return what a model answers for the k-th image: certain of the k-th label."""
    p = np.eye(len(labels))[k] if status == "ok" else np.full(len(labels), np.nan)
    value = float(labels[k]) if status == "ok" else float("nan")
    return {"value": value, "distribution": p.tolist(), "labels": list(labels), "status": status}


class Scripted:
    """A server that answers each request by the next of `script`, then by predictions."""

    def __init__(self):
        self.labels = list(range(101))
        self.script, self.requests, self.statuses = [], [], {}
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                scripted.reply(self, b"")

            def do_POST(self):
                scripted.reply(self, self.rfile.read(int(self.headers["Content-Length"])))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def reply(self, handler, body):
        self.requests.append((handler.path, dict(handler.headers), body))
        step = self.script.pop(0) if self.script else ANSWERS
        if step == "break off":
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        if isinstance(step, threading.Event):
            step.wait(10)
        code, headers, content = step if isinstance(step, tuple) else (200, {}, self.answer(body))
        handler.send_response(code)
        headers = {"Content-Length": str(len(content)), **headers}
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def answer(self, body):
        files = [base64.b64decode(one["b64"]) for one in json.loads(body)["inputs"]["image_bytes"]]
        known = [self.statuses.get(file, "ok") for file in files]
        rows = [
            row(len(file) % len(self.labels), self.labels, text)
            for file, text in zip(files, known, strict=True)
        ]
        outputs = {key: [one[key] for one in rows] for key in rows[0]}
        return json.dumps({"outputs": outputs}).encode()

    def files(self, k=-1):
        given = json.loads(self.requests[k][2])["inputs"]["image_bytes"]
        return [base64.b64decode(one["b64"]) for one in given]


@pytest.fixture
def server():
    scripted = Scripted()
    yield scripted
    scripted.server.shutdown()
    scripted.server.server_close()


@pytest.fixture
def client(server):
    return Client(server.url, "age")


@pytest.fixture
def waits(monkeypatch):
    """The waits between attempts, which are not waited for."""
    seconds = []
    monkeypatch.setattr(client_rest, "sleep", seconds.append)
    return seconds


def jpeg(length):
    """Return what looks like a JPEG file of `length` bytes."""
    return b"\xff\xd8\xff".ljust(length, b"\0")


def test_results_are_predictions_in_order(server, client):
    found = client.predict([jpeg(30), jpeg(40)])
    assert [one.value for one in found] == [30, 40]
    for several in (iter([jpeg(30)]), np.array([jpeg(30), None], object)[:1]):
        assert [one.value for one in client.predict(several)] == [30]
    assert found[0].unit == "years" and found[0].std == 0 and found[0].grid == LabelGrid.age()
    assert found[1].interval(0.5) == (39.75, 40.25)
    assert server.requests[0][0] == "/v1/models/age:predict"
    assert client.predict([]) == []


def test_a_grid_of_tenths_is_attractiveness_unless_said_otherwise(server):
    server.labels = LabelGrid.scut_fbp().labels.tolist()  # float32, as servers send them
    one = Client(server.url, "face").predict(jpeg(5))
    assert one.grid == LabelGrid.scut_fbp() and one.unit == "points"
    assert one.value == pytest.approx(1.5)
    assert Client(server.url, "face", task="beauty").predict(jpeg(5)).task == "beauty"


def test_many_images_go_in_batches(server, monkeypatch):
    client = Client(server.url, "age", batch_size=3)
    found = client.predict([jpeg(k) for k in range(10, 18)])
    assert [one.value for one in found] == list(range(10, 18))
    assert [len(server.files(k)) for k in range(3)] == [3, 3, 2]
    monkeypatch.setattr(client_module, "REQUEST_BYTES", 30)
    assert len(client.predict([jpeg(14), jpeg(14), jpeg(14), jpeg(50)])) == 4
    assert [len(server.files(k)) for k in (3, 4, 5)] == [2, 1, 1]


def test_what_is_sent(server, tmp_path):
    picture = gradient()
    (tmp_path / "a.jpg").write_bytes(jpeg(20))
    webp = encoded(picture, "WEBP", lossless=True)
    Client(server.url, "age").predict([tmp_path / "a.jpg", str(tmp_path / "a.jpg"), picture, webp])
    files = server.files()
    assert files[:2] == [jpeg(20)] * 2
    assert files[2].startswith(b"\x89PNG") and files[2] == files[3]


def test_images_that_fail_stand_in_their_place(server, client):
    server.statuses = {jpeg(50): "damaged"}
    images = ["no such file.jpg", jpeg(50), b"text", jpeg(20), np.zeros((4, 4), np.uint8)]
    found = client.predict(images)
    assert found.pop(3).value == 20
    assert all(isinstance(one, UnreadableImage) for one in found)
    assert "no such file.jpg" in str(found[0]) and "Received: damaged" in str(found[1])
    assert len(server.requests) == 1 and len(server.files()) == 2
    assert isinstance(client.predict([b"text"])[0], UnreadableImage)
    assert len(server.requests) == 1  # nothing is asked where no image is left
    with pytest.raises(UnreadableImage, match="damaged"):
        client.predict(jpeg(50))
    with pytest.raises(UnreadableImage, match="no such file"):
        client.predict(images, on_error="raise")


STRANGE = {"value": [1.0], "distribution": [[2.0, 3.0]], "labels": [[0, 1]], "status": ["ok"]}
BUSY = (503, {"Retry-After": "7"}, b'{"error": "full"}')
TOO_MANY = (429, {}, b"slow down")


def test_a_busy_server_is_asked_again(server, client, waits):
    server.script = [BUSY, TOO_MANY, "break off"]
    assert client.predict(jpeg(9)).value == 9
    assert len(server.requests) == 4
    first, second, third = waits
    assert first == 7 and 0.5 <= second <= 0.75 and 1 <= third <= 1.5


def test_it_is_given_up_in_the_end(server, waits):
    server.script = [BUSY] * 3
    with pytest.raises(ServerError, match="Received: 503 full"):
        Client(server.url, "age", retries=2).predict(jpeg(9))
    assert len(server.requests) == 3 and len(waits) == 2


@pytest.mark.parametrize(
    ("code", "body", "message"),
    [
        (400, b'{"error": "Missing named input"}', "400 Missing named input"),
        (404, b'{"error": "Servable not found"}', "404 Servable not found"),
        (413, b"", "413"),
        (500, b"<html>", "500 <html>"),
        (200, b"<html>", "not a model server.*Received: b'<html>'"),
        (200, b"[]", "not a model server"),
        (200, b'{"predictions": []}', "not of use.*keras-dldl export"),
        (200, b'{"outputs": {"value": [1.0]}}', "not of use.*Received: value, for 1"),
        (
            200,
            json.dumps({"outputs": STRANGE}).encode(),
            "not of use.*Received, of one: `distribution`",
        ),
        (200, json.dumps({"outputs": STRANGE | {"labels": [None]}}).encode(), "not of use"),
    ],
)
def test_other_refusals_are_not_tried_again(server, client, waits, code, body, message):
    server.script = [(code, {}, body)]
    with pytest.raises(ServerError, match=message):
        client.predict(jpeg(9))
    assert len(server.requests) == 1 and waits == []


def test_a_server_that_stalls_is_not_waited_for(server, waits):
    server.script = [threading.Event()]
    with pytest.raises(ServerError, match="no answer within 0.2 seconds.*`timeout`"):
        Client(server.url, "age", timeout=0.2).predict(jpeg(9))
    assert waits == []


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_where_nobody_listens(waits, scheme):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Client(f"{scheme}://127.0.0.1:{port}", "age", retries=2) as client:
        with pytest.raises(ServerError, match="cannot be reached"):
            client.predict(jpeg(9))
    assert len(waits) == 2


def test_headers_versions_and_paths(server):
    headers = {"Authorization": "Bearer x"}
    client = Client(f"{server.url}/behind/", "my model", version=3, headers=headers)
    client.predict(jpeg(9))
    path, sent, _ = server.requests[0]
    assert path == "/behind/v1/models/my%20model/versions/3:predict"
    assert sent["Authorization"] == "Bearer x" and sent["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "url", ["localhost:8501", "ftp://host", "http://", "http://host:port", None, b"http://host"]
)
def test_wrong_addresses_are_refused(url):
    with pytest.raises(ConfigError, match="`url`.*http://localhost:8501"):
        Client(url, "age")


@pytest.mark.parametrize("model", ["", None])
def test_wrong_names_are_refused(model):
    with pytest.raises(ConfigError, match="`model`"):
        Client("http://host", model)


def test_wrong_options_are_refused(client):
    for name, value in {"timeout": 0, "retries": -1, "batch_size": 0, "version": 0}.items():
        with pytest.raises(ConfigError, match=f"`{name}`"):
            Client("http://host", "age", **{name: value})
    with pytest.raises(ConfigError, match="`on_error`"):
        client.predict([], on_error="ignore")


def test_a_missing_grpc_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(ConfigError, match=r"pip install 'keras-dldl\[grpc\]'"):
        Client("grpc://host:8500", "age")


def test_neither_tensorflow_nor_grpc_is_loaded(server):
    code = (
        "import sys; from keras_dldl.serving import Client; "
        f"print(Client({server.url!r}, 'age').predict([b'\\xff\\xd8\\xff0', b'bad'])[0].value); "
        "print(sorted({'tensorflow', 'keras', 'grpc', 'google', 'pandas'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split("\n")[:2] == ["4.0", "[]"]
