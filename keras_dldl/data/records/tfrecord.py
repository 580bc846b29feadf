"""TFRecord shards of aligned faces: one writer, one reader, one schema."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from keras_dldl import files
from keras_dldl.backends import is_installed
from keras_dldl.errors import DataError

JPEG_QUALITY = 95
NO_SIGMA = -1.0
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Feature:
    """One feature of a stored `tf.train.Example`, a single value each.

    Args:
        kind: "bytes" or "float", as in `tf.train.Feature`.
        meaning: what it holds, for readers of the index.
    """

    kind: str
    meaning: str


# Another kind or meaning of a feature, or one more that readers need, is a new SCHEMA_VERSION.
SCHEMA = {
    "image": Feature("bytes", "the aligned face, a JPEG file of `size` x `size` pixels, RGB"),
    "label": Feature("float", "the label, in the units of `grid`"),
    "sigma": Feature("float", "standard deviation of the label; negative: none was given"),
    "path": Feature("bytes", "the image's path in manifest.csv, UTF-8"),
}


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


def schema_as_json() -> dict:
    """Return the schema as it stands in `dataset.json`."""
    features = {name: {"type": of.kind, "meaning": of.meaning} for name, of in SCHEMA.items()}
    return {"version": SCHEMA_VERSION, "features": features}


def _example(record: Record) -> bytes:
    import tensorflow as tf

    makers = {
        "bytes": lambda value: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])),
        "float": lambda value: tf.train.Feature(float_list=tf.train.FloatList(value=[value])),
    }
    values = {**asdict(record), "path": record.path.encode("utf-8")}
    features = {name: makers[feature.kind](values[name]) for name, feature in SCHEMA.items()}
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)  # the same faces, the same bytes


def parse_batch(serialized, names: Sequence[str] = tuple(SCHEMA)):
    """Return image, label, sigma, path tensors of a batch of serialized records, or those named."""
    import tensorflow as tf

    kinds = {"bytes": tf.string, "float": tf.float32}
    schema = {name: tf.io.FixedLenFeature([], kinds[SCHEMA[name].kind]) for name in names}
    parsed = tf.io.parse_example(serialized, schema)
    return tuple(parsed[name] for name in names)


def read_shards(
    paths: list[Path], names: Sequence[str] = tuple(SCHEMA)
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield (image bytes, label, sigma, path) arrays, some thousand records at a time, in order.

    Args:
        paths: the shards.
        names: only these features.

    Raises:
        DataError: a shard is missing, damaged or cut short; names it.
    """
    if not is_installed("tensorflow"):
        yield from _read_without_tensorflow(paths, names)
        return
    import tensorflow as tf

    for path in paths:
        try:
            batches = tf.data.TFRecordDataset(os.fspath(path)).batch(1024)
            yield from batches.map(lambda batch: parse_batch(batch, names)).as_numpy_iterator()
        except (
            tf.errors.DataLossError,
            tf.errors.InvalidArgumentError,
            tf.errors.NotFoundError,
        ) as error:
            raise DataError(
                "A record shard must be whole; see what is wrong by `keras-dldl records verify`. "
                f"Received: {path} ({error_text(error)})"
            ) from error


def _read_without_tensorflow(
    paths: list[Path], names: Sequence[str]
) -> Iterator[tuple[np.ndarray, ...]]:
    from keras_dldl.data.records.examples import read_examples

    dtypes = {"bytes": object, "float": np.float32}
    for path in paths:
        records = list(read_examples(path, checked=True))
        yield tuple(
            np.array([record[name] for record in records], dtypes[SCHEMA[name].kind])
            for name in names
        )


def error_text(error: Exception) -> str:
    """Return what a TensorFlow error says, without the names of its operations.

    >>> error_text(ValueError("{{node A}} corrupted record at 12 [Op:IteratorGetNext]"))
    'corrupted record at 12'
    """
    first = (str(error).splitlines() or [""])[0]
    return first.rpartition("}}")[2].partition("[Op:")[0].strip()[:120]
