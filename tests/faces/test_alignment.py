"""Alignment against scikit-image: the transform, the warp, borders and aliasing."""

import numpy as np
import pytest
from skimage.transform import SimilarityTransform, warp

from keras_dldl.errors import ConfigError
from keras_dldl.faces.alignment import MEAN_SHAPE, Alignment, spans_a_face


def smooth_image(height=120, width=150):
    y, x = np.mgrid[:height, :width]
    channels = [128 + 100 * np.sin(x / 17 + k) * np.cos(y / 23 - k) for k in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def landmarks_at(scale, angle, centre):
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return MEAN_SHAPE @ turn * scale + centre


def reference_transform(source, target):
    if hasattr(SimilarityTransform, "from_estimate"):
        return SimilarityTransform.from_estimate(source, target)
    transform = SimilarityTransform()
    transform.estimate(source, target)
    return transform


def test_the_crop_lies_where_umeyamas_similarity_of_scikit_image_puts_it():
    rng = np.random.default_rng(0)
    landmarks = landmarks_at(31, 0.4, [70, 40]) + rng.normal(size=(5, 2))
    alignment, square = Alignment(0.3), np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    transform = reference_transform(alignment.template(1), landmarks)
    np.testing.assert_allclose(alignment.corners(landmarks), transform(square), rtol=1e-9)
    assert alignment.scale(landmarks, 64) == pytest.approx(transform.scale / 64, rel=1e-9)


def test_crop_equals_scikit_images_warp():
    image, alignment = smooth_image(), Alignment(0.16)
    landmarks = landmarks_at(22, 0.2, [75, 55])
    crop = alignment.align(image, landmarks, 64)
    transform = reference_transform(alignment.template(64) - 0.5, landmarks - 0.5)
    expected = warp(image, transform, output_shape=(64, 64), order=3, preserve_range=True)
    assert np.abs(crop - expected).mean() < 1.0


def test_landmarks_land_on_the_template():
    image = np.zeros((200, 200, 3), np.uint8)
    landmarks = landmarks_at(40, -0.3, [100, 90])
    for x, y in landmarks.round().astype(int):
        image[y - 2 : y + 2, x - 2 : x + 2] = 255
    crop = Alignment().align(image, landmarks, 112)
    for x, y in Alignment().template(112).round().astype(int):
        assert crop[y, x].mean() > 150


def test_large_faces_are_averaged_not_sampled():
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 2, (900, 900, 1), dtype=np.uint8) * np.full(3, 255, np.uint8)
    crop = Alignment().align(noise, landmarks_at(250, 0, [450, 400]), 64)
    # Each crop pixel covers about 118 image pixels: the noise's deviation of 127 shrinks 10 times.
    assert crop.astype(float).std() < 25


def test_outside_the_image_edge_pixels_repeat():
    image = np.full((60, 60, 3), 90, np.uint8)
    crop = Alignment(1.0).align(image, landmarks_at(30, 0, [30, 25]), 64)
    assert crop.shape == (64, 64, 3)
    assert (crop == 90).all()


def test_whole_keeps_everything():
    image = smooth_image()
    crop = Alignment().whole(image, 48)
    assert crop.shape == (48, 48, 3)
    assert abs(crop.mean() - image.mean()) < 2
    np.testing.assert_array_equal(Alignment().whole(crop, 48), crop)


def test_config_round_trip_and_limits():
    assert Alignment.from_config(Alignment(0.3).get_config()) == Alignment(0.3)
    with pytest.raises(ConfigError, match=r"margin.*\[0, 2\].*Received: margin=-1"):
        Alignment(-1)


def test_the_alignment_names_the_detector_and_old_files_mean_mtcnn():
    assert Alignment().detector == "auto"
    assert Alignment.from_config({"margin": 0.2}) == Alignment(0.2, "mtcnn")
    assert Alignment.from_config(Alignment(0.3, "a:B").get_config()) == Alignment(0.3, "a:B")
    with pytest.raises(ConfigError, match="haar"):
        Alignment(detector="haar")


NO_FACES = {
    "one point": np.ones((5, 2)),
    "not a number": np.full((5, 2), np.nan),
    "infinite": np.where(MEAN_SHAPE == 0.5, np.inf, MEAN_SHAPE),
}


@pytest.mark.parametrize("what", NO_FACES)
def test_points_in_one_place_are_refused(what):
    assert not spans_a_face(NO_FACES[what])
    with pytest.raises(ValueError, match="five points"):
        Alignment().align(smooth_image(), NO_FACES[what], 32)


def test_points_that_span_a_face_are_cut_out_whatever_their_number_type():
    for distance in (0.11, 1, 300):
        points = landmarks_at(distance, 0.5, [80, 60])
        assert spans_a_face(points) and spans_a_face(points.astype(np.float32).tolist())
        for size in (32, 1024):
            crop = Alignment().align(smooth_image(), points.astype(np.float32), size)
            assert crop.shape == (size, size, 3)
    assert not spans_a_face(landmarks_at(0.09, 0.5, [80, 60]))
