"""Prepared folders as `prepare` writes them, of given rows and faces."""

from pathlib import Path

import numpy as np
import pandas as pd

from keras_dldl.data.prepared import FACES, ShardFacts, write_prepared
from keras_dldl.data.records import encode_jpeg, write_shard
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid


def write_folder(folder, rows, faces, *, shards=None, size=32, grid=None, **facts):
    """Write a prepared folder; return it.

    Args:
        folder: where.
        rows: a frame with `path`, `label`, `split` and so on.
        faces: an image array or an encoded image for each row.
        shards: how many faces lie in each shard; default: all in one.
        size: side of the faces.
        grid: of the labels; default: ages.
        facts: further content of the index.
    """
    folder, first, places, written = Path(folder), 0, [], {}
    shards = shards or [len(rows)]
    encoded = [face if isinstance(face, bytes) else encode_jpeg(np.asarray(face)) for face in faces]
    for k, count in enumerate(shards):
        name = f"{k:05d}-of-{len(shards):05d}.tfrecord"
        part = write_shard(encoded[first : first + count], folder / FACES / name)
        paths = rows["path"].iloc[first : first + count]
        places += [(path, name, *place) for path, place in zip(paths, part, strict=True)]
        written[name] = ShardFacts.of_file(folder / FACES / name, count)
        first += count
    columns = ["path", "shard", "offset", "bytes"]
    described = {
        "source": "synthetic",
        "root": ".",
        "grid": (grid or LabelGrid.age()).get_config(),
        "size": size,
        "alignment": Alignment().get_config(),
    }
    write_prepared(
        folder, rows, pd.DataFrame(places, columns=columns), written, {**described, **facts}
    )
    return folder


def write_shards(folder: Path, **counts: tuple[int, ...]) -> Path:
    """Write tiny faces, the brighter the older, in shards of train=(5, 4), val=(3,) and so on."""
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


def content(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
