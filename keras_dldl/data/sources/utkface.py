"""UTKFace (Zhang, Song, Qi 2017): some 23,700 aligned and cropped faces, ages 0 to 116."""

import re
from pathlib import Path

from keras_dldl.data.sources.base import Skipped, Source, SourceRows, images_below

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

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `gender` and `race`."""
        rows, skipped = [], []
        for path in images_below(root, "images named age_gender_race_date.jpg.chip.jpg"):
            relative = path.relative_to(root).as_posix()
            match = NAME.match(path.name)
            if match is None:
                skipped.append(Skipped(relative, "name is not age_gender_race_date"))
                continue
            age, gender, race = (int(match[k]) for k in (1, 2, 3))
            rows.append(
                {
                    "path": relative,
                    "label": float(age),
                    "gender": GENDERS[gender],
                    "race": RACES[race],
                    "database": "UTKFace",
                }
            )
        return SourceRows.from_dicts(rows, skipped)
