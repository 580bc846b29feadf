"""SavedModel, the format of TensorFlow Serving and of every TensorFlow runtime."""

import errno
import math
import os
import subprocess  # noqa: S404
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl._utils.backends import backend_name, is_installed
from keras_dldl.errors import ConfigError
from keras_dldl.export.conversion import serve_function
from keras_dldl.export.parity import ParityError
from keras_dldl.export.server_files import WARM_UP, write_warm_up
from keras_dldl.models import FaceModel
from keras_dldl.models.folding import fold_normalization
from keras_dldl.runtime.card import SAVED_MODEL_CARD

TENSORFLOW_ALONE = Path(__file__).with_name("tensorflow_alone.py")
TIMEOUT_SECONDS = 600


def write(model: FaceModel, folder: Path, mirror: bool = True) -> None:
    """Write a SavedModel with `signatures` into an empty folder.

    All outputs have a row a face, as TensorFlow Serving's REST interface demands. The requests by
    which TensorFlow Serving warms a model up are in `assets.extra/`.

    Raises:
        ConfigError: Keras does not run on TensorFlow.
        OSError: the folder cannot be written, or the disk is full.
    """
    if not is_installed("tensorflow") or backend_name() != "tensorflow":
        raise ConfigError(
            "A SavedModel needs TensorFlow, installed and as Keras's back end: pip install "
            "tensorflow, and set KERAS_BACKEND=tensorflow. A model that was trained on another "
            f"back end is as good. Received: KERAS_BACKEND={backend_name()}"
        )
    import tensorflow as tf

    network = fold_normalization(model)
    # Not keras.export.ExportArchive, which stores every weight twice.
    module = tf.Module()
    module.weights = [variable.value for variable in network.variables]
    served = signatures(model, mirror, network)
    module.served = list(served.values())
    try:
        tf.saved_model.save(module, os.fspath(folder), signatures=served)
        extra = (folder / SAVED_MODEL_CARD).parent
        extra.mkdir(exist_ok=True)
        write_warm_up(extra / WARM_UP, model.input_size)
    except tf.errors.OpError as error:
        raise _as_os_error(error) from error


def _as_os_error(error: Exception) -> Exception:
    """Return the plain OSError that TensorFlow's own error stands for; else `error`."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO):
        if os.strerror(number) in str(error):
            return OSError(number, os.strerror(number))
    return error


def signatures(model: FaceModel, mirror: bool = True, network: Any = None) -> dict[str, Callable]:
    """Return the functions that are exported, by the names of their signatures.

    - `serving_default` takes `image_bytes`, (B,) strings, JPEG or PNG files of any size; it returns
      `status` (B,) besides, "ok" or what is wrong with the image, whose numbers are then NaN.
    - `images` takes `images`, (B, H, W, 3) uint8 RGB of any size.
    - `images_float` takes the same as float32, 0 ... 255.

    All return `value` (B,), `std` (B,), `distribution` (B, K) and `labels` (B, K), float32.

    Args:
        model: a `FaceModel` on the TensorFlow back end.
        mirror: average the image and its mirror image.
        network: what computes the model's distributions; the model itself where it is None.
    """
    import tensorflow as tf

    from keras_dldl.export import encoded_images

    labels, size = model.grid.labels, model.input_size
    network = network or model
    serve = serve_function(model, mirror, lambda faces: network(faces, training=False))

    # A function of its own, so that the model is traced and stored once for all signatures.
    @tf.function(input_signature=[tf.TensorSpec((None, size, size, 3))], autograph=False)
    def answers(faces):
        return {
            **serve(faces),
            "labels": tf.tile(tf.constant(labels)[None], [tf.shape(faces)[0], 1]),
        }

    def from_bytes(image_bytes):
        faces, status = encoded_images.decode_faces(image_bytes, size)
        found = dict(answers(tf.cast(faces, tf.float32)))
        is_ok = tf.equal(status, encoded_images.OK)
        for name in ("value", "std", "distribution"):
            rows = tf.reshape(is_ok, [-1] + [1] * (found[name].shape.rank - 1))
            found[name] = tf.where(rows, found[name], math.nan)
        return {**found, "status": tf.gather(list(encoded_images.STATUSES), status)}

    def from_pixels(images):
        return answers(_resized(images, size))

    pixels = (None, None, None, 3)
    given = {
        "serving_default": (from_bytes, tf.TensorSpec((None,), tf.string, "image_bytes")),
        "images": (from_pixels, tf.TensorSpec(pixels, tf.uint8, "images")),
        "images_float": (from_pixels, tf.TensorSpec(pixels, tf.float32, "images")),
    }
    return {
        name: tf.function(function, input_signature=[spec], autograph=False)
        for name, (function, spec) in given.items()
    }


def _resized(images, size: int):
    """Return float32 images of `size`, resized as `Alignment.whole` does: bicubic, smoothed."""
    import tensorflow as tf

    def resize():
        small = tf.image.resize(images, (size, size), "bicubic", antialias=True)
        return tf.clip_by_value(tf.round(small), 0.0, 255.0)

    is_right = tf.reduce_all(tf.equal(tf.shape(images)[1:3], size))
    faces = tf.cond(is_right, lambda: tf.cast(images, tf.float32), resize)
    return tf.ensure_shape(faces, (None, size, size, 3))


def run_alone(folder: Path, batches: list[np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Run a SavedModel in a new process in which Keras and this package cannot be imported.

    Args:
        folder: the SavedModel.
        batches: (B, H, W, 3) uint8 arrays.

    Returns:
        The outputs by name, for each batch.
    """
    # On the processor, whose numbers are exact; the parent may hold all of an accelerator's memory.
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as scratch:
        given, result = Path(scratch) / "given.npz", Path(scratch) / "result.npz"
        np.savez(given, **{str(i): batch for i, batch in enumerate(batches)})
        source = TENSORFLOW_ALONE.read_text(encoding="utf-8")
        command = [sys.executable, "-c", source, *map(os.fspath, (folder, given, result))]
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise ParityError(
                f"An exported model must run within {TIMEOUT_SECONDS} seconds. Received: no answer"
            ) from error
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise ParityError(
                "An exported model must load and run in TensorFlow alone; nothing was kept. "
                f"Received: {reason} (exit status {done.returncode})"
            )
        with np.load(result) as arrays:
            named = {key: arrays[key] for key in arrays.files}
    outputs: list[dict[str, np.ndarray]] = [{} for _ in batches]
    for key, array in named.items():
        index, _, name = key.partition("/")
        outputs[int(index)][name] = array
    return outputs
