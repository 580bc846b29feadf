"""A minute of 64 clients against `keras-dldl serve`: is every answer right, and does memory hold?

    python benchmarks/server_load.py [--clients 64] [--seconds 60] [--queue 256]

Starts the server with the shipped model, and asks it for faces whose values are known from
`predict_age`. Among the clients one sends nonsense, one leaves in the middle, and one sends far
too much. Prints answers, refusals, what went wrong, seconds to an answer, and the server's memory;
ends with SIGTERM under load. Exit status 1 where anything was wrong. Needs the extra `dev`.
"""

import argparse
import asyncio
import base64
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np

ROOT = Path(__file__).parents[1]
PREDICT = "/v1/models/age:predict"
FACES = 16
TOLERANCE = 0.01  # years
WARM_UP_SECONDS = 5


def main() -> int:
    """Run the load, print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--queue", type=int, default=256)
    given = parser.parse_args()
    files, values = faces()
    log = Path("server_load.log")
    with open(log, "w") as stream:
        process = start(given.queue, stream)
    try:
        found = Found(process.pid)
        url = wait_until_ready(log, process)
        asyncio.run(load(url, files, values, given, found, process))
        status = process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
    found.show(given, status)
    return int(bool(found.faults or status or found.growth() > 50))


def faces() -> tuple[list[bytes], list[float]]:
    """Return drawn faces as PNG files, and the ages that `predict_age` gives them."""
    from PIL import Image

    from keras_dldl import predict_age
    from keras_dldl.data.synthetic import draw_face

    files = []
    for number in range(FACES):
        face = draw_face(15 + 4 * number, np.random.default_rng(number), size=112)
        stream = io.BytesIO()
        Image.fromarray(face.image).save(stream, "PNG")
        files.append(stream.getvalue())
    return files, [float(p) for p in predict_age(files, detect=False, on_error="raise")]


def start(queue: int, stream) -> subprocess.Popen:
    """Start the server."""
    command = [sys.executable, "-m", "keras_dldl.cli.main", "serve", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, "--queue", str(queue)], stderr=stream, env=environment, cwd=ROOT
    )


def wait_until_ready(log: Path, process: subprocess.Popen) -> str:
    """Return the server's address."""
    while process.poll() is None:
        for line in log.read_text().splitlines(keepends=True):
            if line.endswith("\n") and '"ready"' in line:
                return json.loads(line)["url"].rstrip("/")
        time.sleep(0.1)
    raise SystemExit(f"the server did not start: see {log}")


