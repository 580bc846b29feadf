"""Compiling, and doing without; mixing in pairs."""

import logging

import numpy as np
import tensorflow as tf

from keras_dldl.data.augment import tensorflow_ops
from keras_dldl.data.augment.tensorflow_ops import compiled_stage, mix


def test_without_the_compiler_the_plain_graph_runs(monkeypatch, caplog):
    function = tf.function

    def without_compiler(f, jit_compile=None):
        if jit_compile:
            raise ValueError("No registered 'XlaLaunch'\nand more")
        return function(f)

    tensorflow_ops._xla_works.cache_clear()
    monkeypatch.setattr(tf, "function", without_compiler)
    with caplog.at_level(logging.INFO, logger="keras_dldl"):
        double = compiled_stage(lambda factor, x: x * factor, 2.0)
        np.testing.assert_array_equal(double(tf.constant([1.0, 2.0])), [2.0, 4.0])
    tensorflow_ops._xla_works.cache_clear()
    assert "Augmentation is not compiled: No registered 'XlaLaunch'" in caplog.text


def test_faces_are_mixed_with_the_next_and_padding_never():
    images = np.arange(4, dtype=np.float32)[:, None, None, None] * np.ones((1, 2, 2, 3), np.float32)
    targets = np.array([[20.0, 2.0], [30.0, -1.0], [40.0, 3.0]], np.float32)
    mixed, y = mix(tf.constant(images), tf.constant(targets), tf.constant([0.5, 0.25, 1.0, 0.3]))
    np.testing.assert_allclose(mixed[:3, 0, 0, 0], [0.5, 1.75, 2.0])
    np.testing.assert_allclose(
        y, [[20, 2, 30, -1, 0.5], [30, -1, 40, 3, 0.25], [40, 3, 20, 2, 1.0]]
    )
    mixed, y = mix(tf.constant(images[2:]), tf.constant(targets[:1]), tf.constant([0.4, 0.4]))
    np.testing.assert_allclose(mixed[0], images[2])  # alone, with itself
    np.testing.assert_allclose(y, [[20, 2, 20, 2, 0.4]])
