"""From photos to predictions: `predict_age`, `predict_attractiveness`, and what they stand on."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from keras_dldl.arguments import check_choice, check_integer
from keras_dldl.errors import DetectorError, ModelFileError, NoFaceFound, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner, FoundFace
from keras_dldl.faces.grouping import groups
from keras_dldl.faces.images import is_batch
from keras_dldl.faces.photo import Photo
from keras_dldl.faces.sources import image_name
from keras_dldl.light import LightModel
from keras_dldl.opening import resolve_model
from keras_dldl.prediction import Prediction
from keras_dldl.threads import in_order

ON_ERROR = ("raise", "return")
# Images of a batch are read and searched for faces in groups that end at so many pixels (120 MB).
GROUP_PIXELS = 40_000_000

Result = Prediction | list[Prediction] | NoFaceFound | UnreadableImage | DetectorError


def predict_age(
    img: Any,
    model: Any = None,
    *,
    all_faces: bool = False,
    detect: bool = True,
    on_error: str | None = None,
    batch_size: int = 32,
    max_pixels: int | None = None,
    engine: str | None = None,
    detector: Any = None,
    workers: int = 1,
) -> Any:
    """Estimate the age of the people in a photo, in years.

    The face is found and aligned, the face and its mirror image go through the model, and the two
    distributions are averaged (Gao et al. 2020, section 5.1).

    Args:
        img: a path, bytes, a binary file object, a PIL image, or a (H, W, 3) uint8 RGB array; or
            several in a list, another sequence, an iterator, a one-dimensional array or a pandas
            Series, which are predicted in batches.
        model: a path, the name of a shipped model, or a loaded model; default "tiny-age".
        all_faces: predict every face, left to right, and not only the largest.
        detect: False where `img` is already an aligned face crop; it is only resized.
        on_error: "raise", or "return" to put the error in the result's place. Default: "raise" for
            one image, "return" for a list.
        batch_size: faces in one forward pass, images in one round of detection.
        max_pixels: largest image accepted, see `faces.read_image`.
        engine: what runs the networks: "keras"; "litert" or "onnx", which do without TensorFlow;
            or "auto", LiteRT where that can be had. Default: KERAS_DLDL_ENGINE, or "auto".
        detector: what finds faces: "auto", at any angle; "mtcnn", the paper's, upright ones only;
            `module:Class` or an object with `detect(images)` of your own, see `faces.detectors`.
            Default: the one that the model's training faces were found by.
        workers: threads that read images and find faces ahead of the model, for long lists.

    Returns:
        A `Prediction`, whose `warnings` say what speaks against the face; with `all_faces` a list
        of them. For a list of images, a list of such in order, where an `UnreadableImage` or
        `NoFaceFound` stands in the place of an image that failed.

    Raises:
        NoFaceFound: there is no face in the image.
        DetectorError: a detector of your own failed.
        UnreadableImage: it is not an image, damaged, or too large.
        ModelFileError: there is no such model.
        ConfigError: the model does not estimate age, an argument is out of range, or the engine
            asked for cannot run here.
    """
    predictor = Predictor(model, "age", detector, engine)
    options = PredictOptions(all_faces, detect, batch_size, max_pixels, workers)
    return _predict(predictor, img, on_error, options)


def predict_attractiveness(
    img: Any,
    model: Any = None,
    *,
    all_faces: bool = False,
    detect: bool = True,
    on_error: str | None = None,
    batch_size: int = 32,
    max_pixels: int | None = None,
    engine: str | None = None,
    detector: Any = None,
    workers: int = 1,
) -> Any:
    """Estimate how attractive raters would find the faces in a photo, on the model's rating scale.

    What the shipped models predict is the mean opinion of 60 raters of one region about
    photographs, from 1 to 5, and no property of a person: see their cards.

    Args:
        img: see `predict_age`.
        model: a path, the name of a shipped model, or a loaded model; default
            "tiny-attractiveness".
        all_faces: see `predict_age`.
        detect: see `predict_age`.
        on_error: see `predict_age`.
        batch_size: see `predict_age`.
        max_pixels: see `predict_age`.
        engine: see `predict_age`.
        detector: see `predict_age`.
        workers: see `predict_age`.

    Returns:
        As `predict_age`, in points.

    Raises:
        NoFaceFound: there is no face in the image.
        DetectorError: a detector of your own failed.
        UnreadableImage: it is not an image, damaged, or too large.
        ModelFileError: there is no such model.
        ConfigError: the model does not estimate attractiveness, or an argument is out of range.
    """
    predictor = Predictor(model, "attractiveness", detector, engine)
    options = PredictOptions(all_faces, detect, batch_size, max_pixels, workers)
    return _predict(predictor, img, on_error, options)


def _predict(predictor, img, on_error, options):
    many = is_batch(img)
    if on_error is None:
        on_error = "return" if many else "raise"
    check_choice("on_error", on_error, ON_ERROR)
    results = []
    for result in predictor.predict(img if many else [img], options):
        if on_error == "raise" and isinstance(result, Exception):
            raise result
        results.append(result)
    return results if many else results[0]


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
        model: a path, the name of a shipped model, or a loaded model; default the shipped model of
            `task`. Files are loaded once and kept as long as they do not change.
        task: what the model must estimate, "age" or "attractiveness"; None takes any.
        detector: what finds faces, see `predict_age`.
        engine: see `predict_age`.

    Attributes:
        model: the `FaceModel` or `LightModel`; both have `grid`, `method`, `input_size`,
            `alignment` and `name`.

    Raises:
        ModelFileError: there is no such model.
        ConfigError: the model estimates something else, `task` has no shipped model, or the engine
            asked for cannot run here.
    """

    def __init__(
        self,
        model: Any = None,
        task: str | None = None,
        detector: Any = None,
        engine: str | None = None,
    ):
        self.model = resolve_model(model, task, engine)
        self.aligner = FaceAligner(self.model.alignment, detector, engine)

    def predict(self, images: Iterable[Any], options: PredictOptions) -> Iterator[Result]:
        """Yield for each image, in order, what `predict_age` returns, or its error.

        Images are read while the results are taken, a group at a time, so any number of them fits
        into memory. With `options.workers` above 1 so many groups are read and searched for faces
        at once, while the model is at work on the one before.
        """
        lots = _lots(enumerate(images, 1), options.batch_size)

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
        for group in groups(pairs, options.batch_size, GROUP_PIXELS):
            read = [item for item, _ in group]
            del group
            self._find_faces([item for item in read if item.photo is not None], options)
            yield read

    def _find_faces(self, items: list[_Item], options: PredictOptions) -> None:
        photos = [item.photo for item in items]
        size, all_faces = self.model.input_size, options.all_faces
        found = self.aligner.find(photos, size, all_faces=all_faces, detect=options.detect)
        for item, faces in zip(items, found, strict=True):
            item.photo = None  # only what was cut out goes on
            if isinstance(faces, Exception):
                item.error = type(faces)(f"{item.name}: {faces}")
            else:
                item.faces = faces

    def _results(self, group: list[_Item], options: PredictOptions) -> Iterator[Result]:
        crops = [found.crop for item in group for found in item.faces]
        distributions = iter(self._distributions(crops, options.batch_size))
        for item in group:
            predictions = [
                Prediction.of_face(
                    found,
                    next(distributions),
                    self.model.grid,
                    self.model.method.decoder,
                    self.model.calibration,
                    item.name,
                    number,
                )
                for number, found in enumerate(item.faces, 1)
            ]
            yield item.error or (predictions if options.all_faces else predictions[0])

    def _distributions(self, crops: list[np.ndarray], batch_size: int) -> np.ndarray:
        if not crops:
            return np.empty((0, self.model.grid.size))
        image, mirror = _views(self.model, np.stack(crops), batch_size)
        mean = (image.astype(np.float64) + mirror) / 2
        if not np.isfinite(mean).all():
            raise ModelFileError(
                "The model must give probabilities. Its weights are damaged: train it again. "
                f"Received: NaN or infinite outputs from the model {self.model.name}"
            )
        return mean


def _lots(numbered: Iterator[tuple[int, Any]], size: int) -> Iterator[list[tuple[int, Any]]]:
    while lot := list(islice(numbered, size)):
        yield lot


def _views(model: Any, faces: np.ndarray, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(model, LightModel):
        return model.predict_views(faces, batch_size)
    from keras_dldl.models.inference import predict_views

    return predict_views(model, faces, batch_size)


def _read(source: Any, number: int, options: PredictOptions) -> _Item:
    name = image_name(source)
    if not isinstance(source, (str, os.PathLike)):  # its place tells more than its kind
        name = f"image {number} {name}"
    try:
        return _Item(name, Photo(source, max_pixels=options.max_pixels, name=name))
    except UnreadableImage as error:
        return _Item(name, error=error)
