"""What is kept of a face to find it again: a small grey picture, a digest, its size."""

import hashlib
import io
import itertools
import os
from collections.abc import Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

SIDE = 32
AT_ONCE = 256
MOST_THREADS = 8


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
    thumbs = np.empty((most, SIDE, SIDE), np.uint8)
    sizes = np.empty((most, 2), np.int32)
    keys: list[Hashable] = []
    digests: list[bytes] = []
    bad: list[tuple[Hashable, str]] = []
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        for chunk in _chunks(faces):
            results = pool.map(_fingerprint, [encoded for _, encoded in chunk])
            for (key, _), result in zip(chunk, results, strict=True):
                if isinstance(result, str):
                    bad.append((key, result))
                    continue
                thumbs[len(keys)], digest, sizes[len(keys)] = result
                keys.append(key)
                digests.append(digest)
    return keys, Fingerprints(thumbs[: len(keys)], digests, sizes[: len(keys)]), bad


def _chunks(faces: Iterable) -> Iterator[list]:
    faces = iter(faces)
    while chunk := list(itertools.islice(faces, AT_ONCE)):
        yield chunk


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
    return np.asarray(grey), hashlib.blake2b(encoded, digest_size=16).digest(), size
