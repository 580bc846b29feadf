"""A server within this process, and pictures of one colour, whose value is known."""

import base64
import io
import socket
import threading
import time
from contextlib import contextmanager

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from keras_dldl.labels import LabelGrid
from keras_dldl.serving import ServerOptions, create_app
from keras_dldl.serving.registry import ModelTable
from tests.prediction_case import FakeDetector
from tests.serving.fakes import FakeNetwork


def picture_file(red, size=(20, 10), form="PNG"):
    stream = io.BytesIO()
    Image.new("RGB", size, (red, 0, 0)).save(stream, form)
    return stream.getvalue()


def base64_of(content):
    return {"b64": base64.b64encode(content).decode()}


def encoded(*reds):
    return [base64_of(picture_file(red)) for red in reds]


@contextmanager
def client_of(models, **options):
    """Give a client of a server in a thread of this process; `client.service` is its inside."""
    app = create_app(models, ServerOptions(**options), FakeDetector())
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, server_header=False))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        address = "http://{}:{}".format(*listener.getsockname())
        with httpx.Client(base_url=address, timeout=30) as client:
            client.service = app.state.service
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def client():
    """Serves `age` in versions 1 and 3, of which 1 is called stable, and `beauty`."""
    table = ModelTable()
    table.add("age", 1, FakeNetwork(LabelGrid(0, 10)))
    table.add("age", 3, FakeNetwork())
    table.add("beauty", 1, FakeNetwork(LabelGrid.scut_fbp()))
    table.set_label("age", "stable", 1)
    with client_of(table, queue=8, max_body_bytes=500_000, max_pixels=10_000) as client:
        yield client


def ask(client, body, path="/v1/models/age:predict"):
    return client.post(path, **{"json" if isinstance(body, dict) else "content": body})


def counters(client):
    lines = client.get("/metrics").text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def face_of(red, side=8):
    return np.full((side, side, 3), [red, 0, 0]).tolist()


def error_of(answer, status):
    """Return what a refusal says, which has the one form of all."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"] and answer.json()["error"]
    return answer.json()["error"]
