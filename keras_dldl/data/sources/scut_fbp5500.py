"""SCUT-FBP5500 (Liang et al. 2018): 5,500 faces with ratings of attractiveness."""

import logging
import re
import statistics
from collections import defaultdict
from pathlib import Path

from keras_dldl._utils.arguments import check_choice
from keras_dldl.data.annotations.five_points import PointFiles, from_scut
from keras_dldl.data.annotations.reading import EXCEL, fail_on, number, read_rows, sheet_names
from keras_dldl.data.sources.base import Skipped, Source, SourceRows
from keras_dldl.data.sources.rows import ImagesByName, check_folder, entries
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid

log = logging.getLogger(__name__)

# A list of scores: its file, its fold, its part, and by image the line and the score.
ScoreList = tuple[Path, str, str, dict[str, tuple[int, float]]]

FOLDS = ("1", "2", "3", "4", "5", "60-40")
LIST = re.compile(r"^(train|test)(?:_([1-5]))?\.txt$", re.IGNORECASE)
NAME = re.compile(r"^(AF|AM|CF|CM|fty|mty|ftw|mtw)\d+\.jpg$", re.IGNORECASE)
# The first release has other prefixes.
PEOPLE = {
    "af": ("female", "asian"),
    "am": ("male", "asian"),
    "cf": ("female", "white"),
    "cm": ("male", "white"),
    "fty": ("female", "asian"),
    "mty": ("male", "asian"),
    "ftw": ("female", "white"),
    "mtw": ("male", "white"),
}
RATINGS = re.compile(r"^All_Ratings\.(xlsx|csv|txt)$", re.IGNORECASE)


class ScutFBP5500(Source):
    """SCUT-FBP5500: 5,500 portraits, each rated 1 to 5 by 60 people.

    From "SCUT-FBP5500: A Diverse Benchmark Dataset for Multi-Paradigm Facial Beauty Prediction"
    (Liang, Lin, Jin, Xie and Li, ICPR 2018). Non-commercial research use only.

    Layout: `Images/AF1.jpg` ...; below `train_test_files` the lists
    `5_folders_cross_validations_files/cross_validation_1/train_1.txt`, `test_1.txt` ... and
    `split_of_60%training and 40%testing/train.txt`, `test.txt`, with `name.jpg score` a line;
    `All_Ratings.xlsx` (or .csv) with the columns Rater, Filename, Rating; and
    `facial landmark/AF1.pts`. The lists alone beside a folder of images do as well. AF, AM, CF, CM
    stand for Asian and Caucasian women and men.

    The label is the lists' score, the mean of the ratings; `sigma` their standard deviation, where
    the ratings are there. The Excel file needs the package openpyxl
    (`pip install "keras-dldl[excel]"`); without it `sigma` is left out, and said so.

    Skipped are images with other names, without a score and, with `fold`, outside its lists.

    Args:
        fold: the published split to use: "1" ... "5" of the cross validation or "60-40"; neither
            has a validation part. Default: splits are drawn.
    """

    name = "scut-fbp5500"
    summary = "SCUT-FBP5500: Images/AF1.jpg, lists of scores: --fold 1 to 5, or 60-40"
    options = ("fold",)
    licence = "non-commercial research"

    def __init__(self, fold: int | str | None = None):
        self.fold = None if fold is None else check_choice("fold", str(fold), FOLDS)

    def grid(self) -> LabelGrid:
        """Return 1 to 5 points, step 0.1."""
        return LabelGrid.scut_fbp()

    def read(self, root: Path) -> SourceRows:
        """Return a row an image with a score, with `sigma`, `split` and landmarks where known."""
        check_folder(root, "the images and lists of SCUT-FBP5500")
        lists: list[ScoreList] = [
            (path, match[2] or "60-40", match[1].lower(), _read_list(path))
            for path in sorted(root.rglob("*.txt"))
            if (match := LIST.match(path.name))
        ]
        ratings = _ratings(root)
        scores = {name: mean for name, (mean, _) in ratings.items()} | _scores(lists)
        if not scores:
            raise DataError(
                "Looked for lists of scores (train_1.txt, test_1.txt ...) or All_Ratings.xlsx. "
                f"Received: {root} with {entries(root)}"
            )
        split_of = self._splits(lists, root)
        images = ImagesByName(root, "images named AF1.jpg")
        points = PointFiles(root, from_scut)
        rows = []
        for name in sorted(scores if split_of is None else split_of):
            gender, race = PEOPLE[NAME.match(name)[1].lower()]
            rows.append(
                {
                    "path": images.find(name, f"Images/{name}"),
                    "label": scores[name],
                    "sigma": ratings.get(name, (None, None))[1],
                    "split": None if split_of is None else split_of[name],
                    "gender": gender,
                    "race": race,
                    "database": "SCUT-FBP5500",
                    "landmarks": points.of(name),
                }
            )
        points.report()
        return SourceRows.from_dicts(rows, _left_out(images, rows, scores, self.fold))

    def _splits(self, lists: list[ScoreList], root: Path) -> dict[str, str] | None:
        """Return the split of each image of the fold; None where splits are to be drawn."""
        if self.fold is None:
            return None
        chosen = [found for found in lists if found[1] == self.fold]
        if not any(part == "train" for _, _, part, _ in chosen):
            known = ", ".join(sorted({fold for _, fold, _, _ in lists})) or "none"
            raise DataError(
                f"No list of training images for fold {self.fold}. "
                f"Received: {root} with lists for the folds: {known}"
            )
        split_of: dict[str, str] = {}
        for path, _, part, scores in chosen:
            twice = [
                (line, f"{name} is in the part {split_of[name]} too")
                for name, (line, _) in scores.items()
                if name in split_of
            ]
            fail_on(twice, path)
            split_of |= dict.fromkeys(scores, part)
        return split_of


