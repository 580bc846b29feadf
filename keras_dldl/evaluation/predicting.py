"""Running models over labelled faces: each face, and its mirror image; the worst and the best."""

import heapq
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_dldl._utils.progress import progress
from keras_dldl.errors import DataError
from keras_dldl.evaluation.decoding import decode
from keras_dldl.evaluation.inputs import Faces
from keras_dldl.runtime import Network
from keras_dldl.runtime.network import check_numbers, mean_of_views

MANY = 1000  # faces for which a model is made faster first, which takes a second
SHOWN = 24  # of the worst, and of the best
SIDE = 96  # pixels
QUALITY = 80


@dataclass(frozen=True)
class Pictures:
    """Faces to show, each the number of its row in `predictions.csv` and a small JPEG file.

    Args:
        worst: those with the largest errors, the largest first.
        best: those with the smallest, the smallest first; no face is in both.
    """

    worst: Sequence[tuple[int, bytes]] = ()
    best: Sequence[tuple[int, bytes]] = ()


@dataclass(frozen=True)
class Views:
    """What a model says of faces.

    Args:
        positions: (N,) which rows they are; those that could not be read are missing.
        image, mirror: (N, K) distributions of the images and their mirror images, float64.
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


class Extremes:
    """Keeps the crops of the worst and the best faces of a stream.

    Args:
        count: how many of each; 0 keeps none.
    """

    def __init__(self, count: int = SHOWN):
        self.count, self._seen = count, 0
        self._worst: list[tuple[float, int, np.ndarray]] = []
        self._best: list[tuple[float, int, np.ndarray]] = []

    def add(self, numbers: Sequence[int], images: np.ndarray, error: np.ndarray) -> None:
        """Look at n more faces, (n, S, S, 3), 0 ... 255, with absolute errors and new numbers."""
        self._seen += len(images)
        faces = list(zip(error.tolist(), numbers, images, strict=True))
        worst, best = [*self._worst, *faces], [*self._best, *faces]
        worst = heapq.nlargest(self.count, worst, key=lambda face: (face[0], -face[1]))
        best = heapq.nsmallest(self.count, best, key=lambda face: face[:2])
        # Copies, or else the rest of each batch would stay in memory with them.
        self._worst, self._best = (
            [(one, number, np.array(image, np.uint8)) for one, number, image in kept]
            for kept in (worst, best)
        )

    def pictures(self) -> Pictures:
        """Return what was kept; of few faces, each is shown once, as bad or as good."""
        worst = self._worst[: min(self.count, (self._seen + 1) // 2)]
        shown = {number for _, number, _ in worst}
        best = [face for face in self._best if face[1] not in shown]
        return Pictures(_encoded(worst), _encoded(best))


def thumbnail(image: np.ndarray) -> bytes:
    """Return a (S, S, 3) uint8 image as a JPEG file of at most `SIDE` pixels a side."""
    from PIL import Image

    small = Image.fromarray(image)
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _encoded(kept: Sequence[tuple[float, int, np.ndarray]]) -> list[tuple[int, bytes]]:
    return [(number, thumbnail(image)) for _, number, image in kept]
