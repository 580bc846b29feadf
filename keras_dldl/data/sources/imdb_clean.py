"""IMDB-Clean (Lin, Shen, Wang, Pantic 2021): 287,683 photos of IMDB-WIKI with cleaned labels."""

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from keras_dldl.data.annotations.reading import read_table
from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.data.sources.rows import (
    Rows,
    check_images,
    find_near,
    rows_of_parts,
    without_torn_subjects,
)

PARTS = {"train": "train", "valid": "val", "test": "test"}  # in the file's name: split
COLUMNS = ("filename", "age", "gender")
IMAGES = "imdb-clean-1024"
GENDERS = {"m": "male", "f": "female"}
PERSON = re.compile(r"(?:^|/)(nm\d+)_")


class ImdbClean(Source):
    """IMDB-Clean: `imdb_train_new_1024.csv`, `..._valid_...`, `..._test_...`, and the images.

    From Lin, Shen, Wang and Pantic, "FP-Age: Leveraging Face Parsing Attention for Facial Age
    Estimation in the Wild" (2021). The annotations are under the MIT licence, the images under
    the terms of IMDB-WIKI. The images lie in `imdb-clean-1024/`, which the authors' script makes,
    or beside the CSV files. The splits are the official ones; the number of the actor in the
    file's name is the subject. Rows whose age is not a number in 0...120 are skipped.
    """

    name = "imdb-clean"
    summary = "IMDB-Clean: imdb_train_new_1024.csv ... and imdb-clean-1024/"
    licence = "labels MIT, images academic research"

    def read(self, root: Path) -> SourceRows:
        """Return a row a photo, with `split`, `subject`, `gender` and the angles of the head."""
        wanted = "imdb_train_new_1024.csv, imdb_valid_new_1024.csv or imdb_test_new_1024.csv"
        names = {part: f"imdb_{part}_new_1024.csv" for part in PARTS}
        return without_torn_subjects(rows_of_parts(root, names, wanted, partial(_part, root)))


def _part(root: Path, part: str, listing: Path) -> SourceRows:
    table = read_table(listing, COLUMNS)
    folder = _folder_of(root, listing, table["filename"])
    paths = [folder + name for name in table["filename"]]
    check_images(root, paths, listing)
    people = [PERSON.search(name) for name in table["filename"]]
    rows = Rows(
        {
            "path": paths,
            "split": PARTS[part],
            "subject": [f"imdb-{person[1]}" if person else None for person in people],
            "gender": [GENDERS.get(code[:1].lower()) for code in table["gender"]],
            "database": "IMDB-Clean",
        },
        listing,
        table.index,
    )
    rows.read_ages(table["age"])
    return rows.result()


def _folder_of(root: Path, listing: Path, names: Iterable[str]) -> str:
    """Return the folder of the images, with a slash; the first that has the first few of them."""
    folders = [folder for folder in find_near(root, IMAGES) if folder.is_dir()]
    inner = [folder / IMAGES for folder in folders]  # as some archives unpack
    for folder in (*inner, *folders, listing.parent):
        if any((folder / name).is_file() for name in names[:100]):
            within = folder.relative_to(root).as_posix()
            return "" if within == "." else f"{within}/"
    return ""
