"""The detector's networks from the `mtcnn` package, made fit for batches."""

from typing import Any

import numpy as np

from keras_dldl._utils.backends import backend_name, is_installed
from keras_dldl.errors import ConfigError

_MARK = "keras_dldl_within_images"


def load_networks() -> Any:
    """Return an `mtcnn.MTCNN` whose result for an image does not depend on the rest of its batch.

    Its networks run on the back end of Keras; what lies between them is TensorFlow's on any.

    Raises:
        ConfigError: TensorFlow is not installed.
    """
    if not is_installed("tensorflow"):
        raise ConfigError(
            "Finding faces needs TensorFlow: pip install tensorflow. Allowed without: aligned "
            "faces, by detect=False (command line: --no-detect). Received: a photo."
        )
    from mtcnn import MTCNN
    from mtcnn.stages import StageONet, StagePNet, StageRNet
    from mtcnn.utils import bboxes

    if not hasattr(bboxes.sort_by_scores, _MARK):
        bboxes.sort_by_scores = sorted_within_images(bboxes.sort_by_scores)
    stages = [StagePNet(), StageRNet(), StageONet()]
    if backend_name() != "tensorflow":
        for stage in stages:
            stage._model = AsTensorFlow(stage._model)
    return MTCNN(stages=[stages[0], *map(UnlessEmpty, stages[1:])])


class AsTensorFlow:
    """A network of any back end that gives TensorFlow's tensors, as the package expects."""

    def __init__(self, model: Any):
        self._model = model

    def __call__(self, images: Any) -> list[Any]:
        """Return the outputs for images."""
        import tensorflow as tf
        from keras import ops

        outputs = self._model(np.asarray(images), training=False)
        return [tf.constant(ops.convert_to_numpy(output)) for output in outputs]


class UnlessEmpty:
    """A stage of the detector that is passed by where no candidates are left.

    The package's own continues, and ends in an error that it catches and TensorFlow prints.
    """

    def __init__(self, stage: Any):
        self._stage = stage

    def __call__(self, bboxes_batch: np.ndarray, **more: Any) -> np.ndarray:
        """Return the candidates that the stage keeps."""
        return self._stage(bboxes_batch=bboxes_batch, **more) if len(bboxes_batch) else bboxes_batch


def sorted_within_images(sort: Any) -> Any:
    """Return the package's sorting of candidates by score, done image by image.

    Scores are often exactly equal (1.0 in float32), and the package sorts a whole batch at once by
    an unstable sort: which of the equal candidates survives then depends on the other images, in
    some 2 % of UTKFace's crops. For a single image nothing changes.
    """

    def sort_each(tensor: np.ndarray, scores: np.ndarray, ascending: bool = True) -> np.ndarray:
        images = [tensor[:, 0] == image for image in np.unique(tensor[:, 0])]
        parts = [sort(tensor[of], scores=scores[of], ascending=ascending) for of in images]
        return np.concatenate(parts) if parts else tensor

    setattr(sort_each, _MARK, True)
    return sort_each
