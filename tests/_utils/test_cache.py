"""The cache: made once, also by processes that ask at once; damage and read-only folders."""

import subprocess
import sys
from pathlib import Path

import pytest

from keras_dldl._utils.cache import cache_folder, cached, checksum

KEY = checksum("key")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    place = tmp_path / "cache"
    monkeypatch.setenv("KERAS_DLDL_CACHE_DIR", str(place))
    return place


class Maker:
    def __init__(self, content=b"content"):
        self.content, self.calls = content, 0

    def __call__(self):
        self.calls += 1
        return self.content


def files(folder):
    return [path for path in sorted(folder.iterdir()) if path.suffix != ".lock"]


def test_it_is_made_once_for_each_key(folder):
    make = Maker()
    assert [cached("net", KEY, make) for _ in range(3)] == [b"content"] * 3
    assert make.calls == 1
    cached("net", checksum("other"), make)
    cached("other", KEY, make)
    assert make.calls == 3 and len(files(folder)) == 3


@pytest.mark.parametrize("damage", [b"", b"conten", b"CONTENT", b"content more"])
def test_damaged_files_are_made_anew(folder, damage):
    make = Maker()
    cached("net", KEY, make)
    (file,) = files(folder)
    file.write_bytes(damage)
    assert cached("net", KEY, make) == b"content"
    assert make.calls == 2 and file.read_bytes() == b"content"


def test_a_folder_that_cannot_be_written_is_no_error(folder):
    folder.write_text("a file where the folder should be")
    make = Maker()
    assert cached("net", KEY, make) == cached("net", KEY, make) == b"content"
    assert make.calls == 2


def test_what_the_maker_raises_is_passed_on_and_nothing_is_kept(folder):
    def make():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cached("net", KEY, make)
    assert files(folder) == []
    assert cached("net", KEY, Maker()) == b"content"


def test_processes_that_ask_at_once_make_it_once(folder, tmp_path):
    log = tmp_path / "log"
    code = f"""if 1:
        import time
        from keras_dldl._utils.cache import cached, checksum
        def make():
            with open({str(log)!r}, "a") as stream:
                stream.write("made ")
            time.sleep(0.5)
            return b"content"
        print(cached("net", checksum("key"), make))
    """
    root = Path(__file__).parents[2]
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    assert [process.communicate()[0].strip() for process in started] == [b"b'content'"] * 4
    assert log.read_text() == "made "


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_DLDL_CACHE_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "keras-dldl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "keras-dldl"
    monkeypatch.setenv("KERAS_DLDL_CACHE_DIR", "~/own")
    assert cache_folder() == tmp_path / "own"
