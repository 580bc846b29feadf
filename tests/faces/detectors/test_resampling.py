"""The detector's two ways of resizing against TensorFlow's own, and against plain loops."""

import numpy as np
import pytest

from keras_dldl.faces.detectors.resampling import AreaPyramid, cut_boxes


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("size", [(31, 17), (12, 40), (50, 50), (50, 61), (1, 1), (49, 3)])
def test_areas_are_those_of_tensorflow(size):
    import tensorflow as tf

    images = noise(2, 50, 61, 3)
    wanted = tf.image.resize(images.astype(np.float32), size, "area").numpy()
    np.testing.assert_allclose(AreaPyramid(images).resized(*size), wanted, atol=1e-3)


def test_an_area_by_hand():
    row = np.array([0, 10, 20, 30, 40], np.uint8).reshape(1, 1, 5, 1)
    # 2.5 pixels each: (0 + 10 + 20 / 2) / 2.5 and (20 / 2 + 30 + 40) / 2.5
    assert AreaPyramid(row).resized(1, 2).ravel() == pytest.approx([8.0, 32.0])


def test_boxes_are_those_of_tensorflow():
    import tensorflow as tf

    images = noise(3, 40, 70, 3)
    rng = np.random.default_rng(1)
    corners = rng.uniform(-0.2, 1.2, (60, 4))
    boxes = np.column_stack([rng.integers(0, 3, 60), corners])
    wanted = tf.image.crop_and_resize(
        images.astype(np.float32),
        corners[:, [1, 0, 3, 2]],
        boxes[:, 0].astype(int),
        (24, 24),
        extrapolation_value=127.5,
    ).numpy()
    found = cut_boxes(images, boxes, 24, outside=127.5)
    assert found.dtype == np.float32
    # A point on the very edge may fall to either side of it.
    assert (np.abs(found - wanted) < 0.02).mean() > 0.9999


def test_a_whole_image_as_a_box():
    images = noise(1, 24, 24, 3)
    np.testing.assert_allclose(cut_boxes(images, np.array([[0, 0, 0, 1, 1.0]]), 24), images)
