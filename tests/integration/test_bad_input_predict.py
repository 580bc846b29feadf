"""Every bad and odd photo through `predict_age` and the command: an answer, or a reason."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_dldl.cli.main import cli
from keras_dldl.errors import NoFaceFound
from keras_dldl.faces import aligner
from keras_dldl.faces.detectors.mtcnn import MTCNNDetector
from keras_dldl.predict import Prediction, predict_age
from tests.faces.odd_images import BAD_FILES, encoded, rotated_by_exif
from tests.prediction_case import random_model


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture(scope="module")
def model_file(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def detector():
    return MTCNNDetector()


@pytest.fixture(autouse=True)
def one_detector(detector, monkeypatch):
    monkeypatch.setattr(aligner, "as_detector", lambda *_: detector)


@pytest.fixture(scope="module")
def face():
    """Return a real face with its surroundings, (220, 220, 3)."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[20:240, 110:330])


def plain(face):
    return Image.fromarray(face)


def with_alpha(face):
    image = plain(face)
    image.putalpha(255)
    return image


def sixteen_bit(face):
    return Image.fromarray(np.asarray(plain(face).convert("L")).astype(np.uint16) * 257)


# Name of the file -> how it is made from a face. In each of them the face is to be found.
ODD_FILES = {
    "alpha.png": lambda face: encoded(with_alpha(face)),
    "grey.png": lambda face: encoded(plain(face).convert("L")),
    "grey and alpha.png": lambda face: encoded(with_alpha(face).convert("LA")),
    "palette.png": lambda face: encoded(plain(face).convert("P")),
    "palette.gif": lambda face: encoded(plain(face).convert("P"), "GIF"),
    "16 bit.png": lambda face: encoded(sixteen_bit(face)),
    "16 bit.tiff": lambda face: encoded(sixteen_bit(face), "TIFF"),
    "cmyk.jpg": lambda face: encoded(plain(face).convert("CMYK"), "JPEG", quality=95),
    "animated.gif": lambda face: encoded(
        plain(face), "GIF", save_all=True, append_images=[Image.new("RGB", (220, 220))]
    ),
    "lying.jpg": lambda face: rotated_by_exif(np.rot90(face, 1).copy(), 6),
    "upside down.webp": lambda face: rotated_by_exif(face[::-1, ::-1].copy(), 3, "WEBP"),
    "Größe 年齢 (1) 'a' \"b\" %s $x {0}.png": lambda face: encoded(face),
    "no suffix": lambda face: encoded(face, "JPEG", quality=95),
    "wrong suffix.png": lambda face: encoded(face, "JPEG", quality=95),
}


def test_pictures_without_a_face(face, model):
    noise = np.random.default_rng(0).integers(0, 256, (120, 90, 3), dtype=np.uint8)
    ten = np.asarray(plain(face).resize((10, 10)))
    two = np.zeros((2, 2, 3), np.uint8)
    for image in (noise, np.zeros_like(noise), ten, two):
        with pytest.raises(NoFaceFound, match="no face was found.*detect=False.*Received: "):
            predict_age(image, model)
    assert isinstance(predict_age(ten, model, detect=False), Prediction)


def test_a_picture_of_extreme_proportions(model):
    for shape in ((2, 3000, 3), (3000, 2, 3)):
        with pytest.raises(NoFaceFound):
            predict_age(np.zeros(shape, np.uint8), model)


def test_the_command_with_all_of_them_at_once(face, model, model_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good, bad = list(ODD_FILES), [f"bad {case.replace('/', ' ')}.jpg" for case in BAD_FILES]
    for name in good:
        (tmp_path / name).write_bytes(ODD_FILES[name](face))
    for name, (content, _) in zip(bad, BAD_FILES.values(), strict=True):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    mixed = [name for pair in zip(good, bad, strict=False) for name in pair] + good[len(bad) :]
    mixed += ["folder", "missing.jpg", ""]
    options = ["--json", "--model", str(model_file), "--save", "out", "--plot", "plot.png"]
    result = CliRunner().invoke(cli, ["predict", *mixed, *options])
    assert result.exit_code == 1 and "Traceback" not in result.output
    items = json.loads(result.stdout)
    assert [item["path"] for item in items] == mixed
    box = np.array(predict_age(face, model).box)
    for item in items:
        assert all(np.abs(box - found["box"]).max() < 12 for found in item["faces"])
        fine = item["path"] in good
        assert (item["error"] is None) == fine and bool(item["faces"]) == fine
    # Progress, what was written and the speed aside, stderr has a line a fault.
    aside = ("predict: ", "written ")
    lines = [line for line in result.stderr.splitlines() if not line.startswith(aside)]
    reasons = [line for line in lines if not line.endswith("images per second")]
    assert len(reasons) == len(mixed) - len(good), "\n".join(reasons)
    assert len(list((tmp_path / "out").iterdir())) == len(good)
    assert (tmp_path / "plot.png").exists()
