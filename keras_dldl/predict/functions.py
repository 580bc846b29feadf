"""`predict_age` and `predict_attractiveness`."""

from collections.abc import Callable, Iterable
from typing import Any

from keras_dldl._utils.arguments import check_choice
from keras_dldl.faces.detectors import Detector
from keras_dldl.faces.sources import several_images
from keras_dldl.predict.predictor import PredictOptions, Predictor

ON_ERROR = ("raise", "return")


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
    detector: Detector | str | None = None,
    workers: int = 1,
) -> Any:
    """Estimate the age of the people in a photo, in years.

    Finds and aligns the face, predicts the face and its mirror image, and averages the two
    distributions (Gao et al. 2020, section 5.1).

    Args:
        img: a path, bytes, a binary file object, a PIL image, or a (H, W, 3) uint8 RGB array; or
            several of them, predicted in batches: a list, a generator, a one-dimensional array or
            a column of a table.
        model: a path, a shipped model's name, "hf://user/name", or a loaded model; default
            "tiny-age".
        all_faces: predict every face, left to right, instead of the largest.
        detect: False if `img` is already an aligned face crop; it is only resized.
        on_error: "raise" an image's error, or "return" it in place of the result. Default: "raise"
            for one image, "return" for several.
        batch_size: faces per forward pass, and images per round of detection.
        max_pixels: largest image to read, see `faces.read_image`.
        engine: "keras"; "litert" or "onnx", which need no TensorFlow; or "auto", LiteRT if it is
            installed. Default: KERAS_DLDL_ENGINE, or "auto".
        detector: the face detector: "auto", for faces at any angle; "mtcnn", for upright faces; or
            your own `module:Class` or object with `detect(images)`, see `faces.detectors`. Default:
            the one that found the model's training faces.
        workers: threads that read images and find faces, for long lists.

    Returns:
        A `Prediction`; with `all_faces`, a list of them. For several images, a list of these in
        order, with an `UnreadableImage`, `NoFaceFound` or `DetectorError` in place of an image
        that failed.

    Raises:
        NoFaceFound: there is no face in the image.
        DetectorError: a detector of your own failed.
        UnreadableImage: it is not an image, damaged, or too large.
        ModelFileError: there is no such model.
        ConfigError: the model does not estimate age, an argument is out of range, or the engine
            cannot run here.

    >>> from pathlib import Path
    >>> import keras_dldl
    >>> photo = Path(keras_dldl.__file__).parent / "serving/page/example.jpg"  # or your own
    >>> keras_dldl.predict_age(photo)
    Prediction(27.5 years, 90 % interval 17.7 ... 41.6)
    """
    predictor = Predictor(model, "age", detector, engine)
    options = PredictOptions(all_faces, detect, batch_size, max_pixels, workers)
    return one_or_many(img, on_error, lambda images: predictor.predict(images, options))


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
    detector: Detector | str | None = None,
    workers: int = 1,
) -> Any:
    """Estimate how attractive raters would find the faces in a photo, on the model's rating scale.

    The shipped models predict the mean opinion of 60 raters of one region about photographs, from 1
    to 5, not a property of a person: see their cards.

    Args:
        img: as in `predict_age`.
        model: as in `predict_age`; default "tiny-attractiveness".
        all_faces, detect, on_error, batch_size, max_pixels, engine, detector, workers: as in
            `predict_age`.

    Returns:
        As `predict_age`, in points.

    Raises:
        NoFaceFound: there is no face in the image.
        DetectorError: a detector of your own failed.
        UnreadableImage: it is not an image, damaged, or too large.
        ModelFileError: there is no such model.
        ConfigError: the model does not estimate attractiveness, or an argument is out of range.

    >>> from pathlib import Path
    >>> import keras_dldl
    >>> photo = Path(keras_dldl.__file__).parent / "serving/page/example.jpg"  # or your own
    >>> keras_dldl.predict_attractiveness(photo)
    Prediction(3.12 points, 90 % interval 2.83 ... 3.69)
    """
    predictor = Predictor(model, "attractiveness", detector, engine)
    options = PredictOptions(all_faces, detect, batch_size, max_pixels, workers)
    return one_or_many(img, on_error, lambda images: predictor.predict(images, options))


def one_or_many(
    img: Any, on_error: str | None, predict: Callable[[Iterable[Any]], Iterable[Any]]
) -> Any:
    """Return what `predict` gives for one image or several; see `predict_age` for `on_error`.

    Args:
        img: an image, or several.
        on_error: "raise", "return" or None.
        predict: from images to a result or an error each.
    """
    several = several_images(img)
    many = several is not None
    if on_error is None:
        on_error = "return" if many else "raise"
    check_choice("on_error", on_error, ON_ERROR)
    results = []
    for result in predict(several if many else [img]):
        if on_error == "raise" and isinstance(result, Exception):
            raise result
        results.append(result)
    return results if many else results[0]
