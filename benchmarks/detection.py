"""Face detection in batches against the plain loop over `MTCNN().detect_faces`.

    python benchmarks/detection.py [--root FOLDER] [--count 192] [--rounds 3]

Without a folder the faces are drawn. Both ways run in turn in one process, several rounds; the
ratio is taken within a round, because timings drift. The boxes of both ways are compared.
"""

import argparse
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    """Time both ways and print images a second, the ratio of each round and its median."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, help="folder of images; default: drawn faces")
    parser.add_argument("--count", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    images = load(args.root, args.count)
    loop, batched = plain_loop(), batches()
    loop(images[:2]), batched(images[:32])  # networks loaded, graphs traced
    ratios = []
    for _ in range(args.rounds):
        slow, boxes = timed(loop, images)
        fast, ours = timed(batched, images)
        ratios.append(slow / fast)
        print(
            f"loop {len(images) / slow:6.1f}/s   batches {len(images) / fast:6.1f}/s   "
            f"ratio {slow / fast:.2f}   largest box differs in {differing(boxes, ours)} images"
        )
    print(f"median ratio {statistics.median(ratios):.2f} over {args.rounds} rounds")


def load(root: Path | None, count: int) -> list:
    """Return images from the folder, spread over it, or drawn faces of 200 pixels."""
    from keras_dldl.data.synthetic import draw_faces
    from keras_dldl.faces.images import read_image

    if root is None:
        return [face.image for face in draw_faces(count, size=200)]
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    return [read_image(path) for path in paths[:: max(1, len(paths) // count)][:count]]


def plain_loop():
    """Return a function that detects image by image, as the detector's own page shows."""
    from mtcnn import MTCNN

    detector = MTCNN()
    return lambda images: [
        max((face["box"] for face in detector.detect_faces(image)), key=area, default=None)
        for image in images
    ]


def batches():
    """Return a function that detects by this package's way, 32 images at a time."""
    from keras_dldl.faces import FaceDetector, largest

    detector = FaceDetector()

    def run(images):
        found = []
        for first in range(0, len(images), 32):
            found += [largest(faces) for faces in detector.detect(images[first : first + 32])]
        return [face and face.box for face in found]

    return run


def area(box) -> float:
    """Return the area of (x, y, width, height)."""
    return box[2] * box[3]


def differing(boxes: list, ours: list) -> int:
    """Count images in which both ways found a face and the boxes differ by over 1.5 pixels."""
    pairs = [(a, b) for a, b in zip(boxes, ours, strict=True) if a and b]
    return sum(max(abs(x - y) for x, y in zip(a, b, strict=True)) > 1.5 for a, b in pairs)


def timed(function, images) -> tuple[float, list]:
    """Return seconds and result of one call."""
    begin = time.perf_counter()
    result = function(images)
    return time.perf_counter() - begin, result


if __name__ == "__main__":
    main()
