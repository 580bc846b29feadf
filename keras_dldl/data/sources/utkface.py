"""UTKFace (Zhang, Song, Qi 2017): some 23,700 aligned and cropped faces, ages 0 to 116."""

import logging
import re
from pathlib import Path
from typing import Any

from keras_dldl.data.annotations.five_points import FivePoints, from_68
from keras_dldl.data.annotations.reading import number, read_rows
from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.data.sources.rows import rows_by_name

log = logging.getLogger(__name__)
NAME = re.compile(r"^(\d{1,3})_([01])_([0-4])_(\d+)\.jpg(\.chip)?(\.jpg)?$", re.IGNORECASE)
GENDERS = ("male", "female")
RACES = ("white", "black", "asian", "indian", "other")


class UTKFace(Source):
    """UTKFace in its published layout.

    Layout: a folder (or folders) of `age_gender_race_date.jpg.chip.jpg`; gender 0 male, 1 female;
    race 0 white, 1 black, 2 asian, 3 indian, 4 other. Non-commercial research use only. A handful
    of published names lack a field: they are skipped and listed, because the missing field cannot
    be told from its neighbours. No identities are published, so splits go by image.

    The published lists `landmark_list_part1.txt` ... (name and 68 points a line) give landmarks to
    the `.chip.jpg` images, in whose pixels they are; those of the uncropped photos are detected.
    """

    name = "utkface"
    summary = "UTKFace, aligned and cropped: age_gender_race_date.jpg.chip.jpg"
    licence = "non-commercial research"

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `gender` and `race`."""
        landmarks = _landmarks(root)

        def row(match: re.Match, path: Path) -> dict[str, Any]:
            age, gender, race = (int(match[k]) for k in (1, 2, 3))
            return {
                "label": float(age),
                "gender": GENDERS[gender],
                "race": RACES[race],
                "database": "UTKFace",
                "landmarks": landmarks.get(path.name),
            }

        return rows_by_name(root, NAME, "age_gender_race_date.jpg.chip.jpg", row)


def _landmarks(root: Path) -> dict[str, FivePoints | None]:
    """Return five points by the name of the cropped image, from the lists that are there."""
    found: dict[str, FivePoints | None] = {}
    for path in sorted(root.rglob("landmark_list_part*.txt")):
        for line, row in read_rows(path):
            values = [number(cell) for cell in row[1:]]
            points = [] if None in values else list(zip(values[::2], values[1::2], strict=False))
            five = found[f"{row[0]}.chip.jpg"] = from_68(points)
            if five is None:
                log.debug("%s: line %d has no usable points", path, line)
    return found
