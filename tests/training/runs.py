"""Runs in processes of their own, and what they leave."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 300


def start(words, backend="tensorflow", **environment):
    """Start `keras-dldl` with these words; the backbone "small" is quickly compiled."""
    environment = os.environ | {"KERAS_BACKEND": backend, **environment}
    environment.pop("JAX_ENABLE_X64", None)
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests/training/team_worker.py"), *map(str, words)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, out, err


def wait_for(path, process):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def arrays(run):
    """Return all variables in the checkpoint."""
    with np.load(run / "checkpoint" / "state.npz") as archive:
        return [archive[name] for name in sorted(archive.files) if name != "progress"]


def numbers(run):
    """Return the history without its seconds."""
    lines = (run / "history.csv").read_text().splitlines()[1:]
    return [[float(word) for word in line.split(",")[:-1]] for line in lines]
