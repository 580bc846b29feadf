"""What sources are called in messages."""

import io
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image

from keras_dldl.faces.images import read_image
from keras_dldl.faces.sources import image_name


def test_names():
    assert image_name(Path("a b.png")) == "a b.png"
    assert image_name(np.zeros((2, 3, 3))) == "<array 2x3x3>"
    assert image_name(Image.new("L", (2, 2))) == "<Image>"
    assert image_name(io.BytesIO()) == "<BytesIO>"
    assert len(image_name("x" * 9999)) < 400


def test_a_name_in_another_unicode_form_is_found(tmp_path):
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Image.fromarray(pixels).save(tmp_path / unicodedata.normalize("NFD", "Zoë.png"))
    for form in ("NFC", "NFD"):
        read = read_image(tmp_path / unicodedata.normalize(form, "Zoë.png"))
        np.testing.assert_array_equal(read, pixels)
