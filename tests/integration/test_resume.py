"""A run that is killed and resumed ends as if nothing had happened."""

import signal

import numpy as np
import pytest

from tests.training.runs import arrays, finish, numbers, start, wait_for
from tests.training.small_data import write_small_data

SETTINGS = [
    "epochs=6", "batch_size=8", "dropout=0.3", "schedule=cosine", "warmup_epochs=1",
    "weight_decay=0.01", "gradient_clip_norm=5", "ema=0.8", "sampling=sqrt", "model=small",
]  # fmt: skip


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    data = write_small_data(tmp_path / "data", train=60, val=10)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    words = ["train", "--data", data, *(part for text in SETTINGS for part in ("--set", text))]
    status, _, err = finish(start([*words, "--out", whole]))
    assert status == 0, err

    process = start([*words, "--out", killed])
    wait_for(killed / "checkpoint" / "state.npz", process)
    process.send_signal(signal.SIGKILL)
    assert finish(process)[0] == -signal.SIGKILL
    status, _, err = finish(start(["train", "--out", killed, "--resume"]))
    assert status == 0 and "Going on after epoch" in err

    for expected, got in zip(arrays(whole), arrays(killed), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert numbers(killed) == numbers(whole)
