"""The faces of prepared folders as a table, with a fingerprint each."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keras_dldl._utils.progress import progress
from keras_dldl.data.leaks.fingerprints import Fingerprints, fingerprint_all
from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.records.reading import Records
from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Unreadable:
    """A face or a shard that cannot be read, and why."""

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
    """Read all faces once, in the order of folders and records; a bad one costs no other.

    Args:
        data: prepared folders.
        splits: only the faces of these.

    Raises:
        DataError: no face can be read at all.
    """
    import pandas as pd

    unreadable: list[Unreadable] = []
    parts = [folder.rows(*splits).assign(folder=k) for k, folder in enumerate(data.folders)]
    rows = pd.concat(parts, ignore_index=True)
    with progress(total=len(rows), label="reading faces") as bar:
        faces = itertools.chain.from_iterable(
            readable(folder.records(*splits), unreadable) for folder in data.folders
        )
        numbers, prints, bad = fingerprint_all(_counted(faces, bar), len(rows))
    for number, why in bad:
        folder = data.folders[rows["folder"][number]]
        unreadable.append(Unreadable(str(folder.path / rows["path"][number]), why))
    missing = len(rows) - len(numbers) - len(bad)
    if missing:
        unreadable.append(Unreadable("manifest.csv", f"{missing:,} rows have no readable record"))
    if not numbers:
        where = unreadable[0].path if unreadable else f"no rows of {', '.join(splits)}"
        raise DataError(f"No face can be read. Received: {where}")
    return ReadFaces(rows.iloc[numbers].reset_index(drop=True), prints, unreadable)


def readable(records: Records, unreadable: list[Unreadable]) -> Iterator[bytes | None]:
    """Yield each face, None in the place of one that is damaged; a bad one costs no other.

    Args:
        records: the faces.
        unreadable: their shards and reasons are added here, once for faces side by side.
    """
    for number in range(len(records)):
        try:
            yield records.read([number])[0]
        except DataError as error:
            shard = Unreadable(str(records.shards[records.shard[number]]), str(error))
            if shard not in unreadable[-1:]:
                unreadable.append(shard)
            yield None


def _counted(faces: Iterable[bytes | None], bar) -> Iterator[tuple[int, bytes]]:
    """Yield the faces that are there with their numbers, and count all."""
    for number, face in enumerate(faces):
        if face is not None:
            yield number, face
        bar.update()
