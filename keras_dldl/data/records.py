"""TFRecord shards of aligned faces: one writer, one reader, one schema."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_dldl import files
from keras_dldl.errors import DataError

JPEG_QUALITY = 95
NO_SIGMA = -1.0


@dataclass(frozen=True)
class Record:
    """One aligned face as it is stored.

    Args:
        image: the encoded JPEG.
        label: the label.
        sigma: the annotators' standard deviation, or `NO_SIGMA` where the data set has none.
        path: the face's path in the manifest.
    """

    image: bytes
    label: float
    sigma: float
    path: str


def encode_jpeg(image: np.ndarray) -> bytes:
    """Return a (H, W, 3) uint8 image as JPEG of high quality with full colour resolution."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def write_shard(records: Iterable[Record], path: str | os.PathLike) -> int:
    """Write one shard, whole or not at all; return the number of records."""
    import tensorflow as tf

    count = 0
    with files.atomic_path(path) as temporary:
        with tf.io.TFRecordWriter(os.fspath(temporary)) as writer:
            for record in records:
                writer.write(_example(record))
                count += 1
    return count


def _example(record: Record) -> bytes:
    import tensorflow as tf

    def of_bytes(value: bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def of_float(value: float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    features = {
        "image": of_bytes(record.image),
        "label": of_float(record.label),
        "sigma": of_float(record.sigma),
        "path": of_bytes(record.path.encode("utf-8")),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)  # the same faces, the same bytes


def parse_batch(serialized):
    """Return image, label, sigma, path tensors of a batch of serialized records."""
    import tensorflow as tf

    schema = {
        "image": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.float32),
        "sigma": tf.io.FixedLenFeature([], tf.float32),
        "path": tf.io.FixedLenFeature([], tf.string),
    }
    parsed = tf.io.parse_example(serialized, schema)
    return parsed["image"], parsed["label"], parsed["sigma"], parsed["path"]


def read_shards(paths: list[Path]) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield (image bytes, label, sigma, path) arrays, some thousand records at a time, in order.

    Raises:
        DataError: a shard is damaged or cut short; names it.
    """
    import tensorflow as tf

    for path in paths:
        try:
            dataset = tf.data.TFRecordDataset(os.fspath(path)).batch(1024).map(parse_batch)
            yield from dataset.as_numpy_iterator()
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
            raise DataError(
                f"A record shard must be whole; run `keras-dldl prepare` again into a new folder. "
                f"Received: {path} ({str(error).splitlines()[0][:120]})"
            ) from error
