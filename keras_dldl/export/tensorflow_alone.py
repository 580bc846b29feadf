"""Runs a SavedModel with TensorFlow alone. Its text is given to a new Python as `-c`.

Arguments: the SavedModel's folder; an .npz file of batches; the .npz file to write, with an array
"<batch>/<output>" for each output of each batch.
"""

import sys

# In the outputs' own units. Signatures differ only in how images come in, which at the model's size
# loses nothing; a batch of another make-up may be summed in another order.
TOLERANCE = 1e-3


def main(folder: str, given: str, result: str) -> None:
    """Run the signature `images` on each batch, and the others against it."""
    # An import of these fails from here on: the model must not need them.
    sys.modules.update({"keras": None, "tf_keras": None, "keras_dldl": None})
    import numpy as np
    import tensorflow as tf

    model = tf.saved_model.load(folder)
    outputs = {}
    with np.load(given) as batches:
        for key in batches.files:
            for name, array in answers(model, batches[key]).items():
                outputs[f"{key}/{name}"] = array
    np.savez(result, **outputs)


def answers(model, images) -> dict:
    """Return the outputs of the signature `images`, once all signatures agree on them."""
    import numpy as np
    import tensorflow as tf

    files = tf.stack([tf.io.encode_png(image) for image in images])
    given = {
        "images": {"images": tf.constant(images)},
        "images_float": {"images": tf.constant(images, tf.float32)},
        "serving_default": {"image_bytes": files},
    }
    found = {name: model.signatures[name](**inputs) for name, inputs in given.items()}
    for name in ("images_float", "serving_default"):
        for output, expected in found["images"].items():
            difference = np.abs(found[name][output].numpy() - expected.numpy()).max()
            if not difference <= TOLERANCE:  # or NaN
                sys.exit(f"{output} of {name} differs from that of images by {difference:g}")
    return {output: array.numpy() for output, array in found["images"].items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
