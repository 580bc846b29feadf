"""A model that is a few lines of NumPy, and a server process around it."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.runtime import ModelCard, Network

ROOT = Path(__file__).parents[2]
SIDE = 8


class FakeNetwork(Network):
    """Estimates the mean of the red channel as a percentage; slow on demand."""

    def __init__(self, grid=None, seconds=0.0, calibration=None):
        self.grid = grid or LabelGrid.age()
        card = ModelCard("fake", self.grid, SIDE, calibration=calibration, mirror_averaged=True)
        super().__init__(card, "fake")
        self.seconds = seconds
        self.batches = []

    @property
    def maps(self):
        if self.grid.task != "age":
            raise ConfigError("Attention maps are for ages here. Received: another task")
        return FakeMaps()

    def answer(self, faces):
        assert faces.dtype == np.float32 and faces.shape[1:] == (SIDE, SIDE, 3)
        self.batches.append(len(faces))
        if faces.any():  # not as the server warms up
            time.sleep(self.seconds)
        place = faces[..., 0].mean(axis=(1, 2)) / 255 * (self.grid.size - 1)
        with np.errstate(invalid="ignore"):
            low = np.nan_to_num(np.floor(np.minimum(place, self.grid.size - 2))).astype(int)
        p = np.zeros((len(faces), self.grid.size))
        rows = np.arange(len(faces))
        p[rows, low], p[rows, low + 1] = 1 - (place - low), place - low
        return p


class FakeMaps:
    """Maps of two rows over the upper three quarters of a face."""

    covered = (0.75, 1.0)

    def attention_with_mirror(self, faces):
        return np.tile(np.array([[0.0, 0.5], [0.5, 1.0]], np.float32), (len(faces), 1, 1))


def expected_value(red, grid=None):
    """Return what `FakeNetwork` makes of a face of one colour."""
    grid = grid or LabelGrid.age()
    return grid.start + red / 255 * (grid.stop - grid.start)


SERVER = """
import json, sys
from keras_dldl.serving import ServerOptions, serve
from tests.prediction_case import FakeDetector
from tests.serving.fakes import FakeNetwork

given = json.loads(sys.argv[1])
models = {"age": FakeNetwork(seconds=given.pop("seconds", 0.0))}
serve(models, port=0, options=ServerOptions(**given), detector=FakeDetector())
"""


class ServerProcess:
    """A server in a process of its own."""

    def __init__(self, process, log):
        self.process = process
        self._log = log
        self.url = self._wait_until_ready()

    @property
    def port(self):
        return int(self.url.rstrip("/").rpartition(":")[2])

    def events(self, name=None):
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [line for line in lines if name in (None, line["event"])]

    def stop(self):
        """Send SIGTERM, and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def memory(self):
        """Return the memory in use, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1000

    def _wait_until_ready(self):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            text = self._log.read_text()
            if '"ready"' in text and text.endswith("\n"):
                return self.events("ready")[0]["url"].rstrip("/")
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {self._log.read_text()}")


@contextmanager
def server_process(folder, command=None, **options):
    """Run a server of `FakeNetwork`s, or `command`, and end it."""
    log = Path(folder) / "server.log"
    command = command or ["-c", SERVER, json.dumps(options)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open(log, "w") as stream:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=stream, stderr=stream
        )
    try:
        yield ServerProcess(process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
