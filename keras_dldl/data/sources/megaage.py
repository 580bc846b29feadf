"""MegaAge-Asian (Zhang, Liu, Li, Loy 2017): 43,945 photos of Asian faces, ages 0 to 70."""

from functools import partial
from pathlib import Path

from keras_dldl.data.annotations.reading import read_lines
from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.data.sources.rows import Rows, check_images, rows_of_parts
from keras_dldl.errors import DataError

PARTS = ("train", "test")


class MegaAgeAsian(Source):
    """MegaAge-Asian: images in `train/` and `test/`, names and ages in `list/train_name.txt` ...

    From Zhang, Liu, Li and Loy, "Quantifying Facial Age by Posterior of Age Comparisons" (2017).
    Non-commercial research only. Line by line, `list/train_name.txt` names the images of `train/`,
    and `list/train_age.txt` gives their ages; the same for test. The splits are the official
    ones, so there is no validation split. No identities are published. Rows whose age is not a
    number in 0...120 are skipped.
    """

    name = "megaage-asian"
    summary = "MegaAge-Asian: list/train_name.txt, list/train_age.txt ... and train/, test/"
    licence = "non-commercial research"

    def read(self, root: Path) -> SourceRows:
        """Return a row a photo, with `split`."""
        wanted = "list/train_name.txt or list/test_name.txt"
        names = {part: f"list/{part}_name.txt" for part in PARTS}
        return rows_of_parts(root, names, wanted, partial(_part, root))


def _part(root: Path, part: str, listing: Path) -> SourceRows:
    names = read_lines(listing)
    ages = read_lines(listing.with_name(f"{part}_age.txt"))
    if len(names) != len(ages) or not names:
        raise DataError(
            f"{listing} and {part}_age.txt must have as many lines, at least 1; one may be cut "
            f"short. Received: {len(names):,} names, {len(ages):,} ages"
        )
    folder = (listing.parent.parent / part).relative_to(root).as_posix()
    paths = [f"{folder}/{name}" for _, name in names]
    check_images(root, paths, listing)
    columns = {"path": paths, "split": part, "database": "MegaAge-Asian"}
    rows = Rows(columns, listing, [line for line, _ in names])
    rows.read_ages([age for _, age in ages])
    return rows.result()
