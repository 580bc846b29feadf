"""Drawn faces, for the demo, for tests, and for a first try without any data."""

from pathlib import Path

from keras_dldl._utils import files
from keras_dldl._utils.progress import progress
from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.errors import ConfigError


class SyntheticSource(Source):
    """Faces drawn by `data.synthetic`; `read` draws those that are not yet there.

    Args:
        count: number of faces, at least 10.
        seed: another seed, other faces.
        image_size: side of the drawn pictures in pixels.
    """

    name = "synthetic"
    summary = "drawn faces (no data needed): --count, --seed"
    licence = "free: this package draws them"
    options = ("count", "seed")
    draws_root = True

    def __init__(self, count: int = 1000, seed: int = 0, image_size: int = 160):
        if count < 10:
            raise ConfigError(f"`count` must be at least 10 faces. Received: count={count}")
        self.count, self.seed, self.image_size = count, seed, image_size

    def read(self, root: Path) -> SourceRows:
        """Draw into `root` and return a row a face."""
        from PIL import Image

        from keras_dldl.data.synthetic import draw_faces

        rows = []
        faces = draw_faces(self.count, seed=self.seed, size=self.image_size)
        for i, face in enumerate(progress(faces, total=self.count, label="drawing faces")):
            name = f"synthetic-{self.seed}-{i:06d}.png"
            if not (root / name).exists():
                with files.atomic_path(root / name) as temporary:
                    Image.fromarray(face.image).save(temporary)
            label = round(float(face.age), 2)
            rows.append(
                {"path": name, "label": label, "gender": face.gender, "database": self.name}
            )
        return SourceRows.from_dicts(rows)
