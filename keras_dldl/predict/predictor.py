"""A photo to predictions: read, its faces found and cut out, the network, `predictions_of`."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from keras_dldl._utils.arguments import check_integer
from keras_dldl._utils.threads import in_order
from keras_dldl.errors import DetectorError, NoFaceFound, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner, FoundFace
from keras_dldl.faces.batches import batched
from keras_dldl.faces.detectors import Detector, as_detector
from keras_dldl.faces.images import Photo
from keras_dldl.faces.sources import image_name
from keras_dldl.predict.prediction import Prediction, predictions_of
from keras_dldl.runtime import open_network

# Images of a batch are read and searched for faces in groups of at most this many pixels (120 MB).
GROUP_PIXELS = 40_000_000

Failure = NoFaceFound | UnreadableImage | DetectorError
JudgedFace = tuple[FoundFace, Prediction]


@dataclass(frozen=True)
class PredictOptions:
    """How to predict; see `predict_age` for the meaning of each."""

    all_faces: bool = False
    detect: bool = True
    batch_size: int = 32
    max_pixels: int | None = None
    workers: int = 1

    def __post_init__(self):
        check_integer("batch_size", self.batch_size, minimum=1)
        check_integer("workers", self.workers, minimum=1)


@dataclass
class _Item:
    """An image on its way: its name, then its pixels or an error, then its faces, cut out."""

    name: str
    photo: Photo | None = None
    error: Exception | None = None
    faces: Sequence[FoundFace] = ()


class Predictor:
    """A model and a detector, ready for photos.

    Args:
        model: see `runtime.open_network`.
        task: what the model must estimate, "age" or "attractiveness"; None takes any.
        detector: what finds faces, see `predict_age`.
        engine: see `predict_age`.

    Attributes:
        network: the model, ready to answer.

    Raises:
        ModelFileError: there is no such model.
        ConfigError: the model estimates something else, `task` has no shipped model, or the engine
            asked for cannot run here.
    """

    def __init__(
        self,
        model: Any = None,
        task: str | None = None,
        detector: Detector | str | None = None,
        engine: str | None = None,
    ):
        # What is quickly seen to be wrong goes before the model, which may take a minute.
        detector = None if detector is None else as_detector(detector, engine)
        self.network = open_network(model, task, engine)
        self.aligner = FaceAligner(self.network.card.alignment, detector, engine)

    def predict(
        self, images: Iterable[Any], options: PredictOptions
    ) -> Iterator[Prediction | list[Prediction] | Failure]:
        """Yield for each image, in order, what `predict_age` returns, or its error.

        Images are read while the results are taken, a group at a time, so any number of them fits
        into memory. With `options.workers` above 1, this many groups are read and searched for
        faces at the same time, while the model works on the one before.
        """
        for faces in self.judge(images, options):
            if isinstance(faces, Exception):
                yield faces
            else:
                predictions = [prediction for _, prediction in faces]
                yield predictions if options.all_faces else predictions[0]

    def judge(
        self, images: Iterable[Any], options: PredictOptions
    ) -> Iterator[list[JudgedFace] | Failure]:
        """Yield for each image its faces, cut out, each with its prediction; or its error.

        See `predict`.
        """
        numbered = enumerate(images, 1)
        lots = iter(lambda: list(islice(numbered, options.batch_size)), [])

        def prepared(lot: list[tuple[int, Any]]) -> Iterator[list[_Item]]:
            return self._prepared(lot, options)

        if options.workers == 1:
            ready = (group for lot in lots for group in prepared(lot))
        else:
            ahead = in_order(lambda lot: list(prepared(lot)), lots, options.workers)
            ready = (group for groups_of_lot in ahead for group in groups_of_lot)
        for group in ready:
            yield from self._results(group, options)

    def _prepared(
        self, lot: list[tuple[int, Any]], options: PredictOptions
    ) -> Iterator[list[_Item]]:
        """Yield the images of a lot in groups, read and their faces cut out."""
        items = (_read(source, number, options) for number, source in lot)
        pairs = ((item, item.photo) for item in items)
        for group in batched(pairs, options.batch_size, GROUP_PIXELS):
            read = [item for item, _ in group]
            del group
            self._find_faces([item for item in read if item.photo is not None], options)
            yield read

    def _find_faces(self, items: list[_Item], options: PredictOptions) -> None:
        photos = [item.photo for item in items]
        size, all_faces = self.network.card.input_size, options.all_faces
        found = self.aligner.find(photos, size, all_faces=all_faces, detect=options.detect)
        for item, faces in zip(items, found, strict=True):
            item.photo = None  # only what was cut out is kept
            if isinstance(faces, Exception):
                item.error = type(faces)(f"{item.name}: {faces}")
            else:
                item.faces = faces

    def _results(
        self, group: list[_Item], options: PredictOptions
    ) -> Iterator[list[JudgedFace] | Failure]:
        crops = [found.crop for item in group for found in item.faces]
        found = self.network.distributions(np.stack(crops), options.batch_size) if crops else ()
        rows, card = iter(found), self.network.card
        for item in group:
            distributions = [next(rows) for _ in item.faces]
            predictions = predictions_of(card, item.faces, distributions, item.name)
            yield item.error or list(zip(item.faces, predictions, strict=True))


def numbered_name(source: Any, number: int) -> str:
    """Return the name of an image for messages: without a path, its number and type."""
    name = image_name(source)
    return name if isinstance(source, (str, os.PathLike)) else f"image {number} {name}"


def _read(source: Any, number: int, options: PredictOptions) -> _Item:
    name = numbered_name(source, number)
    try:
        return _Item(name, Photo(source, max_pixels=options.max_pixels, name=name))
    except UnreadableImage as error:
        return _Item(name, error=error)
