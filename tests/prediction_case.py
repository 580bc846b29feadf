"""What the tests of prediction share: a fake detector, pictures for it, and a tiny random model."""

import numpy as np

from keras_dldl.faces.face import Face
from keras_dldl.labels import LabelGrid

TEMPLATE = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.55], [0.35, 0.75], [0.65, 0.75]])


SIZE = 32


def random_model(grid=None, **options):
    """Return an untrained model, always the same, whose answers differ from face to face."""
    from keras_dldl.models import build_model

    model = build_model("tiny-age-net", grid or LabelGrid.age(), input_size=SIZE, **options)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        weights = layer.get_weights()
        if weights and weights[0].ndim == 4:
            scale = np.sqrt(2 / weights[0][..., 0].size)
            layer.set_weights([rng.normal(0, scale, weights[0].shape)])
    head = model.get_layer("logits")
    head.set_weights([rng.normal(0, 0.3, weights.shape) for weights in head.get_weights()])
    return model


def picture(faces: int, seed: int = 0, width: int = 120, height: int = 60) -> np.ndarray:
    """Return noise in which `FakeDetector` finds so many faces."""
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image[0, 0] = faces
    return image


class FakeDetector:
    """Finds `image[0, 0, 0]` faces side by side, the middle one of three the largest."""

    def __init__(self):
        self.calls = []

    def detect(self, images: list[np.ndarray]) -> list[list[Face]]:
        self.calls.append(len(images))
        return [_faces(image[0, 0, 0], image.shape[1]) for image in images]


def _faces(count: int, width: int) -> list[Face]:
    step = min(30.0, (width - 30) / max(count, 1))
    return [_face(k, step) for k in range(count)]


def _face(k: int, step: float) -> Face:
    x, y, side = 5.0 + step * k, 10.0, 20.0 + (5 if k == 1 else 0)
    return Face((x, y, side, side), TEMPLATE * side + (x, y), 0.9 + 0.1 * k / (k + 9))
