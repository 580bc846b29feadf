"""AgeDB (Moschoglou et al. 2017): 16,488 photos of 568 famous people, ages 1 to 101."""

import re
from pathlib import Path
from typing import Any

from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.data.sources.rows import rows_by_name

NAME = re.compile(r"^\d+_(.+)_(\d{1,3})_([mf])\.jpe?g$", re.IGNORECASE)
GENDERS = {"m": "male", "f": "female"}


class AgeDB(Source):
    """AgeDB: images named `<index>_<name>_<age>_<m or f>.jpg`, anywhere below the root.

    From Moschoglou, Papaioannou, Sagonas, Deng, Kotsia and Zafeiriou, "AgeDB: the first manually
    collected, in-the-wild age database" (2017). Non-commercial research only. The name is the
    subject. Images of other names are skipped, and ages above 100 are off the grid. There is no
    official split for age: splits are drawn by subject.
    """

    name = "agedb"
    summary = "AgeDB: 0_MariaCallas_35_f.jpg"
    licence = "non-commercial research"

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `subject` and `gender`."""
        form = "<index>_<name>_<age>_<m or f>.jpg, such as 0_MariaCallas_35_f.jpg"
        return rows_by_name(root, NAME, form, _row)


def _row(match: re.Match, _: Path) -> dict[str, Any]:
    return {
        "label": float(match[2]),
        "subject": f"agedb-{match[1]}",
        "gender": GENDERS[match[3].lower()],
        "database": "AgeDB",
    }
