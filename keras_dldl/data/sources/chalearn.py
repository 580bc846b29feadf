"""ChaLearn Looking at People: apparent age, 2015 and 2016 (Escalera et al.)."""

import logging
import re
from pathlib import Path, PurePosixPath

from keras_dldl.data.annotations.reading import age_problem, check_paths, fail_on, number, read_rows
from keras_dldl.data.sources.base import Skipped, Source, SourceRows
from keras_dldl.data.sources.rows import ImagesByName, check_folder, entries
from keras_dldl.errors import DataError

log = logging.getLogger(__name__)

PART = re.compile(r"(?<![a-z])(train|val|test)[a-z]*")
TABLES = frozenset({".csv", ".txt"})
SPLITS = ("train", "val", "test")


class ChaLearn15(Source):
    """ChaLearn LAP 2015: 4,691 photos with the mean and standard deviation of guessed ages.

    From "ChaLearn Looking at People 2015: Apparent Age and Cultural Event Recognition Datasets and
    Results" (Escalera et al., ICCV workshops 2015). Research use, under the organisers' terms.

    Layout: the folders `Train`, `Validation`, `Test` of images, and a table a part, `Train.csv`,
    `Validation.csv`, `Test.csv` with `image;mean;std` a line. The part is given by `train`,
    `val...` or `test` in the name of the table, or of its folder (`Test/Reference.csv`); the table
    may be `.csv` or `.txt`, with a header or without, divided by semicolons, commas, tabs or
    spaces. Published are 2,476, 1,136 and 1,079 images; each part's split is its own.

    The label is the mean, `sigma` the standard deviation; 0 where all guesses were one. Rows are
    skipped whose mean is not in 0...120.
    """

    name = "chalearn15"
    summary = "ChaLearn LAP 2015, apparent age: Train.csv, Validation.csv, Test.csv"
    licence = "research"
    database = "ChaLearn15"
    published = (2476, 1136, 1079)

    def read(self, root: Path) -> SourceRows:
        """Return a row a line of the tables, with `sigma` and `split`."""
        check_folder(root, "the tables and images of ChaLearn LAP")
        tables = _tables(root)
        images = ImagesByName(root, "the images that the tables name")
        rows, skipped = [], []
        for split, path in tables.items():

            def fits(image: str, split: str = split) -> bool:  # not in another part's folder
                return _part(image.rpartition("/")[0]) in (split, None)

            for line, name, mean, sigma in _ratings(path):
                image = images.find(name, f"{split}/{name}", fits)
                if problem := age_problem(mean):
                    skipped.append(Skipped(image, f"line {line} of {path.name}: {problem}"))
                else:
                    about = {"split": split, "database": self.database}
                    rows.append({"path": image, "label": mean, "sigma": sigma, **about})
        if not rows:
            raise DataError(f"No usable row in the tables. Received: {len(skipped):,} rows skipped")
        counts = tuple(sum(row["split"] == split for row in rows) for split in SPLITS)
        if counts != self.published:
            log.warning(
                "%s is published with %s images for train, val and test; these are %s.",
                self.database,
                *(
                    ", ".join(f"{count:,}" for count in listed)
                    for listed in (self.published, counts)
                ),
            )
        return SourceRows.from_dicts(rows, skipped)


class ChaLearn16(ChaLearn15):
    """ChaLearn LAP 2016: 7,591 photos with the mean and standard deviation of guessed ages.

    From "ChaLearn Looking at People and Faces of the World: Face Analysis Workshop and Challenge
    2016" (Escalera et al., CVPR workshops 2016). Research use, under the organisers' terms.

    Layout: the folders `train`, `valid`, `test` of images, and the tables `train_gt.csv`,
    `valid_gt.csv`, `test_gt.csv` with the header `image,mean,stdv`; other forms as for 2015.
    Published are 4,113, 1,500 and 1,978 images, 29 of them with a standard deviation of 0. The same
    images with real ages as well are APPA-REAL.
    """

    name = "chalearn16"
    summary = "ChaLearn LAP 2016, apparent age: train_gt.csv, valid_gt.csv, test_gt.csv"
    database = "ChaLearn16"
    published = (4113, 1500, 1978)


def _part(path: str) -> str | None:
    """Return the part that the nearest telling name of a path stands for.

    >>> _part("valid_gt.csv"), _part("Test/Reference.csv"), _part("LAP/Train/image_1.jpg")
    ('val', 'test', 'train')
    """
    for name in reversed(PurePosixPath(path.lower()).parts):
        if match := PART.search(name):
            return match[1]
    return None


def _tables(root: Path) -> dict[str, Path]:
    """Return the table of each part, in the order of `SPLITS`."""
    found: dict[str, list[Path]] = {split: [] for split in SPLITS}
    others = []
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in TABLES and path.is_file():
            part = _part(path.relative_to(root).as_posix())
            found.get(part, others).append(path)
    for split, paths in found.items():
        if len(paths) > 1:
            names = ", ".join(str(path.relative_to(root)) for path in paths)
            raise DataError(f"Each part must have one table. Received: {names} for {split}")
    tables = {split: paths[0] for split, paths in found.items() if paths}
    if not tables:
        raise DataError(
            "Looked for tables of ratings, such as train_gt.csv or Validation.csv. "
            f"Received: {root} with {entries(root)}"
        )
    missing = [split for split in SPLITS if split not in tables]
    if missing:
        log.warning("No table of ratings for %s.", ", ".join(missing))
    return tables


def _ratings(path: Path) -> list[tuple[int, str, float, float]]:
    """Return line, image, mean and standard deviation of each row of a table."""
    found, problems = [], []
    for k, (line, row) in enumerate(read_rows(path)):
        values = [number(cell) for cell in row[1:]]
        if k == 0 and values and values[0] is None:
            continue  # the header
        if len(row) != 3 or None in values or values[1] < 0:
            problems.append((line, f"must be image, mean, standard deviation: {row!r}"))
        else:
            found.append((line, row[0], *values))
    fail_on(problems, path)
    check_paths(((line, name) for line, name, *_ in found), path)
    return found
