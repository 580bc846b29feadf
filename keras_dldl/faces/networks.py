"""The detector's networks from the `mtcnn` package, made fit for batches."""

from typing import Any

import numpy as np

_MARK = "keras_dldl_within_images"


def load_networks() -> Any:
    """Return an `mtcnn.MTCNN` whose result for an image does not depend on the rest of its batch.

    Raises:
        RuntimeError: Keras does not run on TensorFlow.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "Face detection needs Keras on TensorFlow: set KERAS_BACKEND=tensorflow, or pass "
            f"aligned faces. Received: KERAS_BACKEND={keras.backend.backend()}"
        )
    from mtcnn import MTCNN
    from mtcnn.stages import StageONet, StagePNet, StageRNet
    from mtcnn.utils import bboxes

    if not hasattr(bboxes.sort_by_scores, _MARK):
        bboxes.sort_by_scores = sorted_within_images(bboxes.sort_by_scores)
    return MTCNN(stages=[StagePNet(), UnlessEmpty(StageRNet()), UnlessEmpty(StageONet())])


class UnlessEmpty:
    """A stage of the detector that is passed by where no candidates are left.

    The package's own goes on, and ends in an error that it catches and TensorFlow prints.
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
