"""Learning from other models besides the labels: knowledge distillation.

Hinton, Vinyals and Dean 2015. The teachers see the very pictures that the student sees, augmented
and mixed (Beyer et al. 2022: a consistent teacher), so that they teach between the labels, too.
"""

import logging
from collections.abc import Sequence
from typing import Any

import keras

from keras_dldl.errors import ConfigError
from keras_dldl.models import FaceModel, load_model
from keras_dldl.ops import kl_divergence

_LOGGER = logging.getLogger(__name__)


def load_teachers(names: Sequence[str], student: FaceModel) -> list[FaceModel]:
    """Return the models of these names, which answer over the student's label grid.

    A warning names those that know faces cut out in another way than the student's.

    Raises:
        ModelFileError: a file is no model of this package.
        ConfigError: a model has another label grid.
    """
    teachers = [load_model(name) for name in names]
    for name, teacher in zip(names, teachers, strict=True):
        if teacher.grid != student.grid:
            raise ConfigError(
                f"A teacher must have the student's label grid, {student.grid.start:g} to "
                f"{student.grid.stop:g} by {student.grid.step:g}. Received: {name}, "
                f"{teacher.grid.start:g} to {teacher.grid.stop:g} by {teacher.grid.step:g}."
            )
        if teacher.alignment != student.alignment:
            _LOGGER.warning(
                "The faces are not cut out as the teacher %s expects: %s in the data, %s in the "
                "teacher",
                name,
                student.alignment,
                teacher.alignment,
            )
    return teachers


class DistilledLoss:
    """What takes the place of a model's `compute_loss`.

    In training it is `(1 - weight) L + weight KL(q, p)`: L the method's loss against the labels, q
    the mean of the teachers' distributions of the same images, p the student's. In validation it is
    L alone.

    Args:
        trained: the compiled model from images to raw outputs.
        student: the face model that shares its weights.
        teachers: at least one, with the same label grid; their weights stay what they are.
        weight: share of the teachers, 0 ... 1.
    """

    def __init__(
        self,
        trained: keras.Model,
        student: FaceModel,
        teachers: Sequence[FaceModel],
        weight: float,
    ) -> None:
        self.of_labels = trained.compute_loss
        self.student = student
        self.teachers = list(teachers)
        self.weight = weight

    def __call__(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss of a batch; Keras calls it."""
        loss = self.of_labels(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
        )
        if not training:
            return loss
        own = self.student.method.distribution(y_pred, self.student.grid)
        divergence = keras.ops.mean(kl_divergence(self.taught(x), own))
        return (1 - self.weight) * loss + self.weight * divergence

    def taught(self, images: Any) -> Any:
        """Return the mean of the teachers' distributions, (B, K), of (B, S, S, 3) images."""
        answers = []
        for teacher in self.teachers:
            size, seen = teacher.input_size, images
            if images.shape[1] != size:
                seen = keras.ops.image.resize(images, (size, size), interpolation="bilinear")
            answers.append(teacher(seen, training=False))
        return keras.ops.stop_gradient(sum(answers) / len(answers))
