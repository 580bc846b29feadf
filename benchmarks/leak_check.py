"""Time and memory of the leak check: many made-up fingerprints, and prepared data where given.

    python benchmarks/leak_check.py [--count 200000] [--copies 2000] [--data FOLDER ...]

The fingerprints are mixtures of two faces each (of the prepared data, or else drawn), with light
and texture of their own. Some get a copy that is moved, mirrored, lightened and noisy; the share
of copies found and the number of pairs that are none are printed besides.
"""

import argparse
import os
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np


def main() -> None:
    """Search made-up fingerprints; print seconds, faces a second, memory, recall, false pairs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--copies", type=int, default=2_000)
    parser.add_argument("--data", nargs="*", default=[], help="folders of prepared data")
    args = parser.parse_args()
    faces = real_faces(args.data) if args.data else drawn_faces()
    thumbs, truth = made_up(faces, args.count, args.copies)
    print(f"{len(thumbs):,} fingerprints, {megabytes():.0f} MB before the search")
    search(thumbs, truth)
    print(f"most memory {megabytes():.0f} MB")


def real_faces(folders: list[str]) -> np.ndarray:
    """Return the fingerprints of prepared data; print how fast they are read and searched."""
    from keras_dldl.data.leaks.fingerprints import read_faces
    from keras_dldl.data.leaks.search import find_pairs
    from keras_dldl.data.prepared import PreparedData

    begin = time.perf_counter()
    faces = read_faces(PreparedData(*folders))
    read = time.perf_counter()
    pairs = find_pairs(faces.prints, faces.table["split"].to_numpy(object))
    end = time.perf_counter()
    count = len(faces.prints)
    print(
        f"{count:,} faces of {', '.join(folders)}: read {count / (read - begin):.0f}/s, "
        f"searched {count / (end - read):.0f}/s, {len(pairs):,} pairs, {megabytes():.0f} MB"
    )
    return faces.prints.thumbs


def drawn_faces(count: int = 400) -> np.ndarray:
    """Return the fingerprints of drawn, aligned faces."""
    from keras_dldl.data.leaks.fingerprints import fingerprint_all
    from keras_dldl.data.records import encode_jpeg
    from keras_dldl.data.synthetic import draw_faces
    from keras_dldl.faces.alignment import Alignment

    align = Alignment().align
    drawn = (align(face.image, face.landmarks, 64) for face in draw_faces(count, size=96))
    faces = ((k, encode_jpeg(image)) for k, image in enumerate(drawn))
    return fingerprint_all(faces, count)[1].thumbs


def made_up(faces: np.ndarray, count: int, copies: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (count + copies, 32, 32) uint8, and (copies,) which of them each copy is of."""
    random = np.random.default_rng(0)
    thumbs = np.empty((count + copies, 32, 32), np.uint8)
    for first in range(0, count, 4096):
        part = thumbs[first : min(first + 4096, count)]
        a, b = (faces[random.integers(0, len(faces), len(part))].astype(np.float32) for _ in "ab")
        share = random.uniform(0.2, 0.8, (len(part), 1, 1)).astype(np.float32)
        part[:] = np.clip(share * a + (1 - share) * b + texture(random, len(part)), 0, 255)
    truth = random.choice(count, copies, replace=False)
    thumbs[count:] = altered(thumbs[truth], random)
    return thumbs, truth


def texture(random: np.random.Generator, count: int) -> np.ndarray:
    """Return (count, 32, 32) light and dark of all sizes, which no two faces share."""
    result = np.zeros((count, 32, 32), np.float32)
    for side, strength in ((2, 20), (4, 12), (8, 8), (16, 5)):
        coarse = random.normal(0, strength, (count, side, side)).astype(np.float32)
        result += coarse.repeat(32 // side, axis=1).repeat(32 // side, axis=2)
    return result


def altered(thumbs: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return copies that are moved, mirrored (every other one), lightened and noisy."""
    from keras_dldl.data.leaks.likeness import _moved

    moves = random.uniform(-0.6, 0.6, (len(thumbs), 4)).astype(np.float32)
    copies = _moved(thumbs.astype(np.float32), moves)
    copies[::2] = copies[::2, :, ::-1]
    light = random.uniform(0.85, 1.15, (len(thumbs), 1, 1))
    return np.clip(copies * light + random.normal(0, 3, copies.shape), 0, 255).astype(np.uint8)


def search(thumbs: np.ndarray, truth: np.ndarray) -> None:
    """Search, and print how long it took and how much of the truth was found."""
    from keras_dldl.data.leaks.fingerprints import Fingerprints
    from keras_dldl.data.leaks.search import find_pairs, groups_of

    count = len(thumbs)
    digests = [k.to_bytes(8, "big") for k in range(count)]
    prints = Fingerprints(thumbs, digests, np.zeros((count, 2), np.int32))
    begin = time.perf_counter()
    pairs = find_pairs(prints, np.full(count, "train", object))
    seconds = time.perf_counter() - begin
    groups = groups_of(pairs, count)
    copies = np.arange(count - len(truth), count)
    recall = (groups[copies] == groups[truth]).mean()
    false = sum(
        b < copies[0] or truth[b - copies[0]] != a
        for a, b in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    )
    print(
        f"search {seconds:.0f} s, {count / seconds:.0f} faces/s; {100 * recall:.1f} % of "
        f"{len(truth):,} copies found, {false:,} other pairs"
    )


def megabytes() -> float:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
