"""A cold start of `keras-dldl predict PHOTO` without TensorFlow, against the same with it.

    python benchmarks/cold_start.py [PHOTO] [--rounds 5]

Both run in turn, in processes of their own; the ratios are taken within a round, because timings
drift. The time of the processor (user and system) tells more than the clock on a busy machine.
Without a photo a face is drawn.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGINES = ("litert", "keras")
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
sys.exit(done.stderr) if done.returncode else print(
    used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, done.stdout.split(":")[1].split()[0])
"""


def main() -> None:
    """Print both roads' seconds, megabytes and value, their ratios, and the median ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", nargs="?", help="default: a drawn face")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo = args.photo or drawn_face(Path(folder))
        for engine in ENGINES:
            started(photo, engine)  # files in the system's memory, networks in the cache
        rounds = [
            {engine: started(photo, engine) for engine in ENGINES} for _ in range(args.rounds)
        ]
    for one in rounds:
        print("   ".join(f"{engine} {text(*one[engine])}" for engine in ENGINES))
    for name, k in (("clock", 0), ("processor", 1), ("memory", 2)):
        ratios = [one["keras"][k] / one["litert"][k] for one in rounds]
        print(f"{name}: keras takes {statistics.median(ratios):.1f} times as much as litert")


def started(photo: str, engine: str) -> tuple[float, float, float, str]:
    """Return seconds by the clock and of the processor, megabytes at most, and the value."""
    command = [sys.executable, "-m", "keras_dldl.cli.main", "predict", photo, "--engine", engine]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    processor, megabytes, value = done.stdout.split()
    return seconds, float(processor), float(megabytes), value


def text(seconds: float, processor: float, megabytes: float, value: str) -> str:
    """Return a measurement as a few words."""
    return f"{seconds:5.2f} s, processor {processor:5.2f} s, {megabytes:4.0f} MB, {value} years"


def drawn_face(folder: Path) -> str:
    """Return the file of a drawn face."""
    import numpy as np
    from PIL import Image

    from keras_dldl.data.synthetic import draw_face

    path = folder / "face.jpg"
    Image.fromarray(draw_face(40, np.random.default_rng(0), size=300).image).save(path)
    return str(path)


if __name__ == "__main__":
    main()
