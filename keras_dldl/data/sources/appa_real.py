"""APPA-REAL (Agustsson et al. 2017): 7,591 photos with the real age and some 38 guesses each."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from keras_dldl._utils.arguments import check_choice
from keras_dldl.data.annotations.reading import numbers_in, read_table
from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.data.sources.rows import Rows, check_images, files_below, rows_of_parts

PARTS = {"train": "train", "valid": "val", "test": "test"}  # folder: split
COLUMNS = ("file_name", "num_ratings", "apparent_age_avg", "apparent_age_std", "real_age")
AGES = ("apparent", "real")
CROP = "_face.jpg"


class AppaReal(Source):
    """APPA-REAL: `gt_avg_train.csv`, `gt_avg_valid.csv`, `gt_avg_test.csv`, and their folders.

    From Agustsson, Timofte, Escalera, Baro, Guyon and Rothe, "Apparent and real age estimation in
    still images with deep residual regressors on APPA-REAL database" (2017). Research only. The
    images lie in `train/`, `valid/` and `test/`, which are the official splits. A photo may show
    several people, so the published crop `<name>_face.jpg` is taken where it is there. Rows
    whose ages are not numbers in 0...120 are skipped.

    Args:
        age: the label: "apparent", the mean of the guesses, with their standard deviation as
            sigma; or "real". The other one is in a column.
    """

    name = "appa-real"
    summary = "APPA-REAL: gt_avg_train.csv ... beside train/, valid/, test/"
    licence = "research"
    options = ("age",)

    def __init__(self, age: str = "apparent"):
        self.age = check_choice("age", age, AGES)

    def read(self, root: Path) -> SourceRows:
        """Return a row a photo, with `split`, `real_age`, `apparent_age` and `num_ratings`."""
        wanted = "gt_avg_train.csv, gt_avg_valid.csv or gt_avg_test.csv"
        names = {part: f"gt_avg_{part}.csv" for part in PARTS}
        return rows_of_parts(root, names, wanted, partial(self._part, root))

    def _part(self, root: Path, part: str, listing: Path) -> SourceRows:
        table = read_table(listing, COLUMNS)
        paths = _images(root, listing.parent / part, table["file_name"])
        check_images(root, paths, listing)
        rows = Rows(
            {
                "path": paths,
                "split": PARTS[part],
                "real_age": numbers_in(table["real_age"]),
                "apparent_age": numbers_in(table["apparent_age_avg"]),
                "num_ratings": numbers_in(table["num_ratings"]),
                "database": "APPA-REAL",
            },
            listing,
            table.index,
        )
        column = "real_age" if self.age == "real" else "apparent_age_avg"
        rows.read_ages(table[column], f"{self.age} age")
        if self.age == "apparent":
            sigma = rows.read_numbers(table["apparent_age_std"], "apparent_age_std")
            rows.table["sigma"] = sigma
        return rows.result()


def _images(root: Path, folder: Path, names: Iterable[str]) -> list[str]:
    """Return the path of each image: its published crop, or where that is not there, itself."""
    prefix = folder.relative_to(root).as_posix()
    there = set(files_below(folder)) if folder.is_dir() else set()
    return [f"{prefix}/{name}{CROP if name + CROP in there else ''}" for name in names]
