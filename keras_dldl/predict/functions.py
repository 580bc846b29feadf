"""`predict_age` and `predict_attractiveness`."""

from collections.abc import Callable, Iterable
from typing import Any

from keras_dldl._utils.arguments import check_choice
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
    detector: Any = None,
    workers: int = 1,
) -> Any:
    """Estimate the age of the people in a photo, in years.

    The face is found and aligned, the face and its mirror image go through the model, and the two
    distributions are averaged (Gao et al. 2020, section 5.1).

    Args:
        img: a path, bytes, a binary file object, a PIL image, or a (H, W, 3) uint8 RGB array; or
            several in a list or another collection with an order, a generator, a one-dimensional
            array or a column of a table, which are predicted in batches.
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
        A `Prediction`, whose `warnings` are reasons to doubt it; with `all_faces` a list of them.
        For a list of images, a list of such in order, where an `UnreadableImage` or `NoFaceFound`
        stands in the place of an image that failed.

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
