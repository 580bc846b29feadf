"""Prediction of many photos: the light engine with threads, against the plain loop over Keras.

    python benchmarks/predict_many.py [--root FOLDER] [--count 200] [--workers 2] [--rounds 3]

The loop calls `predict_age` photo by photo; the three other ways take the list. All run in
turn in one process, several rounds; ratios are taken within a round, because timings drift. The
values of the roads are compared, too. Without a folder the faces are drawn.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    """Print images a second of each way, its ratio to the loop, and how far values differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, help="folder of images; default: drawn faces")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = chosen(args.root, args.count) if args.root else drawn(Path(folder), args.count)
        compare(photos, args.workers, args.rounds)


def compare(photos: list[str], workers: int, rounds: int) -> None:
    """Time all ways in turn."""
    ways = {
        "loop, keras": lambda: [predicted([photo], "keras", 1)[0] for photo in photos],
        "list, keras": lambda: predicted(photos, "keras", 1),
        "list, litert": lambda: predicted(photos, "litert", 1),
        f"list, litert, {workers} workers": lambda: predicted(photos, "litert", workers),
    }
    for engine in ("keras", "litert"):
        predicted(photos[:2], engine, 1)  # networks loaded, graphs traced
    ratios = {name: [] for name in ways}
    values = {}
    for _ in range(rounds):
        seconds = {}
        for name, way in ways.items():
            begin = time.perf_counter()
            values[name] = way()
            seconds[name] = time.perf_counter() - begin
        for name, spent in seconds.items():
            ratios[name].append(seconds["loop, keras"] / spent)
        print("   ".join(f"{name} {len(photos) / spent:.1f}/s" for name, spent in seconds.items()))
    for name in ways:
        print(f"{name}: {statistics.median(ratios[name]):.2f} times the loop")
    differences(values["list, keras"], values["list, litert"])


def predicted(photos: list[str], engine: str, workers: int) -> list:
    """Return the predictions of a list of photos."""
    from keras_dldl import predict_age

    batch = 32 if workers == 1 else 16
    return predict_age(photos, engine=engine, workers=workers, batch_size=batch)


def differences(heavy: list, light: list) -> None:
    """Print how far values and boxes of both roads are from each other."""
    pairs = [
        (a, b)
        for a, b in zip(heavy, light, strict=True)
        if isinstance(a, float) and isinstance(b, float)
    ]
    values = sorted(abs(a.value - b.value) for a, b in pairs)
    boxes = max(abs(x - y) for a, b in pairs for x, y in zip(a.box, b.box, strict=True))
    other = sum(type(a) is not type(b) for a, b in zip(heavy, light, strict=True))
    print(
        f"{len(pairs)} faces: values differ by {sum(values) / len(values):.2g} years in the mean, "
        f"{values[-1]:.2g} at most, boxes by {boxes:.2g} pixels; {other} photos found by one only"
    )


def chosen(root: Path, count: int) -> list[str]:
    """Return pictures of the folder, spread over it."""
    from keras_dldl._utils.photos import photo_paths

    paths = photo_paths([root])
    return paths[:: max(1, len(paths) // count)][:count]


def drawn(folder: Path, count: int) -> list[str]:
    """Return files of drawn faces."""
    from PIL import Image

    from keras_dldl.data.synthetic import draw_faces

    for k, face in enumerate(draw_faces(count, size=200)):
        Image.fromarray(face.image).save(folder / f"{k:04d}.jpg")
    return [str(path) for path in sorted(folder.iterdir())]


if __name__ == "__main__":
    main()
