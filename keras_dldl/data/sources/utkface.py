"""UTKFace (Zhang, Song, Qi 2017): some 23,700 aligned and cropped faces, ages 0 to 116."""

import re
from pathlib import Path
from typing import Any

from keras_dldl.data.sources.base import Source, SourceRows, rows_by_name

NAME = re.compile(r"^(\d{1,3})_([01])_([0-4])_(\d+)\.jpg(\.chip)?(\.jpg)?$", re.IGNORECASE)
GENDERS = ("male", "female")
RACES = ("white", "black", "asian", "indian", "other")


class UTKFace(Source):
    """UTKFace in its published layout.

    Layout: a folder (or folders) of `age_gender_race_date.jpg.chip.jpg`; gender 0 male, 1 female;
    race 0 white, 1 black, 2 asian, 3 indian, 4 other. Non-commercial research use only. A handful
    of published names lack a field: they are skipped and listed, because the missing field cannot
    be told from its neighbours. No identities are published, so splits go by image.
    """

    name = "utkface"
    summary = "UTKFace, aligned and cropped: age_gender_race_date.jpg.chip.jpg"
    licence = "non-commercial research"

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `gender` and `race`."""
        return rows_by_name(root, NAME, "age_gender_race_date.jpg.chip.jpg", _row)


def _row(match: re.Match, _: Path) -> dict[str, Any]:
    age, gender, race = (int(match[k]) for k in (1, 2, 3))
    return {
        "label": float(age),
        "gender": GENDERS[gender],
        "race": RACES[race],
        "database": "UTKFace",
    }
