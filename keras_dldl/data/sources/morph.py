"""MORPH Album II (Ricanek, Tesafaye 2006): 55,134 photos of some 13,600 people, ages 16 to 77."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keras_dldl.data.annotations.reading import read_lines, read_table
from keras_dldl.data.sources.base import Skipped, Source, SourceRows
from keras_dldl.data.sources.rows import (
    Rows,
    as_utf8,
    check_folder,
    check_images,
    find_near,
    image_names,
    only_one,
    rows_by_name,
)

NAME = re.compile(r"^(\d+)_(\d+)([MF])(\d{2,3})\.jpe?g$", re.IGNORECASE)
FORM = "<person>_<photo><M or F><age>.JPG, such as 009055_1M54.JPG"
COLUMNS = ("id_num", "age", "photo")
GENDERS = {"M": "male", "F": "female"}
RACES = {"B": "black", "W": "white", "A": "asian", "H": "hispanic", "O": "other"}


class Morph(Source):
    """MORPH Album II: images named `<person>_<photo><sex><age>.JPG`, and their CSV listing.

    From Ricanek and Tesafaye, "MORPH: A Longitudinal Image Database of Normal Adult
    Age-Progression" (2006). Used under a licence of the University of North Carolina Wilmington.
    The listing is the CSV file with the columns id_num, age and photo (and race, gender), in the
    root or up to two folders down; it decides where it is there, and images that it does not
    list are skipped. Without it the names tell all but the race. `id_num` is the subject: most
    people have several photos. There is no official split: splits are drawn by subject.
    """

    name = "morph"
    summary = "MORPH Album II: 009055_1M54.JPG, with its CSV listing if present"
    licence = "by agreement with the University of North Carolina Wilmington"

    def read(self, root: Path) -> SourceRows:
        """Return a row a photo, with `subject` and `gender`, and `race` from the listing."""
        check_folder(root, f"images named {FORM}, and the CSV file that lists them")
        listings = [path for path in find_near(root, "*.csv") if _is_listing(path)]
        if not listings:
            return rows_by_name(root, NAME, FORM, _row)
        return _listed(root, only_one(listings))


def _is_listing(path: Path) -> bool:
    """Tell the listing from other files, such as that of eye positions, by its header."""
    header = next((line.lower() for _, line in read_lines(path)), "")
    return set(COLUMNS) <= set(re.split(r"[,;\t\" ]+", header))


def _row(match: re.Match, _: Path) -> dict[str, Any]:
    return {
        "label": float(match[4]),
        "subject": _subject(match[1]),
        "gender": GENDERS[match[3].upper()],
        "database": "MORPH",
    }


def _subject(number: str) -> str:
    """Return the name of a person; listings leave out the zeros with which file names begin."""
    return f"morph-{int(number):06d}" if number.isdigit() else f"morph-{number}"


def _listed(root: Path, listing: Path) -> SourceRows:
    table = read_table(listing, COLUMNS)
    there = image_names(root, f"the photos that {listing.name} lists")
    paths = _places(table["photo"], there, listing.parent.relative_to(root).as_posix())
    check_images(root, paths, listing)
    unknown = [""] * len(table)
    rows = Rows(
        {
            "path": paths,
            "subject": [_subject(number) if number else None for number in table["id_num"]],
            "gender": [GENDERS.get(code.upper()) for code in table.get("gender", unknown)],
            "race": [RACES.get(code.upper()) for code in table.get("race", unknown)],
            "database": "MORPH",
        },
        listing,
        table.index,
    )
    rows.read_ages(table["age"])
    rows.note([not photo for photo in table["photo"]], "photo is empty")
    result = rows.result()
    unlisted = sorted(set(there) - set(paths))
    result.skipped += [Skipped(as_utf8(path), f"not in {listing.name}") for path in unlisted]
    return result


def _places(photos: Iterable[str], there: list[str], folder: str) -> list[str]:
    """Return the path of each photo; the listed one, if there is no better one."""
    known = set(there)
    by_name = {path.rpartition("/")[2].lower(): path for path in there}
    prefix = "" if folder == "." else f"{folder}/"
    listed = [prefix + photo.replace("\\", "/") for photo in photos]
    return [
        path if path in known else by_name.get(path.rpartition("/")[2].lower(), path)
        for path in listed
    ]
