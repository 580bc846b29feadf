"""Face detection in batches against the plain loop over `MTCNN().detect_faces`.

    python benchmarks/detection.py [--root FOLDER] [--count 192] [--rounds 3] [--prepare]

Without a folder the faces are drawn. Both ways run in turn in one process, several rounds; the
ratio is taken within a round, because timings drift. The boxes of both ways are compared. Then it
shows the parts of the time of aligning, and with `--prepare` the speed of complete `prepare` runs
by one and two worker processes, which start again for each.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    """Time both ways and print images a second, the ratio of each round and its median."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, help="folder of images; default: drawn faces")
    parser.add_argument("--count", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prepare", action="store_true", help="time complete runs of prepare too")
    args = parser.parse_args()
    photos = load(args.root, args.count)
    compare(photos, args.rounds)
    for _ in range(args.rounds):
        print("   ".join(f"{name} {share:.1%}" for name, share in shares(photos).items()))
    if args.prepare:
        for _ in range(args.rounds):
            (whole1, one), (whole2, two) = (prepared(photos, workers) for workers in (1, 2))
            print(
                f"prepare, 1 worker {one:.1f}/s   2 workers {two:.1f}/s   ratio {two / one:.2f}   "
                f"with the start {whole1:.1f}/s and {whole2:.1f}/s"
            )


def compare(photos: list[bytes], rounds: int) -> None:
    """Print the speed of both ways, and the ratio of each round and its median."""
    from keras_dldl.faces.images import read_image

    images = [read_image(photo) for photo in photos]
    loop, batched = plain_loop(), batches()
    loop(images[:2]), batched(images[:32])  # networks loaded, graphs traced
    ratios = []
    for _ in range(rounds):
        slow, boxes = timed(loop, images)
        fast, ours = timed(batched, images)
        ratios.append(slow / fast)
        print(
            f"loop {len(images) / slow:6.1f}/s   batches {len(images) / fast:6.1f}/s   "
            f"ratio {slow / fast:.2f}   largest box differs in {differing(boxes, ours)} images"
        )
    print(f"median ratio {statistics.median(ratios):.2f} over {rounds} rounds")


def load(root: Path | None, count: int) -> list[bytes]:
    """Return image files of the folder, spread over it, or drawn faces of 200 pixels as such."""
    from keras_dldl.data.records import encode_jpeg
    from keras_dldl.data.synthetic import draw_faces

    if root is None:
        return [encode_jpeg(face.image) for face in draw_faces(count, size=200)]
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    return [path.read_bytes() for path in paths[:: max(1, len(paths) // count)][:count]]


def shares(photos: list[bytes]) -> dict[str, float]:
    """Return the share of the time of each step from files to encoded crops of 224 pixels."""
    from keras_dldl.data.records import encode_jpeg
    from keras_dldl.faces import Alignment, largest
    from keras_dldl.faces.detectors.mtcnn import MTCNNDetector
    from keras_dldl.faces.images import read_image

    detector, alignment = MTCNNDetector(), Alignment()
    detector.detect([read_image(photos[0])])  # networks loaded
    seconds = dict.fromkeys(("reading", "detection", "warp", "encoding"), 0.0)

    def step(name, function, *lists):
        spent, result = timed(
            lambda items: [function(*item) for item in items], list(zip(*lists, strict=True))
        )
        seconds[name] += spent
        return result

    def cut(image, faces):
        face = largest(faces)
        return alignment.align(image, face.landmarks, 224) if face else alignment.whole(image, 224)

    for first in range(0, len(photos), 32):
        images = step("reading", read_image, photos[first : first + 32])
        (found,) = step("detection", detector.detect, [images])
        step("encoding", encode_jpeg, step("warp", cut, images, found))
    return {name: spent / sum(seconds.values()) for name, spent in seconds.items()}


def prepared(photos: list[bytes], workers: int) -> tuple[float, float]:
    """Return images a second of `prepare` in a new process: as a whole, and once it is running.

    It runs from the first of sixteen shards to the last one.
    """
    with tempfile.TemporaryDirectory() as folder:
        for k, photo in enumerate(photos):
            (Path(folder) / f"{k}.jpg").write_bytes(photo)
        rows = "".join(f"{k}.jpg,0\n" for k in range(len(photos)))
        (Path(folder) / "labels.csv").write_text("path,label\n" + rows)
        task = (Path(folder), workers, -(-len(photos) // 16))
        process = multiprocessing.get_context("spawn").Process(target=prepare_all, args=task)
        begin = time.perf_counter()
        process.start()
        process.join()
        if process.exitcode:
            raise RuntimeError(f"prepare failed. Received: exit status {process.exitcode}")
        whole = len(photos) / (time.perf_counter() - begin)
        shards = Path(folder, "out", "faces").glob("*.tfrecord")
        ends = sorted(path.stat().st_mtime for path in shards)
    return whole, len(photos) * (len(ends) - 1) / len(ends) / (ends[-1] - ends[0])


def prepare_all(folder: Path, workers: int, rows_per_shard: int) -> None:
    """Prepare the images of a folder, all of them as one split."""
    from keras_dldl.data.prepare import PrepareOptions, prepare, shards
    from keras_dldl.data.sources import CsvSource

    shards.ROWS_PER_SHARD = rows_per_shard
    options = PrepareOptions(workers=workers, val=0, test=0)
    prepare(CsvSource(folder / "labels.csv"), folder, folder / "out", options)


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
    from keras_dldl.faces import largest
    from keras_dldl.faces.detectors.mtcnn import MTCNNDetector

    detector = MTCNNDetector()

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
