"""What is kept of a face to find it again: a small grey picture, a digest, its size.

Of encoded images, and of all faces of prepared folders; and what a model's file keeps of the images
that it was trained on: short digests, no pictures.
"""

import base64
import hashlib
import io
import itertools
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from keras_dldl._utils.progress import progress
from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.records import Records
from keras_dldl.data.sources.base import Skipped
from keras_dldl.errors import DataError

SIDE = 32
AT_ONCE = 256
MOST_THREADS = 8
DIGEST_BYTES = 5  # of 100,000 images and as many others, one in a hundred is taken for another
MOST_IMAGES = 100_000  # about 670 kB in the file; of more, none are kept


@dataclass(frozen=True)
class Fingerprints:
    """The fingerprints of N faces: about 1 kB a face.

    Args:
        thumbs: (N, 32, 32) uint8 grey pictures.
        digests: N digests of the encoded images.
        sizes: (N, 2) width and height of the stored images in pixels.
    """

    thumbs: np.ndarray
    digests: list[bytes]
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.digests)

    def take(self, indices: np.ndarray) -> "Fingerprints":
        """Return the fingerprints at these indices, in this order."""
        digests = [self.digests[i] for i in indices]
        return Fingerprints(self.thumbs[indices], digests, self.sizes[indices])


def digest_of(encoded: bytes) -> bytes:
    """Return what a model's file remembers of an encoded image, as `prepare` stored it."""
    return _digest(encoded)[:DIGEST_BYTES]


def fingerprint_all(
    faces: Iterable[tuple[Hashable, bytes]], most: int
) -> tuple[list[Hashable], Fingerprints, list[tuple[Hashable, str]]]:
    """Return the fingerprints of a stream of encoded faces; only they are kept in memory.

    Args:
        faces: key and encoded image of each.
        most: most fingerprints to return.

    Returns:
        The keys of the readable faces, their fingerprints in the same order, and (key, reason) of
        each face that cannot be decoded.
    """
    faces = iter(faces)
    thumbs = np.empty((most, SIDE, SIDE), np.uint8)
    sizes = np.empty((most, 2), np.int32)
    keys: list[Hashable] = []
    digests: list[bytes] = []
    bad: list[tuple[Hashable, str]] = []
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        while chunk := list(itertools.islice(faces, AT_ONCE)):
            results = pool.map(_fingerprint, [encoded for _, encoded in chunk])
            for (key, _), result in zip(chunk, results, strict=True):
                if isinstance(result, str):
                    bad.append((key, result))
                    continue
                thumbs[len(keys)], digest, sizes[len(keys)] = result
                keys.append(key)
                digests.append(digest)
    return keys, Fingerprints(thumbs[: len(keys)], digests, sizes[: len(keys)]), bad


def _digest(encoded: bytes) -> bytes:
    return hashlib.blake2b(encoded, digest_size=16).digest()


def _fingerprint(encoded: bytes) -> tuple[np.ndarray, bytes, tuple[int, int]] | str:
    """Return grey picture, digest and size of an image, or why it cannot be read."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(encoded)) as image:
            size = image.size
            image.draft("L", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded no larger than needed
            grey = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return str(error) or type(error).__name__
    return np.asarray(grey), _digest(encoded), size


@dataclass(frozen=True)
class ReadFaces:
    """The readable faces of prepared folders.

    Args:
        table: N rows: the manifests' columns, and `folder`, the number of the folder.
        prints: N fingerprints.
        unreadable: faces and shards that could not be read.
    """

    table: pd.DataFrame
    prints: Fingerprints
    unreadable: list[Skipped]


def read_faces(data: PreparedData, splits: Sequence[str] = SPLITS) -> ReadFaces:
    """Read all faces once, in the order of folders and records; a bad one costs no other.

    Args:
        data: prepared folders.
        splits: only the faces of these.

    Raises:
        DataError: no face can be read at all.
    """
    unreadable: list[Skipped] = []
    parts = [folder.rows(*splits).assign(folder=k) for k, folder in enumerate(data.folders)]
    rows = pd.concat(parts, ignore_index=True)
    faces = itertools.chain.from_iterable(
        readable(folder.records(*splits), unreadable) for folder in data.folders
    )
    numbered = enumerate(progress(faces, total=len(rows), label="reading faces"))
    there = ((number, face) for number, face in numbered if face is not None)
    numbers, prints, bad = fingerprint_all(there, len(rows))
    for number, why in bad:
        folder = data.folders[rows["folder"][number]]
        unreadable.append(Skipped(str(folder.path / rows["path"][number]), why))
    missing = len(rows) - len(numbers) - len(bad)
    if missing:
        unreadable.append(Skipped("manifest.csv", f"{missing:,} rows have no readable record"))
    if not numbers:
        where = unreadable[0].path if unreadable else f"no rows of {', '.join(splits)}"
        raise DataError(f"No face can be read. Received: {where}")
    return ReadFaces(rows.iloc[numbers].reset_index(drop=True), prints, unreadable)


def readable(records: Records, unreadable: list[Skipped]) -> Iterator[bytes | None]:
    """Yield each face, None in the place of one that is damaged; a bad one costs no other.

    Args:
        records: the faces.
        unreadable: their shards and reasons are added here, once for faces side by side.
    """
    for number in range(len(records)):
        try:
            yield records.read([number])[0]
        except DataError as error:
            shard = Skipped(str(records.shards[records.shard[number]]), str(error))
            if shard not in unreadable[-1:]:
                unreadable.append(shard)
            yield None


def training_images(
    data: PreparedData, before: Mapping[str, Any] | None = None, from_start: bool = False
) -> dict[str, Any]:
    """Return what a model's card remembers of the images it learns from, as plain JSON values.

    Args:
        data: prepared data, whose training part is read.
        before: what the model it starts from remembers.
        from_start: whether it starts from a model, whatever that remembers.

    Returns:
        `digests`, and `complete`: False where the model has seen images that are not in them.
    """
    known = set(_digests(before))
    complete = not from_start or bool(known and before.get("complete"))
    if len(data.rows("train")) + len(known) > MOST_IMAGES:
        return {"digests": "", "complete": False}
    for folder in data.folders:
        faces = readable(folder.records("train"), [])
        known |= {digest_of(encoded) for encoded in faces if encoded is not None}
    return {"digests": base64.b64encode(b"".join(sorted(known))).decode(), "complete": complete}


def faces_seen(
    remembered: Mapping[str, Any] | None, data: PreparedData, split: str
) -> set[tuple[int, str]] | None:
    """Return folder and path of the faces of a part that a model was trained on.

    Only the very images are recognised, as `prepare` stored them: not other sizes or crops.

    Args:
        remembered: of `training_images`, or None.
        data: prepared data.
        split: its part.

    Returns:
        None where the model remembers nothing.
    """
    known = set(_digests(remembered))
    if not known:
        return None
    return {
        (k, path)
        for k, folder in enumerate(data.folders)
        for path, encoded in zip(
            folder.rows(split)["path"], readable(folder.records(split), []), strict=True
        )
        if encoded is not None and digest_of(encoded) in known
    }


def _digests(remembered: Mapping[str, Any] | None) -> list[bytes]:
    try:
        joined = base64.b64decode((remembered or {}).get("digests", ""), validate=True)
        return [row.tobytes() for row in np.frombuffer(joined, f"V{DIGEST_BYTES}")]
    except (AttributeError, TypeError, ValueError):
        return []  # a card is anybody's to write
