"""Landmarks that a data set brings along, in the place of detection."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.errors import DataError, NoFaceFound, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import spans_a_face
from keras_dldl.faces.images import Photo

if TYPE_CHECKING:
    import pandas as pd

COLUMN = "landmarks"
CHOICES = ("detect", "given")

Landmarks = tuple[float, ...]  # x1 y1 ... x5 y5
Cut = tuple[np.ndarray | None, str, float | None]


def with_choice(table: "pd.DataFrame", choice: str) -> "pd.DataFrame":
    """Return a source's table without its landmarks if faces are to be detected.

    Raises:
        DataError: landmarks are to be taken, and there are none, or some are not ten numbers.
    """
    if choice == "detect":
        return table.drop(columns=COLUMN, errors="ignore")
    if COLUMN not in table or not (known := table[COLUMN].notna()).any():
        raise DataError(
            "`landmarks` may be given only where the data set brings some; detect them instead. "
            f"Received: a data set of {len(table):,} images with none"
        )
    rows = zip(table[COLUMN], table["path"], known, strict=True)
    return table.assign(**{COLUMN: [_ten(*row) if here else None for *row, here in rows]})


def _ten(value: Any, path: str) -> Landmarks:
    try:
        if isinstance(value, str):
            # Ten parts between blanks or semicolons have decimal commas, if any; in "1,2 3,4", of
            # which there are five, commas divide.
            parts = value.replace(";", " ").split()
            decimal = "." if len(parts) == 10 and "." not in value else " "
            value = " ".join(parts).replace(",", decimal).split()
        points = tuple(float(part) for part in value)
    except (TypeError, ValueError):
        points = ()
    if len(points) != 10:
        raise DataError(
            f"Landmarks must be ten numbers, x1 y1 ... x5 y5. Received: {value!r} for {path}"
        )
    return points


def take_landmarks(table: "pd.DataFrame") -> tuple["pd.DataFrame", dict[str, Landmarks]]:
    """Return the table without the column of landmarks, and the landmarks by path."""
    if COLUMN not in table:
        return table, {}
    known = table[table[COLUMN].notna()]
    given = dict(zip(known["path"], known[COLUMN], strict=True))
    return table.drop(columns=COLUMN), given


def cut_faces(
    aligner: FaceAligner,
    paths: Sequence[str],
    photos: Sequence[Photo],
    given: Mapping[str, Landmarks],
    size: int,
) -> list[Cut]:
    """Cut a face out of each photo, by the landmarks given for it or, without, by detection.

    Landmarks by which no face can be cut out, or whose centre is outside the image, do not count.

    Args:
        aligner: detects and cuts out.
        paths: names of the photos, by which landmarks are given.
        photos: the pictures.
        given: landmarks in the picture's own pixels, for some of the paths.
        size: side of the crops in pixels.

    Returns:
        For each photo its (size, size, 3) crop, what that is ("given", "found" or "whole") and
        the detector's score, if a face was found; where a detector of the user's own failed, or the
        photo can no longer be read, None, why, and None.
    """
    points = [_usable(given.get(path), photo) for path, photo in zip(paths, photos, strict=True)]
    unknown = [photo for photo, known in zip(photos, points, strict=True) if known is None]
    detected = iter(aligner.find(unknown, size))

    def cut(photo: Photo, known: np.ndarray | None) -> Cut:
        if known is not None:
            try:
                return photo.align(aligner.alignment, known, size), "given", None
            except UnreadableImage as error:
                return None, str(error).removeprefix(f"{photo.name}: "), None
        found = next(detected)
        if isinstance(found, NoFaceFound):
            return aligner.alignment.whole(photo.pixels, size), "whole", None
        if isinstance(found, Exception):
            return None, str(found), None
        return found[0].crop, "found", found[0].face.score

    return [cut(photo, known) for photo, known in zip(photos, points, strict=True)]


def _usable(given: Landmarks | None, photo: Photo) -> np.ndarray | None:
    """Return landmarks as (5, 2) points, unless they span no face or lie beside the photo."""
    if given is None:
        return None
    points = np.array(given, np.float64).reshape(5, 2)
    x, y = points.mean(axis=0)
    height, width = photo.shape
    inside = 0 <= x < width and 0 <= y < height
    return points if inside and spans_a_face(points) else None
