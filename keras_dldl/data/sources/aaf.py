"""All-Age-Faces (Cheng et al. 2019): 13,322 faces, mostly Asian, ages 2 to 80."""

import re
from pathlib import Path

from keras_dldl.data.sources.base import Skipped, Source, SourceRows, images_below

NAME = re.compile(r"^(\d{5})A(\d{2})\.jpg$", re.IGNORECASE)
LISTS = {"train.txt": "train", "val.txt": "test"}
GENDERS = {"0": "female", "1": "male"}


class AllAgeFaces(Source):
    """All-Age-Faces: images named `<person>A<age>.jpg`, anywhere below the root.

    The published lists `train.txt` and `val.txt` (`name gender` a line; 0 female, 1 male) give the
    gender where they are found. Every image is of another person. Splits are drawn, not taken from
    the lists, since people combine this data set with others; the list a face is in stands in the
    column `official`. Research use only.
    """

    name = "aaf"
    summary = "All-Age-Faces: 00000A02.jpg, with train.txt and val.txt where present"

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `subject`, `gender` and `official` where known."""
        listed = _read_lists(root)
        rows, skipped = [], []
        for path in images_below(root, "images named 00000A02.jpg (person, age)"):
            relative = path.relative_to(root).as_posix()
            match = NAME.match(path.name)
            if match is None:
                skipped.append(Skipped(relative, "name is not <person>A<age>.jpg"))
                continue
            gender, official = listed.get(path.name, (None, None))
            rows.append(
                {
                    "path": relative,
                    "label": float(match[2]),
                    "subject": f"aaf-{match[1]}",
                    "gender": gender,
                    "database": "AAF",
                    "official": official,
                }
            )
        return SourceRows.from_dicts(rows, skipped)


def _read_lists(root: Path) -> dict[str, tuple[str | None, str]]:
    """Return gender and official part by file name, from the lists that are there."""
    listed = {}
    for path in sorted(root.rglob("*.txt")):
        if path.name not in LISTS:
            continue
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, gender = line.strip().partition(" ")
            listed[name] = (GENDERS.get(gender.strip()), LISTS[path.name])
    return listed
