"""Compiling, and doing without."""

import logging

import numpy as np
import tensorflow as tf

from keras_dldl.data.augment import compiled as compiled_module
from keras_dldl.data.augment.compiled import compiled


def double(x):
    """Return twice `x`."""
    return x * 2.0


def test_a_compiled_function_keeps_its_name_and_numbers():
    assert compiled(double).__doc__ == "Return twice `x`."
    np.testing.assert_array_equal(compiled(double)(tf.constant([1.0, 2.0])), [2.0, 4.0])


def test_without_the_compiler_the_plain_graph_runs(monkeypatch, caplog):
    function = tf.function

    def without_compiler(f, jit_compile=None):
        if jit_compile:
            raise ValueError("No registered 'XlaLaunch'\nand more")
        return function(f)

    compiled_module._xla_works.cache_clear()
    monkeypatch.setattr(tf, "function", without_compiler)
    with caplog.at_level(logging.INFO, logger="keras_dldl"):
        np.testing.assert_array_equal(compiled(double)(tf.constant([1.0, 2.0])), [2.0, 4.0])
    compiled_module._xla_works.cache_clear()
    assert "Augmentation is not compiled: No registered 'XlaLaunch'" in caplog.text
