"""Which images a model was trained on, as its file remembers it: short digests, no pictures."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_dldl.data.leaks.reading import readable
from keras_dldl.data.prepared import PreparedData

DIGEST_BYTES = 5  # of 100,000 images and as many others, one in a hundred is taken for another
MOST_IMAGES = 100_000  # about 670 kB in the file; of more, none are kept


def digest_of(encoded: bytes) -> bytes:
    """Return what is remembered of an encoded image, as `prepare` stored it."""
    return hashlib.blake2b(encoded, digest_size=16).digest()[:DIGEST_BYTES]


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
