"""All-Age-Faces (Cheng et al. 2019): 13,322 faces, mostly Asian, ages 2 to 80."""

import re
from pathlib import Path
from typing import Any

from keras_dldl.data.annotations.reading import read_lines
from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.data.sources.rows import rows_by_name

NAME = re.compile(r"^(\d{5})A(\d{2})\.jpg$", re.IGNORECASE)
LISTS = {"train.txt": "train", "val.txt": "test"}
GENDERS = {"0": "female", "1": "male"}


class AllAgeFaces(Source):
    """All-Age-Faces: images named `<person>A<age>.jpg`, anywhere below the root.

    The published lists `train.txt` and `val.txt` (`name gender` a line; 0 female, 1 male) give the
    gender where they are found. Every image is of another person. Splits are drawn, not taken from
    the lists, since people combine this data set with others; the list a face is in is given in the
    column `official`. Research use only.
    """

    name = "aaf"
    summary = "All-Age-Faces: 00000A02.jpg, with train.txt and val.txt where present"
    licence = "research"

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `subject`, `gender` and `official` where known."""
        listed = _read_lists(root)

        def row(match: re.Match, path: Path) -> dict[str, Any]:
            gender, official = listed.get(path.name, (None, None))
            return {
                "label": float(match[2]),
                "subject": f"aaf-{match[1]}",
                "gender": gender,
                "database": "AAF",
                "official": official,
            }

        return rows_by_name(root, NAME, "<person>A<age>.jpg, such as 00000A02.jpg", row)


def _read_lists(root: Path) -> dict[str, tuple[str | None, str]]:
    """Return gender and official part by file name, from the lists that are there."""
    listed = {}
    for path in sorted(root.rglob("*.txt")):
        if path.name not in LISTS:
            continue
        for _, line in read_lines(path):
            name, _, gender = line.partition(" ")
            listed[name] = (GENDERS.get(gender.strip()), LISTS[path.name])
    return listed
