"""Reasons to doubt a face: measures against slow loops, each code on what deserves it."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from keras_dldl.data.synthetic import draw_faces
from keras_dldl.faces import quality
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.face import Face
from keras_dldl.faces.quality import face_warnings, measure, score_of_crop

SURE = Face((60.0, 50.0, 80.0, 100.0), Alignment().template(100) + 50, 0.999)
PICTURE = (200, 200)


@pytest.fixture(scope="module")
def drawn():
    return [
        Alignment().align(face.image, face.landmarks, 112)
        for face in draw_faces(12, seed=3, size=300)
    ]


@pytest.fixture(scope="module")
def photo(drawn):
    """A drawn face with the softness and the grain of a photo."""
    soft = Image.fromarray(drawn[0]).filter(ImageFilter.GaussianBlur(0.8))
    grain = np.random.default_rng(0).normal(0, 3, (112, 112, 1))
    return np.clip(np.asarray(soft) + grain, 0, 255).astype(np.uint8)


def codes(crop, face=SURE, picture=PICTURE):
    return [warning.code for warning in face_warnings(crop, face, picture, Alignment())]


def blurred(crop, radius):
    return np.asarray(Image.fromarray(crop).filter(ImageFilter.GaussianBlur(radius)))


def test_measures_against_a_slow_loop():
    crop = np.random.default_rng(1).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    luma = [[0.299 * r + 0.587 * g + 0.114 * b for r, g, b in row] for row in crop.astype(float)]
    found = measure(crop)
    assert found.brightness == pytest.approx(np.mean(luma), rel=1e-5)
    assert found.contrast == pytest.approx(np.std(luma), rel=1e-5)
    middle = np.array([row[12:-12] for row in luma[12:-12]])
    squares, steps = [], []
    for i in range(1, 75):
        for j in range(1, 75):
            around = middle[i - 1][j] + middle[i + 1][j] + middle[i][j - 1] + middle[i][j + 1]
            squares.append((4 * middle[i][j] - around) ** 2)
    for row in middle:
        steps += [abs(row[j + 1] - row[j]) for j in range(75)]
    sharpness = np.sqrt(np.mean(squares)) / (middle.std() + 1)
    strongest = np.quantile(steps, 0.99) / (np.median(steps) + 0.5)
    assert found.drawn == pytest.approx(
        sharpness * np.mean(np.array(steps) < 0.5) * strongest, rel=1e-4
    )
    # Sharpness is at 64 x 64: noise of one pixel is averaged over 1.56 pixels.
    assert found.sharpness is not None and found.sharpness > 2


def test_sharpness_does_not_depend_on_contrast_or_the_size_of_a_large_crop(photo):
    paler = (photo.astype(float) * 0.5 + 60).astype(np.uint8)
    assert measure(paler).sharpness == pytest.approx(measure(photo).sharpness, rel=0.06)
    larger = np.asarray(Image.fromarray(photo).resize((448, 448), Image.Resampling.BOX))
    # Pillow's box filter takes whole pixels, so that 112 and 448 of them give not quite the same.
    assert measure(larger).sharpness == pytest.approx(measure(photo).sharpness, rel=0.15)


def test_small_crops_are_not_judged_by_what_they_cannot_show(photo):
    for side, sharp, drawn in ((63, False, False), (64, True, False), (96, True, True)):
        crop = np.asarray(Image.fromarray(photo).resize((side, side)))
        found = measure(crop)
        assert (found.sharpness is not None, found.drawn is not None) == (sharp, drawn)
        face_warnings(crop, SURE, PICTURE, Alignment())


def test_nothing_is_said_of_a_clear_face(photo):
    assert codes(photo) == []
    assert face_warnings(photo.astype(np.float32), SURE, PICTURE, Alignment()) == []


def test_each_code(photo, drawn):
    assert codes((photo * 0.15).astype(np.uint8)) == ["dark"]
    assert "bright" in codes((255 - (255 - photo.astype(float)) * 0.15).astype(np.uint8))
    assert "flat" in codes(np.full((112, 112, 3), 128, np.uint8))
    assert codes(blurred(photo, 4)) == ["blurred"]
    enlarged = Image.fromarray(photo).resize((12, 12), Image.Resampling.BOX).resize((112, 112))
    assert "blurred" in codes(np.asarray(enlarged))
    assert sum("drawn" in codes(crop) for crop in drawn) >= 8  # of 12
    poster = Image.fromarray(photo).filter(ImageFilter.MedianFilter(5)).quantize(8).convert("RGB")
    assert "drawn" in codes(np.asarray(poster))


def test_codes_of_the_detection(photo):
    small = Face((0.0, 0.0, 40.0, 31.4), SURE.landmarks, 0.99)
    assert face_warnings(photo, small, PICTURE, Alignment())[0] == (
        "small",
        "the face is small, 31 pixels",
    )
    unsure = Face(SURE.box, SURE.landmarks, 0.86)
    assert codes(photo, unsure) == ["doubtful"]
    assert "0.86" in str(face_warnings(photo, unsure, PICTURE, Alignment())[0])


def test_without_detection_the_picture_is_the_face(photo, monkeypatch):
    monkeypatch.setattr(quality, "score_of_crop", lambda crop: 0.49)
    assert codes(photo, None, (31, 300)) == ["small", "no-face"]
    monkeypatch.setattr(quality, "score_of_crop", lambda crop: 0.51)
    assert codes(photo, None) == []
    monkeypatch.setattr(quality, "score_of_crop", lambda crop: None)  # LiteRT is not installed
    assert codes(photo, None) == []


def test_texts_are_for_people(photo):
    for crop in (photo // 8, np.full((112, 112, 3), 128, np.uint8)):
        for code, text in face_warnings(crop, SURE, PICTURE, Alignment()):
            assert code == code.lower() and " " not in code and not text.endswith(".")


def test_a_turned_face(photo):
    for degrees, expected in ((44, []), (46, ["turned"]), (-90, ["turned"]), (180, ["turned"])):
        points = (SURE.landmarks - 100) @ [1, 1j] * np.exp(1j * np.radians(degrees))
        landmarks = np.stack([points.real, points.imag], axis=1) + 100
        assert codes(photo, Face(SURE.box, landmarks, 0.99)) == expected


def test_a_crop_that_is_cut_off_by_the_edge_of_the_picture(photo):
    # The crop is the square of 100 pixels from (50, 50) on; see `SURE`.
    assert Alignment().share_outside(SURE.landmarks, (200, 200)) == 0
    assert Alignment().share_outside(SURE.landmarks, (100, 200, 3)) == pytest.approx(0.5)
    assert Alignment().share_outside(SURE.landmarks, (100, 75)) == pytest.approx(0.875, abs=0.02)
    assert codes(photo, SURE, (100, 200)) == ["cut-off"]


@pytest.fixture
def network_unloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_DLDL_CACHE_DIR", str(tmp_path))
    quality._output_network.cache_clear()
    yield
    quality._output_network.cache_clear()


@pytest.mark.parametrize("side", [48, 112, 224])
def test_aligned_faces_are_faces_and_other_things_are_not(side):
    for face in draw_faces(5, seed=4, size=200):
        crop = Alignment().align(face.image, face.landmarks, side)
        assert score_of_crop(crop) > 0.8
        assert score_of_crop(crop.astype(np.float32)) == pytest.approx(score_of_crop(crop))
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    assert score_of_crop(noise) < 0.2
    assert score_of_crop(np.full_like(noise, 90)) < 0.2


def test_without_litert_nothing_is_said(network_unloaded, monkeypatch):
    monkeypatch.setattr(quality, "is_installed", lambda name: False)
    assert score_of_crop(np.zeros((112, 112, 3), np.uint8)) is None


def test_other_weights_are_told_and_nothing_is_said(network_unloaded, monkeypatch, caplog):
    from keras_dldl.faces.detectors import cascade_networks

    def broken():
        raise ValueError("other weights")

    monkeypatch.setattr(cascade_networks, "output_network", broken)
    assert score_of_crop(np.zeros((112, 112, 3), np.uint8)) is None
    assert "other weights" in caplog.text
