"""Atomic writing: whole or not at all."""

import os

import pytest

from keras_dldl import files


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
