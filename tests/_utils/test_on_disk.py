"""Names in another Unicode form than the disk's."""

import unicodedata

import pytest

from keras_dldl._utils.on_disk import as_on_disk

FORMS = ("NFC", "NFD")
NAME = "Zoë é.jpg"


def spelt(form, text=NAME):
    return unicodedata.normalize(form, text)


@pytest.mark.parametrize("on_disk", FORMS)
@pytest.mark.parametrize("asked", FORMS)
def test_either_form_finds_the_other(tmp_path, on_disk, asked):
    folder = tmp_path / spelt(on_disk, "Fête")
    folder.mkdir()
    (folder / spelt(on_disk)).touch()
    path = tmp_path / spelt(asked, "Fête") / spelt(asked)
    assert as_on_disk(path) == str(folder / spelt(on_disk))


def test_a_name_of_both_forms_and_a_folder_of_another_one_are_found(tmp_path):
    folder = tmp_path / spelt("NFD", "Fête")
    folder.mkdir()
    mixed = spelt("NFC", "Zoë ") + spelt("NFD", "é.jpg")
    (folder / mixed).touch()
    assert as_on_disk(tmp_path / spelt("NFC", "Fête") / spelt("NFC")) == str(folder / mixed)


def test_the_very_name_comes_first_and_what_is_not_there_stays(tmp_path):
    for form in FORMS:
        (tmp_path / spelt(form)).touch()
        assert as_on_disk(tmp_path / spelt(form)) == str(tmp_path / spelt(form))
    assert as_on_disk(tmp_path / "ñ" / "a.jpg") == str(tmp_path / "ñ" / "a.jpg")
    assert as_on_disk("ñ.jpg") == "ñ.jpg"


def test_a_file_that_comes_later_is_found(tmp_path):
    asked = tmp_path / spelt("NFC")
    (tmp_path / "ñ.jpg").touch()
    assert as_on_disk(asked) == str(asked)
    (tmp_path / spelt("NFD")).touch()
    assert as_on_disk(asked) == str(tmp_path / spelt("NFD"))
