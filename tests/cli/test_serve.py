"""`keras-dldl serve`: its options, what it refuses, and a server from beginning to end."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys

import httpx
import pytest
from click.testing import CliRunner

from keras_dldl import serving
from keras_dldl.cli.main import cli
from tests.serving.conftest import encoded
from tests.serving.fakes import ROOT, server_process


def run(*arguments):
    return CliRunner().invoke(cli, ["serve", *arguments])


@pytest.fixture
def given(monkeypatch):
    """Take what the command passes on, and serve nothing."""
    calls = []
    monkeypatch.setattr(serving, "serve", lambda *a: calls.append(a), raising=False)
    return calls


def test_the_defaults_take_requests_from_this_machine_alone(given):
    assert run().exit_code == 0
    ((*passed, _),) = given
    assert passed == [["tiny-age"], "127.0.0.1", 8501, serving.ServerOptions(), (), False, None]


def test_options_are_passed_on(given):
    words = (
        "--model age=a --model b --host 0.0.0.0 --port 0 --label age/x=1 --all-versions --queue 7 "
        "--photo-queue 3 --max-batch 5 --batch-window 4 --max-body 0.5 --max-pixels 99 --timeout 2 "
        "--body-timeout 1 --cors https://a.org --cors https://b.org --allow-host a.org "
        "--max-request-pixels 999"
    )
    result = run(*words.split())
    assert result.exit_code == 0, result.output
    options = serving.ServerOptions(
        queue=7, photo_queue=3, max_batch=5, batch_window=0.004, max_body_bytes=500_000,
        max_pixels=99, timeout=2.0, body_timeout=1.0, cors=("https://a.org", "https://b.org"),
        allow_hosts=("a.org",), max_request_pixels=999,
    )  # fmt: skip
    ((*passed, _),) = given
    assert passed == [("age=a", "b"), "0.0.0.0", 0, options, ("age/x=1",), True, None]


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("http://127.0.0.1:8501/", "http://127.0.0.1:8501/"),
        ("http://0.0.0.0:80/", "http://127.0.0.1:80/"),
        ("http://[::]:80/", "http://[::1]:80/"),
    ],
)
def test_the_page_is_opened_when_asked_for_and_ready(given, monkeypatch, url, page):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert run().exit_code == run("--open").exit_code == 0
    for *_, on_ready in given:
        on_ready(url)
    assert opened == [page]


@pytest.mark.slow
def test_a_terminal_gets_one_line_with_the_address():
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "keras_dldl.cli.main", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        text = b""
        while b"\n" not in text:
            text += os.read(ours, 1000)
        address = re.fullmatch(
            r"Faces in a photo: (http://127.0.0.1:\d+/) \(Ctrl-C ends it\)\s+", text.decode()
        )[1]
        assert httpx.get(address).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    os.close(ours)


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["--port", "70000"], 2, "--port"),
        (["--queue", "0"], 2, "--queue"),
        (["--model", "a b=tiny-age", "--port", "0"], 2, "'a b'"),
        (["--label", "age/new=7", "--port", "0"], 2, "version 7 of age"),
        (["--model", "nowhere", "--port", "0"], 1, "nowhere"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, status, reason):
    result = run(*words)
    assert result.exit_code == status and reason in result.stderr
    assert "Traceback" not in result.stderr


def test_without_the_extra_the_error_names_it(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "fastapi" else found(name)
    )
    result = run()
    assert result.exit_code == 2
    assert "pip install 'keras-dldl[serve]'. Received: no fastapi" in result.stderr


@pytest.mark.slow
def test_the_shipped_model_from_start_to_sigterm(tmp_path):
    command = ["-m", "keras_dldl.cli.main", "serve", "--port", "0"]
    with server_process(tmp_path, command) as server:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            assert client.get("/readyz").status_code == 200
            body = {"instances": encoded(51, 200)}
            answer = client.post("/v1/models/age:predict", json=body)
            values = [row["value"] for row in answer.json()["predictions"]]
            assert all(0 < value < 100 for value in values) and values[0] != values[1]
            assert "Faces in a photo" in client.get("/").text
        assert server.stop() == 0
        assert [line["event"] for line in server.events()][:2] == ["loaded", "ready"]
        assert all(json.dumps(line) for line in server.events())
