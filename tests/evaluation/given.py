"""What the tests of evaluation, export and their commands are given: a tiny model, small data."""

import keras
import numpy as np
import pandas as pd
from PIL import Image

from keras_dldl.faces.face import Face
from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model
from tests.prepared_folders import write_folder

SIZE = 32


def tiny_model(grid=None, seed=3, backbone="tiny-age-net"):
    """An untrained model whose answers nevertheless differ from image to image and mirror image."""
    keras.utils.set_random_seed(seed)
    model = build_model(backbone, grid or LabelGrid.age(), input_size=SIZE)
    head = model.get_layer("logits")
    kernel, bias = head.get_weights()
    head.set_weights([kernel * 20, np.random.default_rng(seed).normal(size=bias.shape)])
    return model


def mini_model(grid=None, seed=3):
    """The same of two convolutions, for tests in which `mini_backbone` is among the backbones."""
    return tiny_model(grid, seed, "mini")


def noise(count, size=SIZE, seed=0):
    """(count, size, size, 3) uint8 images in blocks of 4 x 4 pixels, which survive JPEG."""
    small = np.random.default_rng(seed).integers(0, 256, (count, size // 4, size // 4, 3), np.uint8)
    return small.repeat(4, axis=1).repeat(4, axis=2)


def manifest(count, seed=0):
    """Rows with a sigma here and there, a gap in `gender`, and a column named like one of ours."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "path": [f"faces/{seed}-{i}.png" for i in range(count)],
            "label": np.round(random.uniform(0, 100, count), 1),
            "sigma": np.where(
                np.arange(count) % 3, np.round(random.uniform(1, 8, count), 1), np.nan
            ),
            "subject": [f"person {i}" for i in range(count)],
            "gender": ["female", "male", None][:3] * (count // 3) + ["male"] * (count % 3),
            "value": random.integers(0, 3, count),
        }
    )
    return rows.astype({"gender": object})


def write_prepared(folder, counts, seed=0, others=None):
    """Write a folder as `prepare` does, with `counts` rows of each split; return images by path.

    `others` are images by path that take the place of noise.
    """
    images, parts = {}, []
    for k, (split, count) in enumerate(counts.items()):
        rows = manifest(count, seed=10 * seed + k).assign(split=split, face="found")
        rows.loc[0, "face"] = "whole"
        images |= dict(zip(rows["path"], noise(count, seed=100 * seed + k), strict=True))
        parts.append(rows)
    images |= others or {}
    facts = {"source": "csv", "root": "/images", "whole": len(counts)}
    write_folder(folder, pd.concat(parts, ignore_index=True), images.values(), size=SIZE, **facts)
    return images


def write_images(folder, count, seed=0, size=48):
    """Write a manifest and its images; return the rows."""
    rows = manifest(count, seed)
    (folder / "images" / "faces").mkdir(parents=True)
    for path, image in zip(rows["path"], noise(count, size, seed), strict=True):
        Image.fromarray(image).save(folder / "images" / path)
    rows.to_csv(folder / "manifest.csv", index=False)
    return rows


def run_in_process(monkeypatch):
    """Have exports read again in this process, which saves the start of another one."""
    import tensorflow as tf

    from keras_dldl.export import saved_model

    def run(folder, batches):
        serve = tf.saved_model.load(str(folder))
        outputs = [serve.signatures["images"](images=tf.constant(b)) for b in batches]
        return [{name: array.numpy() for name, array in one.items()} for one in outputs]

    monkeypatch.setattr(saved_model, "run_alone", run)


class FixedDetector:
    """Finds one face at a fixed place in every image that is not black."""

    landmarks = np.array([[16, 18], [30, 18], [23, 26], [17, 33], [29, 33]], np.float32)

    def detect(self, images):
        face = Face((8.0, 8.0, 32.0, 32.0), self.landmarks, 0.99)
        return [[face] if image.any() else [] for image in images]
