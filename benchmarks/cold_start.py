"""A cold start of `keras-dldl predict PHOTO` without TensorFlow, against the same with it.

    python benchmarks/cold_start.py [PHOTO] [--rounds 5]

Both run in turn, in processes of their own; the ratios are taken within a round, because timings
drift. The time of the processor (user and system) says more than the clock on a busy machine.
Without a photo a face is drawn.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from keras_dldl.benchmark.cold_start import ENGINES, Start, drawn_face, started


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
        print("   ".join(f"{engine} {text(one[engine])}" for engine in ENGINES))
    for name, field in (("clock", "seconds"), ("processor", "processor"), ("memory", "megabytes")):
        ratios = [getattr(one["keras"], field) / getattr(one["litert"], field) for one in rounds]
        print(f"{name}: keras takes {statistics.median(ratios):.1f} times as much as litert")


def text(start: Start) -> str:
    """Return a measurement as a few words."""
    return (
        f"{start.seconds:5.2f} s, processor {start.processor:5.2f} s, {start.megabytes:4.0f} MB, "
        f"{start.value} years"
    )


if __name__ == "__main__":
    main()
