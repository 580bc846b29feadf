"""A folder under its real name is whole, and nothing foreign is ever replaced."""

import os
import stat

import pytest

from keras_dldl.export.folders import new_folder, version_folder

MARKER = "saved_model.pb"


def write(place, text, **options):
    with new_folder(place, marker=MARKER, **options) as temporary:
        assert temporary.parent.parent == place.parent, "a rename must stay on one disk"
        (temporary / MARKER).write_text(text)
    return (place / MARKER).read_text()


def test_a_new_folder_appears_whole_with_its_parents(tmp_path):
    assert write(tmp_path / "a" / "b", "one") == "one"
    assert os.listdir(tmp_path / "a") == ["b"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o777 & ~mask


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "a", marker=MARKER) as temporary:
        (temporary / MARKER).write_text("half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_an_empty_folder_is_no_obstacle_and_an_export_is_replaced_by_force_alone(tmp_path):
    (tmp_path / "a").mkdir()
    assert write(tmp_path / "a", "one") == "one"
    with pytest.raises(FileExistsError, match="--force"):
        write(tmp_path / "a", "two")
    assert write(tmp_path / "a", "two", force=True) == "two"
    assert os.listdir(tmp_path) == ["a"]


def test_a_failed_replacement_keeps_the_old_export(tmp_path, monkeypatch):
    write(tmp_path / "a", "one")
    rename = os.rename

    def full_disk(source, target):
        if os.path.basename(source) == "new":
            raise OSError(28, "No space left on device", str(target))
        rename(source, target)

    monkeypatch.setattr(os, "rename", full_disk)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "a", "two", force=True)
    assert (tmp_path / "a" / MARKER).read_text() == "one"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("force", [False, True])
def test_what_is_not_an_export_is_never_replaced(tmp_path, force):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for name in ("photos", "file"):
        with pytest.raises(FileExistsError, match="an earlier export"):
            write(tmp_path / name, "one", force=force)
    assert (tmp_path / "photos" / "me.jpg").read_text() == "precious"


def test_the_current_folder_can_be_written(tmp_path, monkeypatch):
    from pathlib import Path

    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    with new_folder(Path("."), marker=MARKER) as temporary:
        (temporary / MARKER).write_text("one")
    assert (tmp_path / "a" / MARKER).read_text() == "one"


def test_names_as_long_as_there_can_be(tmp_path):
    place = tmp_path / ("a" * 255)
    assert write(place, "one") == "one"
    assert write(place, "two", force=True) == "two"
    assert os.listdir(tmp_path) == [place.name]


def test_a_failure_names_the_real_folder(tmp_path):
    with pytest.raises(OSError, match="No space") as caught:
        with new_folder(tmp_path / "a", marker=MARKER) as temporary:
            raise OSError(28, "No space left on device", str(temporary / MARKER))
    assert (caught.value.filename, caught.value.errno) == (str(tmp_path / "a"), 28)
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError) as caught:
        write(tmp_path / "file" / "a", "one")
    assert caught.value.filename == str(tmp_path / "file")


def test_the_next_version_is_numbered_after_the_greatest(tmp_path):
    assert version_folder(tmp_path / "m", "auto") == tmp_path / "m" / "1"
    for name in ("9", "10", "12x", "-30", "1_00", "\N{SUPERSCRIPT TWO}", "models.config"):
        (tmp_path / "m" / name).mkdir(parents=True)
    assert version_folder(tmp_path / "m", "auto") == tmp_path / "m" / "11"
    assert version_folder(tmp_path / "m", 3) == tmp_path / "m" / "3"
