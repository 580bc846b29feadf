"""A server in a process of its own: senders that stall, 100 MB, many clients, SIGTERM."""

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
HEAD = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n".encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with server_process(folder, body_timeout=0.7, max_body_bytes=1_000_000, timeout=5) as server:
        yield server


def raw(server, *parts, pause=0.0, timeout=5.0):
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
    assert 1.2 < time.monotonic() - start < 4
    assert raw(server) == b""  # never began: closed without a word
    assert still_works(server)


def test_a_sender_that_drips_is_cut_off(server):
    pieces = [HEAD + b"\r\n", *(BODY[i : i + 1] for i in range(20))]
    start = time.monotonic()
    try:
        refusal(raw(server, *pieces, pause=0.1), 408)
    except ConnectionError:  # it went on sending after the answer
        pass
    assert time.monotonic() - start < 4 and still_works(server)


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
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
    block = b" " * 1_000_000
    refusal(raw(server, head, *[block] * 100, timeout=20), 413)
    chunked = (block for _ in range(100))
    answer = httpx.post(server.url + PREDICT, content=chunked, timeout=20)
    assert answer.status_code == 413 and list(answer.json()) == ["error"]
    assert server.memory() - before < 15
    patient = (
        f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {size}\r\n"
    )
    refusal(raw(server, patient.encode() + b"\r\n"), 413)  # and none of it needs to be sent


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000, 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: odd\r\n\r\n", 501),
    ],
)
def test_what_is_not_http_is_refused_in_good_form(server, sent, status):
    answer = raw(server, sent)
    refusal(answer, 400 if b" 400 " in answer[:20] else status)
    assert still_works(server)


class Load(threading.Thread):
    """A client that asks again and again, and notes what it gets."""

    def __init__(self, server, seconds):
        super().__init__()
        self.server, self.end = server, time.monotonic() + seconds
        self.right = self.refused = 0
        self.wrong, self.lost, self.unreached = [], [], 0

    def run(self):
        with httpx.Client(base_url=self.server.url, timeout=20) as client:
            while time.monotonic() < self.end:
                self._ask(client)

    def _ask(self, client):
        red = random.randrange(256)
        try:
            answer = client.post(PREDICT, json={"instances": encoded(red)})
        except httpx.ConnectError:  # it is closed: no request was sent
            self.unreached += 1
            time.sleep(0.02)
            return
        except httpx.TransportError as error:
            self.lost.append(repr(error))
            return
        if answer.status_code == 503 and list(answer.json()) == ["error"]:
            self.refused += 1
            time.sleep(0.1 * float(answer.headers["retry-after"]))
        elif answer.status_code == 200:
            value = answer.json()["predictions"][0]["value"]
            right = abs(value - expected_value(red)) < 1e-3
            self.right += right
            if not right:
                self.wrong.append((red, value))
        else:
            self.wrong.append((answer.status_code, answer.text))


def run_load(server, clients, seconds):
    loads = [Load(server, seconds) for _ in range(clients)]
    for load in loads:
        load.start()
    return loads


def total(loads, name):
    found = [getattr(load, name) for load in loads]
    return sum(found, [] if isinstance(found[0], list) else 0)


@pytest.mark.slow
def test_64_clients_for_some_seconds(tmp_path):
    with server_process(tmp_path, queue=32, seconds=0.01, max_batch=8) as server:
        assert still_works(server)
        loads = run_load(server, 64, 4)
        time.sleep(2)
        memory = server.memory()
        for load in loads:
            load.join()
        assert total(loads, "wrong") == [] and total(loads, "lost") == []
        assert total(loads, "right") > 64
        assert server.memory() - memory < 20
        assert still_works(server) and server.stop() == 0


@pytest.mark.parametrize("clients", [16])
def test_sigterm_under_load_answers_what_was_accepted_and_exits_with_0(tmp_path, clients):
    with server_process(tmp_path, seconds=0.05, max_batch=4) as server:
        loads = run_load(server, clients, 2.5)
        time.sleep(1)
        assert server.stop() == 0
        for load in loads:
            load.join()
        assert total(loads, "wrong") == [] and total(loads, "lost") == []
        assert total(loads, "right") > clients
        assert total(loads, "unreached") > 0  # they came after the end
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
        assert time.monotonic() - start < 6
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
