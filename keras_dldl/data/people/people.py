"""A data set of identities: which image shows whom, who is learnt, who is kept for validation.

The functions named `from_...` return a table with a row an image: its `number` among the images,
`path` (relative to where they come from), `subject`, and `split`, which may be missing; and the
images.
"""

import hashlib
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from keras_dldl.data.manifest import SPLITS, line_number, read_table
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.records import EncodedImages, ImageFiles, Records
from keras_dldl.data.sources.rows import image_names
from keras_dldl.errors import DataError
from keras_dldl.faces.alignment import Alignment

_LOGGER = logging.getLogger(__name__)
TRAIN, VALIDATION, _ = SPLITS
COLUMNS = ["number", "path", "subject", "split"]


def from_folders(root: str | os.PathLike) -> tuple[pd.DataFrame, ImageFiles]:
    """Return the images below `root`, the subject being the first folder on the way to each.

    Raises:
        DataError: there is no such folder, or no image in folders in it.
    """
    root = Path(os.path.abspath(root))
    names = [name for name in image_names(root, "a folder a person, with images") if "/" in name]
    if not names:
        raise DataError(
            f"Images must lie in a folder for each person: anna/1.jpg. Received: {root}, whose "
            "images lie in no folder"
        )
    rows = [(k, name, name.split("/")[0], None) for k, name in enumerate(names)]
    return pd.DataFrame(rows, columns=COLUMNS), ImageFiles([root / name for name in names])


def from_manifest(
    manifest: str | os.PathLike, root: str | os.PathLike | None
) -> tuple[pd.DataFrame, ImageFiles]:
    """Return the images of a manifest with the columns `path`, `subject` and maybe `split`.

    Args:
        manifest: a CSV file.
        root: the folder that its paths are relative to; None is the manifest's own.

    Raises:
        DataError: the file cannot be read or lacks a column, or a row lacks path or subject.
    """
    table = read_table(manifest, required=("path", "subject"))
    bad = table[table["path"].isna() | table["subject"].isna()]
    if len(bad):
        lines = ", ".join(str(line_number(index)) for index in bad.index[:10])
        raise DataError(
            f"Every row must have a path and a subject. Received: {os.fspath(manifest)} with "
            f"{len(bad)} rows that lack one: line {lines}"
        )
    folder = Path(os.path.abspath(root if root is not None else Path(manifest).parent))
    if "split" not in table:
        table["split"] = None
    files = ImageFiles([folder / path for path in table["path"]])
    return table.assign(number=range(len(table)))[COLUMNS].reset_index(drop=True), files


def from_prepared(data: PreparedData) -> tuple[pd.DataFrame, Records]:
    """Return the faces of prepared folders. People of different folders are different people.

    Raises:
        DataError: a folder has no column `subject`, or a row has none.
    """
    parts = []
    for folder in data.folders:
        rows = folder.rows()
        if "subject" not in rows or rows["subject"].isna().any():
            raise DataError(
                "To learn identities every face needs a `subject`, a column of the manifest. "
                f"Received: {folder.path}, where it is missing or has empty cells"
            )
        start = f"{folder.path.name}/" if len(data.folders) > 1 else ""
        parts.append(
            rows.assign(path=start + rows["path"], subject=start + rows["subject"].astype(str))
        )
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(number=range(len(rows)))[COLUMNS], data.records()


@dataclass(frozen=True)
class People:
    """Images with their subjects, as a run needs them; the place of `PreparedData` in training.

    Args:
        frame: columns `number` (of the image in `images`), `path`, `subject`, `split` ("train" or
            "val") and `label`, the number of the subject among those of its split, in the order of
            their names.
        images: where the images are read from.
        size: side of the images in pixels to train at, where nothing else is asked for.
        alignment: how the faces were cut out.
        left_out: paths of images that were left out.
    """

    frame: pd.DataFrame
    images: EncodedImages
    size: int
    alignment: Alignment
    left_out: list[str] = field(default_factory=list)
    grid: None = None  # identities have no label grid

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have rows: "train", and "val" unless there are too few people."""
        return tuple(name for name in SPLITS if (self.frame["split"] == name).any())

    @property
    def count(self) -> int:
        """How many people are learnt: the classes."""
        return self.rows(TRAIN)["subject"].nunique()

    def rows(self, split: str) -> pd.DataFrame:
        """Return the rows of a split, by path."""
        return self.frame[self.frame["split"] == split].reset_index(drop=True)


def choose_people(
    listing: pd.DataFrame,
    images: EncodedImages,
    *,
    size: int,
    alignment: Alignment,
    min_images: int,
    validation_share: float,
    left_out: Sequence[str] = (),
) -> People:
    """Decide who is learnt and who is kept for validation.

    Args:
        listing: as `from_folders` returns it. Where `split` is given it stands, and rows of "test"
            are not used; else a share of the people is kept, the same on every machine.
        images: see `People`.
        size: see `People`.
        alignment: see `People`.
        min_images: people with fewer images to learn from are left out.
        validation_share: share of the people to keep; at least two, where four or more are there.
        left_out: see `People`.

    Raises:
        DataError: fewer than two people remain, or no one has two images.
    """
    frame = listing.sort_values("path", kind="stable").reset_index(drop=True)
    if frame["split"].isna().any():
        frame["split"] = _drawn_split(frame["subject"], validation_share)
    train = _with_enough(frame[frame["split"] == TRAIN], min_images)
    val = frame[frame["split"] == VALIDATION]
    if (val["subject"].value_counts() > 1).sum() < 2:
        val = val[:0]  # no two pairs to tell apart
    chosen = pd.concat([_numbered(train), _numbered(val)], ignore_index=True)
    return People(chosen, images, size, alignment, list(left_out))


def _with_enough(train: pd.DataFrame, min_images: int) -> pd.DataFrame:
    counts = train["subject"].value_counts()
    enough = counts[counts >= min_images].index
    kept = train[train["subject"].isin(enough)]
    if len(enough) < len(counts):
        _LOGGER.warning(
            "Left out %d of %d people with fewer than %d images (--min-images).",
            len(counts) - len(enough),
            len(counts),
            min_images,
        )
    if len(enough) < 2 or len(kept) == len(enough):
        most = int(counts.max()) if len(counts) else 0
        raise DataError(
            "Identities are learnt from two people or more, some of whom have two images or more. "
            f"Received: {len(counts)} people to learn, of whom {len(enough)} have {min_images} "
            f"images or more; the most images of one: {most}"
        )
    return kept


def _numbered(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(label=np.unique(rows["subject"], return_inverse=True)[1])


def _drawn_split(subjects: pd.Series, share: float) -> pd.Series:
    """Return "val" for the people kept, those whose hashed names come first, else "train"."""
    counts = subjects.value_counts()
    able = sorted(
        (name for name, count in counts.items() if count > 1),
        key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest(),
    )
    wanted = max(2, math.ceil(share * len(able))) if share > 0 and len(counts) >= 4 else 0
    kept = able[: wanted if len(able) - wanted >= 2 else 0]
    return subjects.isin(kept).map({True: VALIDATION, False: TRAIN})
