"""`prepare` killed at many moments, then called again: the same bytes as if it had not been."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import DataError
from tests.prepared_folders import content

# A file, not `-c`: the worker processes import it again.
SCRIPT = """
import os, signal, sys
from pathlib import Path

from keras_dldl.data.prepare import PrepareOptions, prepare, shards
from keras_dldl.data.sources import SyntheticSource

shards.ROWS_PER_SHARD = 6
rename, left = os.replace, int(sys.argv[2])


def rename_or_die(source, target):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(source, target)


if __name__ == "__main__":
    os.replace = rename_or_die  # in this process alone, which writes the tables
    out = Path(sys.argv[1])
    source = SyntheticSource(count=36, image_size=64)
    prepare(source, out / "images", out, PrepareOptions(size=32, workers=2))
"""
TABLES = 4  # skipped.csv, faces/index.csv, manifest.csv, dataset.json


def count(folder):
    """Return the number of whole files; folders and files may vanish meanwhile."""
    return sum(not name.startswith(".tmp-") for _, _, names in os.walk(folder) for name in names)


class Runs:
    """Calls of the script, always on one folder, since the plan names it."""

    def __init__(self, folder):
        self.out = folder / "out"
        (folder / "killed.py").write_text(SCRIPT)
        self._command = [sys.executable, str(folder / "killed.py"), str(self.out)]

    def start(self, renames=0):
        return subprocess.Popen([*self._command, str(renames)], stderr=subprocess.DEVNULL)

    def kill_after(self, files):
        """Start a run, and kill it once `files` files are there; it must not be done by then."""
        process = self.start()
        while count(self.out) < files and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (self.out / "dataset.json").exists()


@pytest.mark.slow
def test_a_run_killed_at_many_moments_continues_to_the_same_files(tmp_path):
    runs = Runs(tmp_path)
    assert runs.start().wait() == 0
    whole = content(runs.out)
    os.rename(runs.out, tmp_path / "whole")
    drawn = sum(name.startswith("images/") for name in whole)
    last = len(whole) - TABLES - 6  # with a shard still to come
    moments = random.Random(7)
    for files in (moments.randint(1, drawn), *sorted(moments.sample(range(drawn + 1, last), 2))):
        runs.kill_after(files)
    done = {path: path.stat().st_mtime_ns for path in (runs.out / ".progress").glob("*.json")}
    assert 0 < len(done) < sum(name.endswith(".tfrecord") for name in whole)
    for renames in range(1, TABLES + 1):  # one after the other
        assert runs.start(renames).wait() == -signal.SIGKILL
        with pytest.raises(DataError, match="begun but not finished"):
            PreparedData(runs.out)
    assert runs.start().wait() == 0
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert content(runs.out) == whole
