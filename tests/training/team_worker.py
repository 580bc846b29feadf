"""`keras-dldl`, with one more backbone that is small and quickly compiled.

`python team_worker.py COMMAND ... --then COMMAND ...` runs one command after the other in one
process, and ends by printing what of the heavy kind was imported. Environment variables of its own:
WITHOUT_TENSORFLOW=1 has its import fail as where it is not installed; TENSORFLOW_DEVICES=2 makes
two devices of the processor (JAX takes their number from XLA_FLAGS).
"""

import os
import sys
from importlib.abc import MetaPathFinder


class NoTensorFlow(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
        return None


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


def commands(words):
    while words:
        end = words.index("--then") if "--then" in words else len(words)
        yield words[:end]
        words = words[end + 1 :]


def main():
    if os.environ.get("WITHOUT_TENSORFLOW"):
        sys.meta_path.insert(0, NoTensorFlow())
    if "TENSORFLOW_DEVICES" in os.environ:
        set_virtual_devices(int(os.environ["TENSORFLOW_DEVICES"]))
    add_small_backbone()
    from keras_dldl.cli.main import cli

    status = 0
    for words in commands(sys.argv[1:]):
        try:
            cli.main(words)
        except SystemExit as end:
            status = end.code
            sys.stdout.write(f"exit status {status}\n")
    imported = {"jax", "tensorflow", "torch"} & set(sys.modules)
    sys.stdout.write(f"imported {' '.join(sorted(imported))}\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
