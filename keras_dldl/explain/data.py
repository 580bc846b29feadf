"""The faces of prepared data that are to be explained: all of a split, or some at random."""

import logging
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.arguments import check_integer
from keras_dldl.errors import DataError
from keras_dldl.evaluation.inputs import PreparedFaces

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel

log = logging.getLogger(__name__)


class ChosenFaces:
    """Some faces of prepared data, chosen at random but always the same ones.

    Args:
        model: the `FaceModel` to explain.
        *folders: folders that `prepare` wrote.
        split: "train", "val" or "test"; default: "test" where there is one, else "val".
        limit: number of faces; 0 means all.
        seed: another seed, other faces.

    Attributes:
        labels: of the chosen faces, (N,), in the order of `batches`.
        notes: what a reader of the numbers must know.
        source: where the faces come from, as plain JSON values.

    Raises:
        DataError: not prepared data, no such split, damaged records, data of another task than the
            model's, or labels that its grid does not hold.
        ConfigError: `limit` or `seed` is not a whole number from 0 up.
    """

    def __init__(
        self,
        model: "FaceModel",
        *folders: str | os.PathLike,
        split: str | None = None,
        limit: int = 0,
        seed: int = 0,
    ):
        check_integer("limit", limit, 0)
        check_integer("seed", seed, 0)
        self._faces = PreparedFaces(*folders, split=split)
        self._model = model
        self.notes = self._faces.check(model)
        labels = self._faces.rows["label"].to_numpy(np.float64)
        outside = labels[~model.grid.contains(labels)]
        if len(outside):
            raise DataError(
                f"Labels must lie on the model's grid, {model.grid.start:g} ... "
                f"{model.grid.stop:g} {model.grid.unit}. "
                f"Received: {len(outside)} that do not; the first: {outside[0]:g}"
            )
        order = np.random.default_rng(seed).permutation(len(labels))
        self._chosen = np.sort(order[:limit] if limit else order)
        self.labels = labels[self._chosen]
        if len(set(self.labels)) == 1:
            self.notes.append(f"all labels are {self.labels[0]:g}: one value says nothing of age")
        for note in self.notes:
            log.warning("%s", note)
        self.source: dict[str, Any] = {
            **self._faces.source,
            "rows": len(labels),
            "chosen": len(self.labels),
            "seed": seed,
        }

    def batches(self, batch_size: int = 64) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (B, S, S, 3) float32 faces, 0 ... 255, and their (B,) labels."""
        for positions, images in self._faces.batches(self._model, batch_size):
            inside = np.isin(np.asarray(positions), self._chosen)
            if inside.any():
                labels = self._faces.rows["label"].to_numpy(np.float64)
                yield np.asarray(images)[inside], labels[np.asarray(positions)[inside]]

    def images(self) -> np.ndarray:
        """Return the chosen faces at once, (N, S, S, 3) uint8."""
        rounded = [np.rint(images).astype(np.uint8) for images, _ in self.batches()]
        return np.concatenate(rounded)
