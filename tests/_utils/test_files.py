"""Atomic writing: a file is complete or not there."""

import os
import threading

import pytest

from keras_dldl._utils import files


def test_a_failure_keeps_the_old_file_and_leaves_no_other(tmp_path):
    place = tmp_path / "deep" / "a.json"
    files.write_json(place, {"a": 1})
    with pytest.raises(RuntimeError, match="stop"):
        with files.atomic_path(place) as temporary:
            assert temporary.suffix == ".json" and temporary.parent == place.parent
            temporary.write_text("half")
            raise RuntimeError("stop")
    assert place.read_text() == '{\n  "a": 1\n}\n'
    assert list(place.parent.iterdir()) == [place]


def test_nan_is_not_json(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(tmp_path / "a.json", {"a": float("nan")})


def test_a_file_has_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("x")
    files.write_text(tmp_path / "atomic", "x")
    rights = [os.stat(tmp_path / name).st_mode for name in ("plain", "atomic")]
    assert rights[0] == rights[1]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_disk_is_an_os_error(tmp_path):
    place = tmp_path / "a.txt"
    with pytest.raises(OSError, match="No space left"):
        with files.atomic_path(place), open("/dev/full", "w") as full:
            full.write("x" * 100_000)
    assert list(tmp_path.iterdir()) == []


def test_no_folder_can_be_made_below_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError):  # noqa: PT011 - its kind differs between systems
        files.write_text(tmp_path / "file" / "a.txt", "x")


@pytest.mark.parametrize("name", ["a" * 251 + ".txt", "x." + "b" * 253, "." + "c" * 254])
def test_a_name_as_long_as_there_can_be_is_written(tmp_path, name):
    files.write_text(tmp_path / name, "x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failure_names_the_real_file(tmp_path):
    place = tmp_path / "a.txt"
    for raised in (
        lambda temporary: OSError(28, "No space left on device"),
        lambda temporary: OSError(28, "No space left on device", 7),
        lambda temporary: OSError(28, "No space left on device", str(temporary)),
        lambda temporary: PermissionError(13, "Permission denied", bytes(temporary)),
    ):
        with pytest.raises(OSError) as caught, files.atomic_path(place) as temporary:  # noqa: PT011
            error = raised(temporary)
            raise error
        assert caught.value.filename == str(place)
        assert (type(caught.value), caught.value.errno) == (type(error), error.errno)
    with pytest.raises(OSError, match=r"a\.txt: cannot write mode F as PNG"):
        with files.atomic_path(place):
            raise OSError("cannot write mode F as PNG")


def test_a_failure_with_another_file_is_passed_on(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, files.atomic_path(tmp_path / "a.txt"):
        open(tmp_path / "missing")
    assert caught.value.filename == str(tmp_path / "missing")


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its kind differs between systems
        files.write_text(tmp_path / "a.txt", "x")
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_a_folder_is_made_and_proved_writable(tmp_path, monkeypatch):
    folder = tmp_path / "a" / "b"
    files.check_writable(folder)
    files.check_writable(folder)
    assert folder.is_dir() and not list(folder.iterdir())
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(NotADirectoryError) as caught:
            files.check_writable(place)
        assert str(caught.value.filename).startswith(str(tmp_path / "file"))

    def read_only(*_, **__):
        raise OSError(30, "Read-only file system", str(folder / ".tmp-x"))

    monkeypatch.setattr(files.tempfile, "TemporaryFile", read_only)
    with pytest.raises(OSError, match="Read-only") as caught:
        files.check_writable(folder)
    assert caught.value.filename == str(folder)


def test_a_pipe_gets_the_content_and_stays(tmp_path):
    pipe = tmp_path / "a.txt"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    files.write_text(pipe, "x")
    reader.join(30)
    assert read == ["x"] and pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]
