"""Time of all that `evaluate` does beside forward passes: numbers, intervals, tests, the report.

    python benchmarks/report.py [--count 10000] [--out DIR]

Predictions and faces are drawn: two models with errors of some 5 years, faces of 112 pixels with
the columns gender, race, database and subject (two faces a person, so that people are drawn). The
forward passes and the reading of images are left out, and so is the leak check.
"""

import argparse
import os
import resource
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd

PREDICTED = 15  # seconds for 10,000 faces, said before the first measurement
BATCH = 64


def main() -> None:
    """Draw faces and predictions, and print the seconds of each step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--out", help="keep the files here")
    args = parser.parse_args()
    import matplotlib.figure  # noqa: F401 - imports are no part of the work
    import scipy.stats  # noqa: F401

    import keras_dldl.evaluation  # noqa: F401
    from keras_dldl.labels import LabelGrid

    grid, rows = LabelGrid.age(), drawn_rows(args.count)
    label = rows["label"].to_numpy()
    image, mirror, other = (drawn(label, grid, seed) for seed in range(3))
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = timed(rows, grid, image, mirror, other, args.out or folder)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{args.count:,} faces in {wall:.1f} s, {processor:.1f} s of processor, "
        f"most memory {most:.0f} MB"
    )
    print(f"predicted for 10,000: {PREDICTED} s; the limit is 60 s")


def timed(rows, grid, image, mirror, other, out: str) -> tuple[float, float]:
    """Do the work, print the seconds of its steps and return their sums."""
    from keras_dldl.evaluation import Evaluation
    from keras_dldl.evaluation.assess import assess
    from keras_dldl.evaluation.decoding import decode
    from keras_dldl.evaluation.groups import grouping_columns
    from keras_dldl.evaluation.predicting import Views

    clock = Clock()
    value, _ = decode((image + mirror) / 2, grid)
    pictures = kept_faces(np.abs(value - rows["label"].to_numpy()))
    clock.tell("keeping the worst and the best faces")
    views = Views(range(len(rows)), image, mirror, pictures)
    metrics, predictions = assess(
        rows,
        views,
        grid,
        columns=grouping_columns(rows),
        origins=rows["database"].to_numpy(object),
        other=decode(other, grid)[0],
    )
    metrics |= facts(grid, len(rows))
    clock.tell("numbers, intervals, paired tests")
    Evaluation(metrics, predictions, pictures).save(out)
    clock.tell("figures, page, files")
    return clock.wall, clock.processor


class Clock:
    """Seconds of steps, on the wall and of the processor: on a busy machine the two differ."""

    def __init__(self):
        self.wall = self.processor = 0.0
        self._begin = time.perf_counter(), time.process_time()

    def tell(self, step: str) -> None:
        """Print how long a step took that has just ended."""
        now = time.perf_counter(), time.process_time()
        wall, processor = (b - a for a, b in zip(self._begin, now, strict=True))
        print(f"  {wall:5.1f} s, {processor:5.1f} s of processor  {step}")
        self.wall, self.processor = self.wall + wall, self.processor + processor
        self._begin = now


def drawn_rows(count: int) -> pd.DataFrame:
    """Return a manifest's rows."""
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "path": [f"{i}.jpg" for i in range(count)],
            "label": np.round(random.uniform(0, 99, count)),
            "split": "test",
            "subject": [f"person {i // 2}" for i in range(count)],
            "gender": random.choice(["female", "male"], count),
            "race": random.choice(["asian", "black", "indian", "other", "white"], count),
            "database": random.choice(["first", "second", "third"], count),
        }
    )


def drawn(label: np.ndarray, grid, seed: int) -> np.ndarray:
    """Return (N, K) distributions of some 5 years around values that miss by as much."""
    random = np.random.default_rng(seed)
    centre = label + random.normal(0, 5, len(label))
    mass = np.exp(-0.5 * ((grid.labels64[None, :] - centre[:, None]) / 5) ** 2)
    return mass / mass.sum(axis=1, keepdims=True)


def kept_faces(error: np.ndarray):
    """Let batches of noise pass, as the faces of an evaluation do; return what was kept."""
    from keras_dldl.evaluation.predicting import Extremes

    faces = np.random.default_rng(0).integers(0, 256, (BATCH, 112, 112, 3)).astype(np.float32)
    extremes = Extremes()
    for first in range(0, len(error), BATCH):
        part = error[first : first + BATCH]
        extremes.add(range(first, first + len(part)), faces[: len(part)], part)
    return extremes.pictures()


def facts(grid, count: int) -> dict:
    """Return what an evaluation says besides its numbers."""
    from keras_dldl.evaluation.evaluate import versions

    model = {
        "name": "drawn",
        "sha256": "0" * 64,
        "backbone": "none",
        "method": {"name": "dldl-v2", "options": {}},
        "grid": grid.get_config(),
    }
    return {
        "detection": None,
        "unreadable": [],
        "task": grid.task,
        "input_size": 112,
        "parameters": 0,
        "model": model,
        "against_model": model,
        "data": {"kind": "prepared", "folders": ["drawn"], "split": "test", "rows": count},
        "leak_check": {"checked": False, "reason": "the faces are drawn"},
        "versions": versions(),
    }


if __name__ == "__main__":
    main()
