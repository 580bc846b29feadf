"""A server in a process of its own: senders that stall, 100 MB, many clients, SIGTERM."""

import http.client
import json
import random
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.serving.conftest import encoded
from tests.serving.fakes import ROOT, expected_value, server_process

PREDICT = "/v1/models/age:predict"
BODY = json.dumps({"instances": encoded(51)}).encode()
HEAD = f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(BODY)}\r\n".encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with server_process(folder, body_timeout=0.7, max_body_bytes=1_000_000, timeout=20) as server:
        yield server


def raw(server, *parts, pause=0.0, timeout=10.0):
    """Send bytes, and return all that comes back until the connection is closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


def refusal(answer, status):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b"content-type: application/json" in head.lower()
    assert list(json.loads(body)) == ["error"]


def still_works(server):
    answer = httpx.post(server.url + PREDICT, content=BODY, timeout=10)
    return answer.status_code == 200 and abs(answer.json()["predictions"][0]["value"] - 20) < 1e-3


def test_a_sender_that_stalls_is_cut_off_in_good_form(server):
    start = time.monotonic()
    refusal(raw(server, HEAD + b"\r\n" + BODY[:20]), 408)
    refusal(raw(server, HEAD[:30]), 408)
    assert 1.2 < time.monotonic() - start < 9
    assert raw(server) == b""  # never began: closed without a word
    assert still_works(server)


def test_a_sender_that_drips_is_cut_off(server):
    pieces = [HEAD + b"\r\n", *(BODY[i : i + 1] for i in range(20))]
    start = time.monotonic()
    try:
        refusal(raw(server, *pieces, pause=0.1), 408)
    except ConnectionError:  # it went on sending after the answer
        pass
    assert time.monotonic() - start < 9 and still_works(server)


def test_clients_that_leave_at_any_point_harm_nobody(server):
    whole = HEAD + b"\r\n" + BODY
    for length in (0, 1, 20, len(HEAD), len(HEAD) + 10, len(whole) - 1, len(whole)):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(whole[:length])
    assert still_works(server)
    assert server.process.poll() is None
    assert not server.events("failed")


def test_100_megabytes_are_refused_and_not_kept(server):
    still_works(server)
    before = server.memory()
    size = 100_000_000
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode()
    block = b" " * 1_000_000
    refusal(raw(server, head, *[block] * 100, timeout=20), 413)
    chunked = (block for _ in range(100))
    answer = httpx.post(server.url + PREDICT, content=chunked, timeout=20)
    assert answer.status_code == 413 and list(answer.json()) == ["error"]
    assert server.memory() - before < 15
    patient = head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    refusal(raw(server, patient), 413)  # and none of it needs to be sent


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000,
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: odd\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_in_good_form(server, sent):
    refusal(raw(server, sent), 400)
    assert still_works(server)


class Load:
    """Clients that ask again and again until they are stopped, and what they got."""

    def __init__(self, server, clients):
        self.port = server.port
        self.stopped = threading.Event()
        self.right, self.refused, self.unreached, self.faults = 0, 0, 0, []
        self._count = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, right, seconds=60):
        end = time.monotonic() + seconds
        while self.right < right and time.monotonic() < end:
            time.sleep(0.05)
        assert self.right >= right, vars(self)

    def stop(self):
        self.stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.stopped.is_set():
            name, fault = self._ask(connection, random.randrange(256))
            with self._count:
                setattr(self, name, getattr(self, name) + (1 if fault is None else [fault]))
            if name != "right":
                connection.close()
                time.sleep(0.05)
        connection.close()

    def _ask(self, connection, red):
        """Return what to count, and a fault."""
        body = json.dumps({"instances": encoded(red)})
        try:
            connection.request("POST", PREDICT, body)
            answer = connection.getresponse()
            status, content = answer.status, json.loads(answer.read())
        except ConnectionRefusedError:  # it is closed: no request was sent
            return "unreached", None
        except (OSError, http.client.HTTPException, ValueError) as error:
            return "faults", f"lost: {error!r}"
        if status == 503 and list(content) == ["error"] and answer.headers["Retry-After"]:
            return "refused", None
        value = content["predictions"][0]["value"] if status == 200 else None
        if value is not None and abs(value - expected_value(red)) < 1e-3:
            return "right", None
        return "faults", f"{status}: {value} for {red}"


@pytest.mark.slow
def test_64_clients_for_some_seconds(tmp_path):
    with server_process(tmp_path, queue=8, seconds=0.02, max_batch=8) as server:
        load = Load(server, 64)
        load.wait_for(right=64)
        memory = server.memory()
        load.wait_for(right=300)
        growth = server.memory() - memory
        load.stop()
        assert load.faults == [] and growth < 20
        assert load.refused > 0
        assert still_works(server) and server.stop() == 0


def test_sigterm_under_load_answers_what_was_accepted_and_exits_with_0(tmp_path):
    with server_process(tmp_path, seconds=0.05, max_batch=4) as server:
        load = Load(server, 16)
        load.wait_for(right=32)
        assert server.stop() == 0
        time.sleep(0.2)
        load.stop()
        assert load.faults == [] and load.refused == 0
        assert load.unreached > 0  # they came after the end
        assert [line["event"] for line in server.events()][-2:] == ["closed", "stopped"]


def test_sigterm_waits_for_long_work_and_for_nobody_else(tmp_path):
    with server_process(tmp_path, seconds=1.5) as server:
        found = []
        ask = threading.Thread(target=lambda: found.append(still_works(server)))
        ask.start()
        idle = socket.create_connection(("127.0.0.1", server.port))
        time.sleep(0.5)
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 12
        ask.join()
        idle.close()
        assert found == [True]


def run_command(*arguments):
    command = [sys.executable, "-m", "keras_dldl.cli.main", "serve", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_an_address_that_is_taken_or_not_ours_is_a_failure_in_one_line(server):
    taken = run_command("--port", str(server.port))
    assert taken.returncode == 1
    assert taken.stderr == f"Error: Address already in use: 127.0.0.1:{server.port}\n"
    foreign = run_command("--host", "192.0.2.1", "--port", "0")
    assert foreign.returncode == 1 and "192.0.2.1:0" in foreign.stderr
    assert foreign.stderr.count("\n") == 1