def _read_list(path: Path) -> dict[str, tuple[int, float]]:
    scores: dict[str, tuple[int, float]] = {}
    problems = []
    for line, row in read_rows(path):
        score = number(row[1]) if len(row) == 2 else None
        if score is None or not NAME.match(row[0]):
            problems.append((line, f"must be a name such as AF1.jpg and a score: {row!r}"))
        elif row[0] in scores:
            problems.append((line, f"{row[0]} stands on line {scores[row[0]][0]} too"))
        else:
            scores[row[0]] = (line, score)
    fail_on(problems, path)
    return scores


def _scores(lists: list[ScoreList]) -> dict[str, float]:
    """Return the score of each image in the lists, which must agree."""
    scores: dict[str, float] = {}
    for path, _, _, listed in lists:
        problems = [
            (line, f"{name} has the score {scores[name]:g} in another list, here {score:g}")
            for name, (line, score) in listed.items()
            if abs(scores.get(name, score) - score) > 1e-4
        ]
        fail_on(problems, path)
        scores |= {name: score for name, (_, score) in listed.items()}
    return scores


def _ratings(root: Path) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of each image's ratings, where the ratings are there."""
    paths = [path for path in sorted(root.rglob("*")) if RATINGS.match(path.name)]
    if not paths:
        return {}
    path = min(paths, key=lambda path: path.suffix.lower() in EXCEL)  # CSV is read much faster
    try:
        sheets = sheet_names(path)
    except DataError as error:
        log.warning("Without sigma: %s", error)
        return {}
    given = defaultdict(list)
    for sheet in ["ALL"] if "ALL" in sheets else sheets:
        for name, rating in _of_sheet(path, sheet):
            given[name].append(rating)
    return {
        name: (statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0)
        for name, values in given.items()
    }


def _of_sheet(path: Path, sheet: str):
    """Yield image and rating of each row of a sheet with the columns Filename and Rating."""
    place, problems = None, []
    for line, row in read_rows(path, sheet or None):
        if place is None:
            names = [cell.lower() for cell in row]
            if not {"filename", "rating"} <= set(names):
                problems.append((line, f"must name the columns Filename and Rating: {row!r}"))
                break
            place = names.index("filename"), names.index("rating")
            continue
        name, rating = (row[k] if k < len(row) else "" for k in place)
        value = number(rating)
        if value is None or not NAME.match(name):
            problems.append((line, f"must be an image's name and a rating: {row!r}"))
        else:
            yield name, value
    fail_on(problems, path)


def _left_out(
    images: ImagesByName, rows: list[dict], scores: dict[str, float], fold: str | None
) -> list[Skipped]:
    taken = {row["path"] for row in rows}
    skipped = []
    for path in images.paths:
        name = Path(path).name
        if path in taken:
            continue
        if not NAME.match(name):
            reason = "name is not that of an image of SCUT-FBP5500, such as AF1.jpg"
        elif name not in scores:
            reason = "no score in the lists"
        else:
            reason = f"not in the lists of fold {fold}" if fold else "there twice"
        skipped.append(Skipped(path, reason))
    return skipped
