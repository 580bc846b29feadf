"""A run that is killed and resumed ends as if nothing had happened."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.training.small_data import write_small_data

SETTINGS = [
    "epochs=4", "batch_size=8", "dropout=0.3", "schedule=cosine", "warmup_epochs=1",
    "weight_decay=0.01", "gradient_clip_norm=5", "ema=0.8", "sampling=sqrt",
    "model=nano-age-net",
]  # fmt: skip
DEADLINE_SECONDS = 120


def command(*arguments):
    return [sys.executable, "-m", "keras_dldl.cli.main", "train", *map(str, arguments)]


def settings(data):
    return ["--data", data, *[part for text in SETTINGS for part in ("--set", text)]]


def wait_for(path, process):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not path.exists():
        assert process.poll() is None, "training ended before its first checkpoint"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def arrays(run):
    with np.load(run / "checkpoint" / "state.npz") as archive:
        return {name: archive[name] for name in archive.files if name != "progress"}


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    data = write_small_data(tmp_path / "data", train=60, val=10)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(*settings(data), "--out", whole), check=True, capture_output=True)

    process = subprocess.Popen(
        command(*settings(data), "--out", killed),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(killed / "checkpoint" / "state.npz", process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    resumed = subprocess.run(
        command("--out", killed, "--resume"), check=True, capture_output=True, text=True
    )
    assert "Going on after epoch" in resumed.stderr

    expected, got = arrays(whole), arrays(killed)
    assert expected.keys() == got.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(got[name], values, err_msg=name)
    assert _numbers(killed) == _numbers(whole)


def _numbers(run):
    lines = (run / "history.csv").read_text().splitlines()
    return [line.rsplit(",", 1)[0] for line in lines]  # without the seconds
