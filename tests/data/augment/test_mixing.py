"""Mixing in pairs."""

import numpy as np
import tensorflow as tf

from keras_dldl.data.augment.mixing import mix


def test_padding_is_never_mixed_in():
    images = np.arange(4, dtype=np.float32)[:, None, None, None] * np.ones((1, 2, 2, 3), np.float32)
    targets = np.array([[20.0, 2.0], [30.0, -1.0], [40.0, 3.0]], np.float32)
    mixed, y = mix(tf.constant(images), tf.constant(targets), tf.constant([0.5, 0.25, 1.0, 0.3]))
    np.testing.assert_allclose(mixed[:3, 0, 0, 0], [0.5, 1.75, 2.0])
    np.testing.assert_allclose(
        y, [[20, 2, 30, -1, 0.5], [30, -1, 40, 3, 0.25], [40, 3, 20, 2, 1.0]]
    )


def test_a_face_alone_is_mixed_with_itself():
    images = np.full((2, 2, 2, 3), 7, np.float32)
    mixed, y = mix(tf.constant(images), tf.constant([[20.0, 2.0]]), tf.constant([0.4, 0.4]))
    np.testing.assert_allclose(mixed[0], images[0])
    np.testing.assert_allclose(y, [[20, 2, 20, 2, 0.4]])