class Found:
    """What the clients saw."""

    def __init__(self, pid: int):
        self.pid = pid
        self.counts: Counter = Counter()
        self.faults: list[str] = []
        self.seconds: list[float] = []
        self.memory: list[float] = []
        self.processor_seconds = 0.0

    def look_at_memory(self) -> None:
        """Note the server's memory, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        self.memory.append(int(line.split()[1]) / 1000)

    def look_at_processor(self) -> float:
        """Return the seconds of processor time that the server has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def growth(self) -> float:
        """Return the MB between the first and the last third of the run, means of each."""
        third = max(1, len(self.memory) // 3)
        return float(np.mean(self.memory[-third:]) - np.mean(self.memory[:third]))

    def show(self, given, status: int) -> None:
        """Print all of it."""
        print(f"clients     {given.clients}, {given.seconds:g} s, queue {given.queue}")
        for name, count in sorted(self.counts.items()):
            print(f"{name:<11} {count}")
        middle, late = np.percentile(self.seconds, [50, 99])
        print(f"seconds     median {middle:.3f}, 99 % within {late:.3f}")
        print(f"answers/s   {self.counts['right'] / given.seconds:.0f}")
        each = 1000 * self.processor_seconds / max(1, self.counts["right"])
        print(f"processor   {each:.1f} ms of the server's an answer of two faces on average")
        print(
            f"memory      {self.memory[0]:.0f} ... {max(self.memory):.0f} MB, "
            f"last third against first {self.growth():+.1f} MB"
        )
        print(f"exit status {status} after SIGTERM")
        print(f"faults      {len(self.faults)}", *self.faults[:5], sep="\n  ")


async def load(url, files, values, given, found: Found, process) -> None:
    """Ask from all clients until the time is up, then send SIGTERM while they continue."""
    stop = asyncio.Event()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        ask = [right(client, files, values, found, stop) for _ in range(given.clients - 3)]
        ask += [nonsense(client, found, stop), endless(client, found, stop)]
        tasks = [asyncio.ensure_future(one) for one in [*ask, leaving(url, found, stop)]]
        await asyncio.sleep(WARM_UP_SECONDS)
        end = time.monotonic() + given.seconds
        found.counts.clear()
        found.seconds.clear()
        begin = found.look_at_processor()
        while time.monotonic() < end:
            found.look_at_memory()
            await asyncio.sleep(1)
        found.processor_seconds = found.look_at_processor() - begin
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(2)
        stop.set()
        await asyncio.gather(*tasks)


async def right(client, files, values, found: Found, stop) -> None:
    """Ask for one to three faces and compare."""
    while not stop.is_set():
        chosen = random.choices(range(len(files)), k=random.randint(1, 3))
        rows = [{"b64": base64.b64encode(files[i]).decode()} for i in chosen]
        begin = time.monotonic()
        answer = await sent(client.post(PREDICT, json={"instances": rows}), found)
        if answer is None:
            await asyncio.sleep(0.1)
        elif answer.status_code == 200:
            got = [row["value"] for row in answer.json()["predictions"]]
            expected = [values[i] for i in chosen]
            good = len(got) == len(expected) and np.allclose(got, expected, atol=TOLERANCE, rtol=0)
            found.counts["right" if good else "wrong"] += 1
            found.seconds.append(time.monotonic() - begin)
            if not good:
                found.faults.append(f"{got} instead of {expected}")
        else:
            check_refusal(answer, {503}, found)
            await asyncio.sleep(0.1)


async def nonsense(client, found: Found, stop) -> None:
    """Send what is refused, and see that the refusal is well formed."""
    bodies = [b"", b"nonsense", b"{}", b'{"instances": []}', b'{"instances": [{"b64": "?"}]}']
    while not stop.is_set():
        answer = await sent(client.post(PREDICT, content=random.choice(bodies)), found)
        if answer is not None:
            check_refusal(answer, {400, 503}, found)
        await asyncio.sleep(0.05)


async def endless(client, found: Found, stop) -> None:
    """Send 100 MB."""

    async def body():
        for _ in range(100):
            yield b" " * 1_000_000

    while not stop.is_set():
        answer = await sent(client.post(PREDICT, content=body()), found)
        if answer is not None:
            check_refusal(answer, {413, 503}, found)
        await asyncio.sleep(2)


async def leaving(url, found: Found, stop) -> None:
    """Begin a request and leave."""
    host, port = url.removeprefix("http://").split(":")
    while not stop.is_set():
        try:
            _, writer = await asyncio.open_connection(host, int(port))
            head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n"
            writer.write(head.encode() + b"[")
            await writer.drain()
            writer.close()
            found.counts["left"] += 1
        except OSError:
            found.counts["unreached"] += 1
        await asyncio.sleep(0.1)


async def sent(request, found: Found) -> httpx.Response | None:
    """Return the answer; None where the server is closed. A lost answer is a fault."""
    try:
        return await request
    except httpx.ConnectError:
        found.counts["unreached"] += 1
    except httpx.TransportError as error:
        found.counts["lost"] += 1
        found.faults.append(f"lost: {error!r}")
    return None


def check_refusal(answer: httpx.Response, allowed: set[int], found: Found) -> None:
    """Count a refusal; one that is not well formed is a fault."""
    found.counts[f"status {answer.status_code}"] += 1
    try:
        good = answer.status_code in allowed and list(answer.json()) == ["error"]
    except ValueError:
        good = False
    if not good or (answer.status_code == 503 and "retry-after" not in answer.headers):
        found.faults.append(f"{answer.status_code}: {answer.text[:100]}")


if __name__ == "__main__":
    sys.exit(main())
