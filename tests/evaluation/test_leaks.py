"""Evaluated faces that stand in training too."""

import base64

import numpy as np
import pandas as pd
import pytest

from keras_dldl.data.leaks.fingerprints import digest_of, training_images
from keras_dldl.evaluation import LabelledImages, PreparedFaces, leaks
from keras_dldl.evaluation.leaks import leak_check
from keras_dldl.evaluation.tables import leak_sentence
from tests.evaluation.given import noise, write_images, write_prepared


@pytest.fixture
def leaky(tmp_path):
    """Prepared data of which two test faces are in training, one of them mirrored."""
    faces = noise(9, seed=0)
    copies = {"faces/2-0.png": faces[2], "faces/2-1.png": faces[4][:, ::-1]}
    write_prepared(tmp_path, {"train": 9, "val": 3, "test": 6}, others=copies)
    return tmp_path


def test_copies_and_people_in_training_are_counted(leaky):
    # The rows that are written name their people by number, so all six are in training too.
    found = leak_check(PreparedFaces(leaky))
    assert found == {
        "checked": True,
        "split": "test",
        "faces": 6,
        "train_faces": 9,
        "faces_in_train": 2,
        "subjects_in_train": 6,
        "unreadable": 0,
        "mae_without": None,
        "faces_seen": None,
        "seen_complete": False,
    }


def test_the_error_without_copies_is_that_of_the_other_rows_whoever_they_are(leaky, tmp_path):
    table = pd.read_csv(leaky / "manifest.csv").drop(columns="subject")
    table.to_csv(leaky / "manifest.csv", index=False)
    error = np.array([100.0, 200.0, 1.0, 2.0, 3.0, 4.0])
    found = leak_check(PreparedFaces(leaky), error=error)
    assert (found["mae_without"], found["subjects_in_train"]) == (2.5, None)
    # Faces of another folder, which are nowhere in training, stay.
    write_prepared(tmp_path / "b", {"test": 6}, seed=5)
    both = PreparedFaces(tmp_path / "b", leaky)
    found = leak_check(both, error=np.r_[np.full(6, 8.0), error])
    assert found["mae_without"] == (6 * 8 + 1 + 2 + 3 + 4) / 10
    assert leak_check(PreparedFaces(leaky, limit=2), error=error[:2])["mae_without"] is None


def test_faces_that_the_model_was_trained_on_are_counted(leaky):
    faces = PreparedFaces(leaky)
    remembered = training_images(faces.data)
    folder = faces.data.folders[0]
    known = folder.records("train").read([2]) + folder.records("test").read([5])
    remembered["digests"] = base64.b64encode(b"".join(map(digest_of, known))).decode()
    found = leak_check(faces, error=np.arange(6.0), remembered=remembered)
    assert found["faces_seen"] == 2 and found["seen_complete"] is True
    # Rows 0 and 1 are copies of training faces, row 5 is another that the model has seen.
    assert found["mae_without"] == (2 + 3 + 4) / 3
    only = leak_check(PreparedFaces(leaky, split="train"), True, remembered=remembered)
    assert only["checked"] is False and only["faces_seen"] == 1
    assert leak_check(faces, False, remembered=remembered)["faces_seen"] is None


@pytest.mark.parametrize(("limit", "copies"), [(1, 1), (2, 2), (3, 2)])
def test_only_the_faces_evaluated_are_counted(leaky, limit, copies):
    faces = PreparedFaces(leaky, limit=limit)
    folder = faces.data.folders[0]
    known = folder.records("test").read([0, 5])  # the last one is not evaluated
    remembered = {"digests": base64.b64encode(b"".join(map(digest_of, known))).decode()}
    found = leak_check(faces, remembered=remembered)
    assert (found["faces"], found["train_faces"], found["faces_in_train"]) == (limit, 9, copies)
    assert (found["subjects_in_train"], found["faces_seen"]) == (limit, 1)
    assert f"{copies} of {limit} faces of test are also" in leak_sentence(found)
    assert "trained on 1 of these very images" in leak_sentence(found)


def test_why_it_is_not_run(leaky, tmp_path, monkeypatch):
    def reason(faces, asked_for=None):
        found = leak_check(faces, asked_for)
        assert found["checked"] is False
        return found["reason"]

    assert "not asked for" in reason(PreparedFaces(leaky), False)
    assert "training faces themselves" in reason(PreparedFaces(leaky, split="train"), True)
    write_prepared(tmp_path / "b", {"test": 3})
    assert "no training part" in reason(PreparedFaces(tmp_path / "b"), True)
    write_images(tmp_path / "c", 2)
    faces = LabelledImages(tmp_path / "c" / "manifest.csv", tmp_path / "c" / "images")
    assert "no training part beside" in reason(faces, True)
    monkeypatch.setattr(leaks, "QUICK", 14)
    assert "15 faces would take" in reason(PreparedFaces(leaky))
    assert leak_check(PreparedFaces(leaky), True)["checked"]
