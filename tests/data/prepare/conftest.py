"""What the tests of `prepare` share: photos, and an aligner that spares them the detector."""

import numpy as np
import pytest
from PIL import Image

from keras_dldl.data.prepare import shards
from keras_dldl.data.synthetic import draw_face
from keras_dldl.errors import NoFaceFound
from keras_dldl.faces.alignment import Alignment


class NoFaces:
    """Stands for the aligner: notes how many images come at once, finds nothing in them."""

    def __init__(self):
        self.alignment = Alignment()
        self.groups = []

    def find(self, images, size):
        self.groups.append(len(images))
        return [NoFaceFound("none") for _ in images]


@pytest.fixture
def no_faces(monkeypatch):
    """Every picture is taken whole."""
    aligner = NoFaces()
    monkeypatch.setattr(shards, "_aligner", lambda *_: aligner)
    return aligner


@pytest.fixture
def small_shards(monkeypatch):
    """Have shards of so many rows."""
    return lambda rows: monkeypatch.setattr(shards, "ROWS_PER_SHARD", rows)


@pytest.fixture
def photos(tmp_path):
    """A root with three drawn faces and a picture without a face."""
    root = tmp_path / "photos"
    root.mkdir()
    for k, age in enumerate((10, 40, 70)):
        face = draw_face(age, np.random.default_rng(k), size=96)
        Image.fromarray(face.image).save(root / f"face{k}.png")
    Image.new("RGB", (80, 60), (9, 80, 9)).save(root / "meadow.jpg")
    return root
