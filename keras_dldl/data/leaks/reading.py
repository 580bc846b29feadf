"""The faces of prepared folders as a table, with a fingerprint each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keras_dldl.data.leaks.fingerprints import Fingerprints, fingerprint_all
from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedData, PreparedFolder
from keras_dldl.data.records.tfrecord import read_shards
from keras_dldl.errors import DataError
from keras_dldl.progress import progress

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Unreadable:
    """A record, crop or shard that cannot be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class ReadFaces:
    """The readable faces of prepared folders.

    Args:
        table: N rows: the manifests' columns, and `folder`, the number of the folder.
        prints: N fingerprints.
        unreadable: what could not be read.
    """

    table: "pd.DataFrame"
    prints: Fingerprints
    unreadable: list[Unreadable]


def read_faces(data: PreparedData, splits: Sequence[str] = SPLITS) -> ReadFaces:
    """Read all faces once, in the order of folders, splits and records; a bad one costs no other.

    Args:
        data: prepared folders.
        splits: only the faces of these.

    Raises:
        DataError: no face can be read at all.
    """
    import pandas as pd

    tables = [folder.manifest.assign(folder=k) for k, folder in enumerate(data.folders)]
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[rows["split"].isin(list(splits))].reset_index(drop=True)
    place = {key: i for i, key in enumerate(zip(rows["folder"], rows["path"], strict=True))}
    unreadable: list[Unreadable] = []
    with progress(total=len(rows), label="reading faces") as bar:
        faces = (
            ((k, path), encoded)
            for k, folder in enumerate(data.folders)
            for path, encoded in _counted(encoded_faces(folder, unreadable, splits=splits), bar)
            if (k, path) in place
        )
        keys, prints, bad = fingerprint_all(faces, len(rows))
    unreadable += [Unreadable(str(data.folders[k].path / path), why) for (k, path), why in bad]
    missing = len(rows) - len(keys) - len(bad)
    if missing:
        unreadable.append(Unreadable("manifest.csv", f"{missing:,} rows have no readable record"))
    if not keys:
        raise DataError(f"No face can be read. Received: {unreadable[0].path}, for one")
    table = rows.iloc[[place[key] for key in keys]].reset_index(drop=True)
    return ReadFaces(table, prints, unreadable)


def encoded_faces(
    folder: PreparedFolder,
    unreadable: list[Unreadable],
    only: set[str] | None = None,
    splits: Sequence[str] = SPLITS,
) -> Iterator[tuple[str, bytes]]:
    """Yield path and encoded image of a folder's faces, from its records, or else its crops.

    Args:
        folder: prepared data.
        unreadable: what cannot be read is added here.
        only: of crops, read these paths; records are read in any case.
        splits: read these, in the order of `SPLITS`.
    """
    for split in (name for name in SPLITS if name in splits):
        shards = folder.shards(split)
        for shard in shards:
            try:
                yield from shard_faces(shard)
            except DataError as error:
                unreadable.append(Unreadable(str(shard), str(error)))
        for path in [] if shards else folder.rows(split)["path"]:
            crop = folder.path / "crops" / path
            if only is not None and path not in only:
                continue
            try:
                yield path, crop.read_bytes()
            except OSError as error:
                unreadable.append(Unreadable(str(crop), error.strerror or str(error)))


def shard_faces(shard: Path) -> Iterator[tuple[str, bytes]]:
    """Yield path and encoded image of the faces in one shard.

    Raises:
        DataError: the shard is damaged.
    """
    for images, _, _, paths in read_shards([shard]):
        for path, image in zip(paths, images, strict=True):
            yield path.decode("utf-8"), image


def _counted(faces: Iterator, bar) -> Iterator:
    for face in faces:
        yield face
        bar.update()
