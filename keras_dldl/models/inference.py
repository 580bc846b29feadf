"""Forward passes over many faces: the image and its mirror image."""

import keras
import numpy as np


def predict_views(model, images: np.ndarray, batch_size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Return the distributions of images and of their mirror images.

    The paper averages the values of both (Gao et al. 2020, section 5.1); as the expectation is
    linear, that is the expectation of the averaged distribution. The median is not linear: for
    ranking methods, too, the distributions are averaged and then decoded.

    Args:
        model: a `FaceModel`.
        images: (N, S, S, 3), 0 ... 255, S the model's input size.
        batch_size: faces in one forward pass.

    Returns:
        Two (N, K) float32 arrays.
    """
    views = ([], [])
    for first in range(0, len(images), batch_size):
        batch = np.asarray(images[first : first + batch_size], "float32")
        for view, faces in zip(views, (batch, batch[:, :, ::-1]), strict=True):
            view.append(keras.ops.convert_to_numpy(model(faces, training=False)))
    size = model.grid.size
    return tuple(np.concatenate(v) if v else np.empty((0, size), "float32") for v in views)
