"""The last network of the detector, on crops."""

import numpy as np
import pytest

from keras_dldl.data.synthetic import draw_faces
from keras_dldl.faces import verification
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.verification import score_of_crop


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("KERAS_DLDL_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    verification._network.cache_clear()
    yield
    verification._network.cache_clear()


@pytest.mark.parametrize("side", [48, 112, 224])
def test_aligned_faces_are_faces_and_other_things_are_not(side):
    for face in draw_faces(5, seed=4, size=200):
        crop = Alignment().align(face.image, face.landmarks, side)
        assert score_of_crop(crop) > 0.8
        assert score_of_crop(crop.astype(np.float32)) == pytest.approx(score_of_crop(crop))
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    assert score_of_crop(noise) < 0.2
    assert score_of_crop(np.full_like(noise, 90)) < 0.2


def test_without_litert_nothing_is_said(monkeypatch):
    monkeypatch.setattr(verification, "is_installed", lambda name: False)
    assert score_of_crop(np.zeros((112, 112, 3), np.uint8)) is None


def test_other_weights_are_told_and_nothing_is_said(monkeypatch, caplog):
    from keras_dldl.faces.detectors import cascade_networks

    def broken():
        raise ValueError("other weights")

    monkeypatch.setattr(cascade_networks, "output_network", broken)
    assert score_of_crop(np.zeros((112, 112, 3), np.uint8)) is None
    assert "other weights" in caplog.text
