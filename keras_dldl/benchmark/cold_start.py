"""Cold starts of `keras-dldl predict PHOTO`, each in processes of its own."""

import os
import statistics
import subprocess  # noqa: S404
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from keras_dldl.interpreters import is_installed

ENGINES = ("litert", "keras")
ROOT = Path(__file__).parents[2]
# A parent that has loaded nothing: what its child takes is then the child's alone.
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
sys.exit(done.stderr) if done.returncode else print(
    used.ru_utime + used.ru_stime, used.ru_maxrss * unit / 1e6, done.stdout.split(":")[1].split()[0]
)
"""


class Start(NamedTuple):
    """Seconds by the clock and of the processor, megabytes at most, and the value estimated."""

    seconds: float
    processor: float
    megabytes: float
    value: str


def measured(rounds: int) -> dict[str, Any]:
    """Return the medians of interleaved cold starts on a drawn face, by engine.

    Empty where the system does not tell what a process has taken (Windows).
    """
    try:
        import resource  # noqa: F401
    except ImportError:
        return {}
    engines = [engine for engine in ENGINES if engine == "keras" or is_installed(engine)]
    with tempfile.TemporaryDirectory() as folder:
        photo = drawn_face(Path(folder))
        for engine in engines:
            started(photo, engine)  # files in the system's memory, networks in the cache
        found = [{engine: started(photo, engine) for engine in engines} for _ in range(rounds)]
    return {
        engine: {
            name: statistics.median(getattr(one[engine], name) for one in found)
            for name in ("seconds", "processor", "megabytes")
        }
        for engine in engines
    }


def started(photo: str, engine: str) -> Start:
    """Predict on a photo in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", "keras_dldl.cli.main", "predict", photo, "--engine", engine]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - begin
    processor, megabytes, value = done.stdout.split()
    return Start(seconds, float(processor), float(megabytes), value)


def drawn_face(folder: Path) -> str:
    """Write a drawn face into a folder, and return the file."""
    import numpy as np
    from PIL import Image

    from keras_dldl.data.synthetic import draw_face

    path = folder / "face.jpg"
    Image.fromarray(draw_face(40, np.random.default_rng(0), size=300).image).save(path)
    return str(path)
