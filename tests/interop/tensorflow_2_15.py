"""Checks an exported model, and the rotation of faces, in TensorFlow 2.15 with tensorflow-addons.

    python tests/interop/tensorflow_2_15.py FOLDER [--python PYTHON]

tensorflow-addons 0.23, its last release, does not import beside Keras 3, so an environment of their
own is built in FOLDER/venv (Python 3.10 or 3.11, half a gigabyte from PyPI; kept for the next run).
This process exports the shipped model and computes the expected numbers; the other one reads the
export and compares. It is run on demand; what it last printed stands in docs/serving.md and
docs/data.md. It ends with status 1 where a difference is over its tolerance.
"""

import argparse
import math
import os
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = ("tensorflow-cpu==2.15.1", "tensorflow-addons==0.23.0", "numpy<2")
FACES = 16
ANGLES = (-30.0, -11.0, 0.5, 11.0, 45.0)  # degrees
# What may differ at most. Years: convolutions summed in another order. Levels, of 0 ... 255:
# bilinear interpolation at coordinates in float32, between pixels up to 255 levels apart.
TOLERANCES = {"images": 1e-3, "images_float": 1e-3, "serving_default": 1e-3, "rotation": 0.05}


def main() -> int:
    """Build the environment, write what it is given, run it, and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for the environment and the files")
    parser.add_argument("--python", default="python3.11", help="Python 3.10 or 3.11")
    given = parser.parse_args()
    python = build_environment(given.folder / "venv", given.python)
    write_expected(given.folder)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    environment.pop("PYTHONPATH", None)
    command = [python, __file__, "--referee", given.folder]
    return subprocess.run(list(map(str, command)), env=environment).returncode


def build_environment(folder: Path, python: str) -> Path:
    """Return the Python of the environment in `folder`, which is built where it is missing."""
    inside = folder.absolute() / "bin" / "python"  # not resolved: the link is what makes it one
    stamp = folder / "installed"
    if not stamp.is_file() or stamp.read_text() != repr(REQUIREMENTS):
        subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(inside), "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        stamp.write_text(repr(REQUIREMENTS))
    return inside


def write_expected(folder: Path) -> None:
    """Export the shipped model into `folder`, and write inputs and the numbers expected."""
    import numpy as np

    from keras_dldl.data.synthetic import draw_faces
    from keras_dldl.export import export_model
    from keras_dldl.export.parity import keras_outputs
    from keras_dldl.models import load_model

    model = load_model("tiny-age")
    export_model(model, "saved-model", folder / "model", force=True)
    faces = [face.image for face in draw_faces(FACES, seed=15, size=model.input_size)]
    faces = np.stack(faces)
    expected = keras_outputs(model, faces, mirror=True)
    np.savez(folder / "given.npz", faces=faces, rotated=rotated(faces), **expected)


def rotated(faces):
    """Return the faces turned to the right by each angle, by the functions that augment them."""
    import numpy as np
    import tensorflow as tf

    from keras_dldl.data.augment import geometry
    from keras_dldl.data.augment import tensorflow_ops as ops

    def turned(degrees):
        still = {"mirrored": 0, "shear": 0, "zoom": 1, "dx": 0, "dy": 0, "crop": 1}
        still |= {"crop_x": 0.5, "crop_y": 0.5, "angle": math.radians(degrees)}
        draws = {name: tf.fill([len(faces)], float(value)) for name, value in still.items()}
        sides = tf.fill([len(faces)], float(faces.shape[1]))
        return geometry.warp(ops, faces, geometry.fused(ops, draws), sides).numpy()

    return np.stack([turned(degrees) for degrees in ANGLES])


def referee(folder: Path) -> int:
    """Compare in the other environment; print versions and largest differences."""
    import keras
    import numpy as np
    import tensorflow as tf
    import tensorflow_addons as tfa

    versions = {"TensorFlow": tf, "Keras": keras, "tensorflow-addons": tfa, "NumPy": np}
    named = ", ".join(f"{name} {module.__version__}" for name, module in versions.items())
    print(f"Python {sys.version.split()[0]}, {named}")
    with np.load(folder / "given.npz") as arrays:
        given = dict(arrays)
    found = {**compare_model(folder / "model", given), **compare_rotation(given)}
    for name, (difference, what) in found.items():
        verdict = "ok" if difference <= TOLERANCES[name] else "TOO LARGE"
        print(
            f"{name:16} at most {difference:.2g} {what} (allowed {TOLERANCES[name]:g}): {verdict}"
        )
    return int(any(not difference <= TOLERANCES[name] for name, (difference, _) in found.items()))


def compare_model(folder: Path, given) -> dict[str, tuple[float, str]]:
    """Return for each signature the largest difference in value, std or a probability."""
    import numpy as np
    import tensorflow as tf

    model = tf.saved_model.load(str(folder))
    files = tf.stack([tf.io.encode_png(face) for face in given["faces"]])
    inputs = {
        "images": {"images": tf.constant(given["faces"])},
        "images_float": {"images": tf.constant(given["faces"], tf.float32)},
        "serving_default": {"image_bytes": files},
    }
    found = {}
    for name, tensors in inputs.items():
        outputs = model.signatures[name](**tensors)
        largest = max(
            np.abs(outputs[key] - given[key]).max() for key in ("value", "std", "distribution")
        )
        found[name] = (float(largest), f"years over {len(given['faces'])} drawn faces")
    return found


def compare_rotation(given) -> dict[str, tuple[float, str]]:
    """Return the largest difference of a pixel from `tfa.image.rotate`."""
    import numpy as np
    import tensorflow as tf
    import tensorflow_addons as tfa

    faces = tf.constant(given["faces"], tf.float32)
    largest = 0.0
    for degrees, ours in zip(ANGLES, given["rotated"], strict=True):
        theirs = tfa.image.rotate(  # to the left, where ours turns to the right
            faces, -math.radians(degrees), interpolation="bilinear", fill_mode="nearest"
        )
        largest = max(largest, float(np.abs(theirs.numpy() - ours).max()))
    return {"rotation": (largest, f"levels over angles {', '.join(f'{a:g}' for a in ANGLES)}")}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--referee"]:
        sys.exit(referee(Path(sys.argv[2])))
    sys.exit(main())
