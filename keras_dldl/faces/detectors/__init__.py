"""Face detectors, one file each, and the table of their names.

| name | finds |
|---|---|
| "auto" | faces at every angle in the picture's plane: `AutoDetector` |
| "mtcnn" | upright faces: MTCNN, the paper's detector: `MTCNNDetector` |
| "module:Class" | what a class of your own finds, made without arguments: see `Detector` |
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Protocol

import numpy as np

from keras_dldl._utils.imports import load_class, make
from keras_dldl.errors import ConfigError
from keras_dldl.faces.alignment import DETECTORS, check_detector
from keras_dldl.faces.detectors.mtcnn import MTCNNDetector
from keras_dldl.faces.face import Face
from keras_dldl.interpreters import asked_engine

_LOGGER = logging.getLogger(__name__)
_LOCK = threading.RLock()  # a class of the user's own may ask for another detector


class Detector(Protocol):
    """What finds faces: any object with this method; it need not derive from this class.

    It may also have `detect_large(images)`, which is called instead where only the largest face is
    wanted: the same, but beside a larger face small ones may be left out. Several threads call
    both at once. `FaceAligner.detect` puts the faces in order and checks them.
    """

    def detect(self, images: list[np.ndarray]) -> Sequence[Iterable[Face]]:
        """Return the faces of each image, in any order, in that image's pixels.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes, to be left unchanged.
        """


def as_detector(detector: Detector | str, engine: str | None = None) -> Detector:
    """Return the detector of that name; an object is returned as it is.

    Detectors are made once per process and shared.

    Args:
        detector: "auto", "mtcnn", `module:Class`, or an object with `detect(images)`.
        engine: what runs MTCNN's networks, see `MTCNNDetector`.

    Raises:
        ConfigError: there is no such detector.
    """
    if isinstance(detector, str):
        with _LOCK:  # two threads that ask at once wait for one
            return _made(check_detector(detector), asked_engine(engine))
    if isinstance(detector, type) and hasattr(detector, "detect"):
        raise ConfigError(
            "`detector` must be a name or an object with `detect(images)`: give an object of "
            f"the class, as {detector.__name__}(). Received: the class {detector.__qualname__}"
        )
    if not callable(getattr(detector, "detect", None)):
        raise ConfigError(
            f"`detector` must be {', '.join(DETECTORS)}, or `module:Class` of your own, or an "
            f"object with a method `detect(images)`. Received: detector={detector!r}"
        )
    return detector


def detector_here(name: str) -> str:
    """Return the name of the detector that runs where `name` is asked for.

    That is "mtcnn" for "auto" where its networks are not installed; data are marked with it.

    Raises:
        ConfigError: there is no such class; one that is there is not made yet.
    """
    if ":" in name:
        _own_class(name)
        return name
    return name_of(as_detector(name))


def name_of(detector: Detector) -> str:
    """Return the name of a detector, as `detector=` takes it; of an object its class's."""
    if isinstance(detector, MTCNNDetector):
        return "mtcnn"
    kind = type(detector)
    built_in = kind.__module__ == f"{__name__}.auto"  # not loaded where it is not used
    return "auto" if built_in else f"{kind.__module__}:{kind.__qualname__}"


@cache
def _made(name: str, engine: str) -> Detector:
    if name == "mtcnn":
        return MTCNNDetector(engine=engine)
    if name == "auto":
        from keras_dldl.faces.detectors.auto import AutoDetector

        try:
            # Faces that fill a picture are found by the other networks.
            return AutoDetector(MTCNNDetector(engine=engine, border=0))
        except ConfigError as error:
            _LOGGER.warning(
                "Faces are found by MTCNN, which is slower and knows upright faces only: %s", error
            )
            return _made("mtcnn", engine)
    return make(_own_class(name), "detector")


def _own_class(name: str) -> type:
    found = load_class(name, object, "detector", "object")
    if not callable(getattr(found, "detect", None)):
        raise ConfigError(
            "A detector of your own must be a class with a method `detect(images)`. "
            f"Received: {name!r}, which is {found!r} without one"
        )
    return found
