"""Plain progress: few lines, the last one true."""

import io
import sys

import pytest

from keras_dldl._utils import progress as module
from keras_dldl._utils.progress import progress


def test_one_line_at_the_end(capsys):
    assert list(progress(range(5), label="faces")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == "faces: 5/5 [00:00]\n"


def test_by_hand_with_lines_between(capsys, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    with progress(total=10, label="faces") as bar:
        bar.update(4)
        bar.set_description_str("more")
        bar.update(6)
    assert capsys.readouterr().err == "faces: 4/10 [00:00, 00:00 left]\nmore: 10/10 [00:00]\n"


def test_a_failure_shows_how_far_it_came_and_passes_on(capsys):
    with pytest.raises(RuntimeError, match="stop"):
        with progress(total=3, label="faces") as bar:
            bar.update()
            raise RuntimeError("stop")
    assert capsys.readouterr().err == "faces: 1/3 [00:00, 00:00 left]\n"


def test_the_time_left_is_that_of_the_steps_so_far(capsys, monkeypatch):
    times = iter([0.0, 100.0, 100.0, 100.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(times))
    bar = progress(total=40, label="faces")
    bar.update(10)  # in 100 s, so 300 s are left for the other 30
    assert capsys.readouterr().err == "faces: 10/40 [01:40, 05:00 left]\n"


def test_nothing_done_says_nothing(capsys):
    assert list(progress([], label="faces")) == []
    assert capsys.readouterr().err == ""


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


class ReaderGone(io.StringIO):
    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("stderr", [None, closed(), ReaderGone()])
def test_work_goes_on_without_stderr(monkeypatch, stderr):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr(sys, "stderr", stderr)
    assert list(progress(range(5), label="faces")) == [0, 1, 2, 3, 4]
