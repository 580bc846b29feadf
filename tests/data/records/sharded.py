"""A prepared folder of tiny faces in several shards."""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.prepared_folders import write_folder


def write_shards(folder: Path, **counts: tuple[int, ...]) -> Path:
    """Write shards with so many faces each, such as train=(5, 4), val=(3,); return `folder`."""
    rng = np.random.default_rng(0)
    rows, faces = [], []
    for split, sizes in counts.items():
        for k, i in ((k, i) for k, size in enumerate(sizes) for i in range(size)):
            label = float(rng.integers(0, 101))
            face = rng.normal(40 + 1.5 * label, 20, (32, 32, 3))
            faces.append(np.clip(face, 0, 255).astype(np.uint8))
            rows.append((f"{split}/{k}-{i}.jpg", label, split, "found"))
    table = pd.DataFrame(rows, columns=["path", "label", "split", "face"])
    shards = [size for sizes in counts.values() for size in sizes]
    return write_folder(folder, table, faces, shards=shards)
