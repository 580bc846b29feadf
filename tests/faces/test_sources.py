"""What sources are called in messages."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from keras_dldl.faces.sources import image_name


def test_names():
    assert image_name(Path("a b.png")) == "a b.png"
    assert image_name(np.zeros((2, 3, 3))) == "<array 2x3x3>"
    assert image_name(Image.new("L", (2, 2))) == "<Image>"
    assert image_name(io.BytesIO()) == "<BytesIO>"
    assert len(image_name("x" * 9999)) < 400
