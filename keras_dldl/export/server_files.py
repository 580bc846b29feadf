"""What TensorFlow Serving needs beside a model: its settings, ready to start, and warm-up requests.

The first run of a graph takes far longer than the others, and so does the first of a new batch
size. So the server answers such requests to itself before it gives a model to clients, see
https://www.tensorflow.org/tfx/serving/saved_model_warmup.
"""

import io
import logging
import os
import re
from pathlib import Path
from typing import Any

from keras_dldl._utils.files import write_text
from keras_dldl._utils.serving_messages import FLOAT, STRING, UINT8, message
from keras_dldl.export.parity import generated_images

WARM_UP = "tf_serving_warmup_requests"
USUAL_BATCH = 32
LARGEST_REQUEST = 1024

logger = logging.getLogger(__name__)

MODELS = """\
# Which models TensorFlow Serving serves: --model_config_file=/models/{name}/models.config
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    # The newest version is served; the one before it until the new one is loaded.
    model_version_policy {{ latest {{ num_versions: 1 }} }}
  }}
}}
"""
BATCHING = f"""\
# Requests that come together are answered together:
# --enable_batching=true --batching_parameters_file=.../batching.config
# The most images in a request; a request is refused beyond.
max_batch_size {{ value: {LARGEST_REQUEST} }}
# The most images in one run of the model: larger requests are split, smaller ones joined.
enable_large_batch_splitting {{ value: true }}
max_execution_batch_size {{ value: {USUAL_BATCH} }}
# The longest that a request waits for others, in millionths of a second.
batch_timeout_micros {{ value: 2000 }}
# Batches at work at once: as many as the machine has cores is a good start.
num_batch_threads {{ value: 4 }}
# Batches that may wait; more are refused ("unavailable", 503), which clients may try again.
max_enqueued_batches {{ value: 64 }}
"""
COMPOSE = """\
# `docker compose up` in this folder; then http://localhost:8501/v1/models/{name}
services:
  {service}:
    # Of the TensorFlow that wrote the model: older servers may lack what it uses.
    image: tensorflow/serving:{tensorflow}
    command:
      - --model_config_file=/models/{name}/models.config
      - --enable_batching=true
      - --batching_parameters_file=/models/{name}/batching.config
    volumes:
      - .:/models/{name}:ro
    # gRPC and REST, for this machine only; without 127.0.0.1 for the network.
    ports:
      - "127.0.0.1:8500:8500"
      - "127.0.0.1:8501:8501"
    restart: unless-stopped
"""


def model_name(folder: str | os.PathLike) -> str:
    """Return the name under which the versions in `folder` are served.

    >>> model_name("served/age"), model_name("my models/été 2")
    ('age', 't-2')
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(os.path.abspath(folder)).name).strip("-.")
    return name or "model"


def server_files(folder: str | os.PathLike, tensorflow: str) -> dict[str, str]:
    """Return the text of each file by its name; see `write_server_files`."""
    name = model_name(folder)
    release = re.match(r"\d+\.\d+\.\d+|", tensorflow)[0] or tensorflow
    service = re.sub(r"[^a-z0-9_-]", "-", name.lower())
    return {
        "models.config": MODELS.format(name=name),
        "batching.config": BATCHING,
        "docker-compose.yml": COMPOSE.format(name=name, service=service, tensorflow=release),
    }


def write_server_files(folder: Path, tensorflow: str, force: bool = False) -> None:
    """Write the files beside the versions; one that is there and differs is kept.

    Args:
        folder: the folder of the versions.
        tensorflow: the version of TensorFlow that wrote the model, such as "2.21.0".
        force: replace what differs: a user's changes, or what another release wrote.
    """
    for name, text in server_files(folder, tensorflow).items():
        place = folder / name
        if not os.path.lexists(place) or force:
            write_text(place, text)
        elif place.read_bytes() != text.encode("utf-8"):
            logger.warning(
                "%s is kept, though this export would write another; force replaces it", place
            )


def write_warm_up(path: Path, size: int) -> None:
    """Write the requests, one `PredictionLog` a record: each signature, a batch of 1 and of 32."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as records:
        for count in (1, USUAL_BATCH):
            for request in _requests(count, size):
                log = message("PredictionLog", predict_log={"request": request})
                records.write(log.SerializeToString())


def _requests(count: int, size: int) -> list[Any]:
    from PIL import Image

    files = []
    for kind in ("JPEG", "PNG")[:count]:
        stream = io.BytesIO()
        Image.fromarray(generated_images(1, size)[0]).save(stream, kind)
        files.append(stream.getvalue())
    # A tensor with fewer values than its shape has places repeats the last: the file stays small.
    pixels = (count, size, size, 3)
    given = [
        ("serving_default", "image_bytes", (count,), {"dtype": STRING, "string_val": files}),
        ("images", "images", pixels, {"dtype": UINT8, "int_val": [128]}),
        ("images_float", "images", pixels, {"dtype": FLOAT, "float_val": [128.0]}),
    ]
    return [
        message(
            "PredictRequest",
            model_spec={"signature_name": signature},
            inputs=[
                {
                    "key": name,
                    "value": {**tensor, "tensor_shape": {"dim": [{"size": n} for n in shape]}},
                }
            ],
        )
        for signature, name, shape, tensor in given
    ]
