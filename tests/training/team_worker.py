"""`keras-dldl train` with one more backbone, small and quickly compiled: `python team_worker.py`.

Beside what the real ones have, batch normalisation, it has nothing that costs.
"""

import os
import sys


def add_small_backbone():
    import keras

    from keras_dldl.models import backbones

    def small_features(images):
        x = keras.layers.Conv2D(8, 4, strides=4, use_bias=False, name="convolution")(images)
        x = keras.layers.BatchNormalization(momentum=0.9, name="convolution_bn")(x)
        x = keras.layers.ReLU(name="relu")(x)
        return keras.layers.GlobalAveragePooling2D(name="pooling")(x)

    backbones.BACKBONES["small"] = small_features


def set_virtual_devices(count):
    import tensorflow as tf

    processor = tf.config.list_physical_devices("CPU")[0]
    kind = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(processor, [kind] * count)


if __name__ == "__main__":
    # Of TensorFlow; JAX takes them from XLA_FLAGS.
    if "TENSORFLOW_DEVICES" in os.environ:
        set_virtual_devices(int(os.environ["TENSORFLOW_DEVICES"]))
    add_small_backbone()
    from keras_dldl.cli.main import main

    main(sys.argv[1:])
