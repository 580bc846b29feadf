"""Runs a SavedModel with TensorFlow alone. Its text is given to a new Python as `-c`.

Arguments: the SavedModel's folder; an .npz file of batches; the .npz file to write, with an array
"<batch>/<output>" for each output of each batch.
"""

import sys


def main(folder: str, given: str, result: str) -> None:
    """Run the signature `serving_default` on each batch."""
    # An import of these fails from here on: the model must not need them.
    sys.modules.update({"keras": None, "tf_keras": None, "keras_dldl": None})
    import numpy as np
    import tensorflow as tf

    signature = tf.saved_model.load(folder).signatures["serving_default"]
    outputs = {}
    with np.load(given) as batches:
        for key in batches.files:
            for name, array in signature(images=tf.constant(batches[key])).items():
                outputs[f"{key}/{name}"] = array.numpy()
    np.savez(result, **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
