"""Requests that TensorFlow Serving answers to itself before it gives a model to clients.

The first run of a graph takes far longer than the others, and so does the first of a new batch
size. See https://www.tensorflow.org/tfx/serving/saved_model_warmup.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl.export.parity import generated_images
from keras_dldl.export.server_files import USUAL_BATCH
from keras_dldl.serving_messages import FLOAT, STRING, UINT8, message

FILE = "tf_serving_warmup_requests"
BATCH_SIZES = (1, USUAL_BATCH)


def write(path: Path, size: int) -> None:
    """Write the requests, one `PredictionLog` a record: each signature, each batch size.

    Args:
        path: the file to write.
        size: side of the model's input.
    """
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as records:
        for count in BATCH_SIZES:
            for request in _requests(count, size):
                log = message("PredictionLog", predict_log={"request": request})
                records.write(log.SerializeToString())


def _requests(count: int, size: int) -> list[Any]:
    # A tensor with fewer values than its shape has places repeats the last: the file stays small.
    jpeg, png = _encoded(generated_images(1, size)[0])
    files = {"dtype": STRING, "string_val": [jpeg, png][:count]}
    whole = {"dtype": UINT8, "int_val": [128]}
    floats = {"dtype": FLOAT, "float_val": [128.0]}
    pixels = (count, size, size, 3)
    return [
        _request("serving_default", "image_bytes", (count,), files),
        _request("images", "images", pixels, whole),
        _request("images_float", "images", pixels, floats),
    ]


def _request(signature: str, name: str, shape: tuple[int, ...], tensor: dict[str, Any]) -> Any:
    tensor = {**tensor, "tensor_shape": {"dim": [{"size": side} for side in shape]}}
    return message(
        "PredictRequest",
        model_spec={"signature_name": signature},
        inputs=[{"key": name, "value": tensor}],
    )


def _encoded(image: np.ndarray) -> tuple[bytes, bytes]:
    """Return the files of (S, S, 3) uint8 as JPEG and as PNG."""
    from PIL import Image

    files = []
    for kind in ("JPEG", "PNG"):
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, kind)
        files.append(stream.getvalue())
    return files[0], files[1]
