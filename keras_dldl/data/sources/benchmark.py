"""The Facial-Age-Estimation-Benchmark's annotation files (Paplham and Franc, CVPR 2024)."""

import logging
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from keras_dldl.data.annotations.five_points import from_box
from keras_dldl.data.annotations.reading import (
    age_problem,
    check_paths,
    fail_on,
    number,
    read_objects,
)
from keras_dldl.data.sources.base import Skipped, Source, SourceRows
from keras_dldl.data.sources.rows import check_folder, only_file
from keras_dldl.errors import ConfigError, DataError

log = logging.getLogger(__name__)

THREE = {0: "train", 1: "val", 2: "test"}
FOLDS = 5
# First of the six training folders of ten, which go round; two validation and two test folders
# follow. Folds 3 and 4 begin one folder apart, not two: so they were published.
FIRST_FOLDER = (0, 2, 4, 5, 6)
GENDERS = {"M": "male", "F": "female"}


class Benchmark(Source):
    """Data sets in the benchmark's form: one JSON list with an object an image.

    From "A Call to Reflect on Evaluation Practices for Age Estimation" (Paplham and Franc, CVPR
    2024), which publishes AFAD, AgeDB, CACD2000, CLAP2016, FG-NET, IMDB-WIKI, MORPH and UTKFace so.
    The images are each data set's own, under its own terms.

    Layout: the JSON file anywhere, its images at `img_path` below the root (or below the root with
    the first one or two folders of `img_path` left out). Of an object are read `img_path`, `age`
    and, where they are there, `std_age` (sigma), `id_num` (subject, together with the database),
    `gender`, `database`, `folder` and `aligned_bbox` (landmarks, see `five_points.from_box`).

    Splits by `folder`, as the paper has them:

    - folders 0, 1, 2 (CLAP2016, CACD2000): train, val, test;
    - folders 0 ... 9: five splits, `fold` 0 to 4, of six, two and two folders. Without `fold`
      splits are drawn by subject;
    - other folders, one a person (FG-NET): no splits are published; they are drawn by subject.

    Rows are skipped whose age is unknown (-1) or not in 0...120, or that the benchmark left out
    (folder -1).

    Args:
        annotations: the JSON file; default: the only one in the root.
        fold: which of the five splits to use, 0 to 4.
    """

    name = "benchmark"
    summary = "Facial-Age-Estimation-Benchmark JSON files: --annotations, --fold 0 to 4"
    options = ("annotations", "fold")
    licence = "that of each data set"

    def __init__(self, annotations: str | Path | None = None, fold: int | str | None = None):
        if fold is not None and str(fold) not in map(str, range(FOLDS)):
            raise ConfigError(
                f"`fold` must be 0 ... {FOLDS - 1} for benchmark files. Received: fold={fold}"
            )
        self.annotations = annotations
        self.fold = None if fold is None else int(fold)

    def read(self, root: Path) -> SourceRows:
        """Return a row an object."""
        check_folder(root, "the images that the annotation file names")
        wanted = "the benchmark's JSON file"
        path = only_file(root, ["*.json"], wanted, "--annotations", self.annotations)
        objects = read_objects(path)
        nameless = [
            (line, f"img_path is missing: {sorted(found)}")
            for line, found in objects
            if not isinstance(found.get("img_path"), str) or not found["img_path"]
        ]
        fail_on(nameless, path)
        check_paths(((line, found["img_path"]) for line, found in objects), path)
        parts = self._parts({_folder(found) for _, found in objects} - {None, -1})
        skip = _folders_to_skip(root, [found["img_path"] for _, found in objects])
        rows, skipped = [], []
        for line, found in objects:
            image = "/".join(PurePosixPath(found["img_path"]).parts[skip:])
            left_out = _folder(found) == -1
            problem = "folder is -1: left out by the benchmark" if left_out else None
            if problem := problem or age_problem(found.get("age")):
                skipped.append(Skipped(image, f"line {line}: {problem}"))
            else:
                rows.append(_row(image, found, parts))
        if not rows:
            raise DataError(f"{path}: no usable row. Received: {len(skipped):,} rows skipped")
        return SourceRows.from_dicts(rows, skipped)

    def _parts(self, folders: Iterable[int]) -> dict[int, str]:
        """Return the split of each folder; none where splits are to be drawn."""
        folders = set(folders)
        if folders and folders <= set(THREE):
            self._refuse_fold("of the published parts 0 train, 1 val, 2 test")
            return THREE
        if folders and folders <= set(range(10)):
            if self.fold is None:
                log.warning(
                    "Splits are drawn. The benchmark's own are five, by the file's folders 0 to 9: "
                    "choose one with --fold 0 to 4."
                )
                return {}
            first = FIRST_FOLDER[self.fold]
            order = [(first + k) % 10 for k in range(10)]
            return {
                folder: ("train", "val", "test")[max(0, k // 2 - 2)]
                for k, folder in enumerate(order)
            }
        self._refuse_fold("with a folder a person" if folders else "without folders")
        return {}

    def _refuse_fold(self, state: str) -> None:
        if self.fold is not None:
            raise ConfigError(
                "`fold` is for files with the folders 0 ... 9. "
                f"Received: fold={self.fold} for a file {state}"
            )


def _folder(found: dict[str, Any]) -> int | None:
    value = number(found.get("folder"))
    return None if value is None else int(value)


def _folders_to_skip(root: Path, images: list[str]) -> int:
    """Return how many folders at the front of `img_path` lie above the root."""
    some = images[:: max(1, len(images) // 100)]
    for count in range(3):
        if any((root / "/".join(PurePosixPath(image).parts[count:])).is_file() for image in some):
            return count
    return 0


def _row(image: str, found: dict[str, Any], parts: dict[int, str]) -> dict[str, Any]:
    database, identity, folder = found.get("database"), found.get("id_num"), _folder(found)
    known = identity is not None and identity != -1
    return {
        "path": image,
        "label": number(found["age"]),
        "sigma": number(found.get("std_age")),
        "split": parts.get(folder),
        "subject": f"{database or 'benchmark'}-{identity}" if known else None,
        "gender": GENDERS.get(found.get("gender")),
        "database": database,
        "folder": folder,
        "landmarks": from_box(found.get("aligned_bbox")),
    }
