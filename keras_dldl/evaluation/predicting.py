"""Running models over labelled faces: each face, and its mirror image."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_dldl._utils.progress import progress
from keras_dldl.errors import DataError
from keras_dldl.evaluation.inputs import Faces
from keras_dldl.evaluation.pictures import Extremes, Pictures
from keras_dldl.labels import LabelGrid
from keras_dldl.runtime import Network
from keras_dldl.runtime.network import check_numbers, mean_of_views

MANY = 1000  # faces for which a model is made faster first, which takes a second


@dataclass(frozen=True)
class Views:
    """What a model says of faces.

    Args:
        positions: (N,) which rows they are; those that could not be read are missing.
        image: (N, K) distributions, float64.
        mirror: (N, K) those of the mirror images.
        pictures: the faces with the largest and the smallest errors.
    """

    positions: Sequence[int]
    image: np.ndarray
    mirror: np.ndarray
    pictures: Pictures = field(default_factory=Pictures)

    @property
    def average(self) -> np.ndarray:
        """The mean of both, (N, K)."""
        return mean_of_views(self.image, self.mirror)


def decode(
    distribution: np.ndarray, grid: LabelGrid, decoder: str = "expectation"
) -> tuple[np.ndarray, np.ndarray]:
    """Return values and standard deviations, both (N,) float64, of (N, K) distributions."""
    distribution = np.asarray(distribution, np.float64)
    distribution = distribution / distribution.sum(axis=1, keepdims=True)  # float32's sum is not 1
    return grid.decode(distribution, decoder), grid.std(distribution)


def predict_faces(
    networks: Sequence[Network],
    faces: Faces,
    batch_size: int,
    pictures: int = 0,
    decoder: str | None = None,
) -> list[Views]:
    """Return what each model says of the same faces.

    Models that take the same crops see them in one pass, so that faces are found once.

    Args:
        networks: one or several.
        faces: checked against each of them.
        batch_size: faces in one forward pass.
        pictures: how many of the worst and of the best faces of the first model to keep.
        decoder: by which they are the worst and the best; None: the model's own.

    Raises:
        DataError: no image could be read.
        ModelFileError: a model gives no numbers.
    """
    crops = [(network.card.input_size, network.card.alignment) for network in networks]
    together = [network for network, of in zip(networks, crops, strict=True) if of == crops[0]]
    views = _pass(together, faces, batch_size, pictures, decoder)
    found = dict(zip(map(id, together), views, strict=True))
    for network in networks:
        if id(network) not in found:
            (found[id(network)],) = _pass([network], faces, batch_size, 0)
    return [found[id(network)] for network in networks]


def _pass(
    networks: Sequence[Network],
    faces: Faces,
    batch_size: int,
    pictures: int,
    decoder: str | None = None,
) -> list[Views]:
    first, positions = networks[0].card, []
    views: list[tuple[list, list]] = [([], []) for _ in networks]
    label, extremes = faces.rows["label"].to_numpy(np.float64), Extremes(pictures)
    if len(faces.rows) >= MANY:
        networks = [network.for_many() for network in networks]
    with progress(total=len(faces.rows), label="evaluating") as bar:
        for batch, images in faces.batches(first, batch_size):
            for network, pair in zip(networks, views, strict=True):
                for view, p in zip(pair, network.views(images, batch_size), strict=True):
                    view.append(check_numbers(p, network.card.name).astype(np.float64))
            average = mean_of_views(views[0][0][-1], views[0][1][-1])
            value, _ = decode(average, first.grid, decoder or first.decoder)
            numbers = range(len(positions), len(positions) + len(images))
            extremes.add(numbers, images, np.abs(value - label[list(batch)]))
            positions.extend(batch)
            bar.update(len(images))
    if not positions:
        first = faces.unreadable[0]
        raise DataError(
            f"At least one image must be readable. Received: {len(faces.unreadable)} that are not; "
            f"the first, line {first.line}: {first.reason}"
        )
    kept = extremes.pictures()
    joined = [[np.concatenate(view) for view in pair] for pair in views]
    return [
        Views(positions, image, mirror, kept if k == 0 else Pictures())
        for k, (image, mirror) in enumerate(joined)
    ]
