"""The Chicago Face Database (Ma, Correll and Wittenbrink 2015): 597 faces, rated 1 to 7."""

import re
from pathlib import Path

from keras_dldl.data.annotations.reading import Row, fail_on, number, read_rows, sheet_names
from keras_dldl.data.sources.base import Skipped, Source, SourceRows
from keras_dldl.data.sources.rows import ImagesByName, check_folder, only_file
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid

IMAGE = re.compile(r"^CFD-([A-Z]{2}-\d{3})-\d{3}-([A-Z]{1,2})\.jpe?g$", re.IGNORECASE)
MODEL = re.compile(r"^([ABLW])([FM])-\d{3}$", re.IGNORECASE)
RACES = {"A": "asian", "B": "black", "L": "latino", "W": "white"}
GENDERS = {"F": "female", "M": "male"}
NAMES_OF_MODEL = ("model", "target")
SHEET = re.compile(r"^CFD (U\.S\. |[\d.]+ )?Norming Data$", re.IGNORECASE)
HEADER_WITHIN = 20  # rows; the published sheets have it on the fifth or eighth


class CFD(Source):
    """The Chicago Face Database: 597 people, rated 1 to 7 for attractiveness.

    From "The Chicago Face Database: A Free Stimulus Set of Faces and Norming Data" (Ma, Correll and
    Wittenbrink, Behavior Research Methods 2015). Free for non-commercial research.

    Layout: images named `CFD-WF-001-003-N.jpg` (race and gender, number of the model, number of the
    photo, expression) anywhere below the root, and "CFD 3.0 Norming Data and Codebook.xlsx" (or an
    older one, or the sheet of norming data of the main set as CSV) with the columns Model (or
    Target) and Attractive below some lines of titles. The Excel file needs the package openpyxl
    (`pip install "keras-dldl[excel]"`).

    The label is the mean rating, which is of the neutral photo; a nameless column beside it holds
    the standard deviation in newer files and becomes `sigma`. `subject` is the model. No splits are
    published.

    Skipped are photos of other expressions, which were not rated, and those of the extensions
    CFD-MR and CFD-INDIA, whose raters were asked another question.

    Args:
        annotations: the file of norming data; default: the only one in the root.
    """

    name = "cfd"
    summary = "Chicago Face Database: CFD-WF-001-003-N.jpg, Norming Data .xlsx or .csv"
    options = ("annotations",)
    licence = "non-commercial research"

    def __init__(self, annotations: str | Path | None = None):
        self.annotations = annotations

    def grid(self) -> LabelGrid:
        """Return 1 to 7 points, step 0.1."""
        return LabelGrid.cfd()

    def read(self, root: Path) -> SourceRows:
        """Return a row a model, with `sigma` where it is known."""
        check_folder(root, "the images and norming data of the Chicago Face Database")
        patterns = ["*[Nn]orming*.xlsx", "*[Nn]orming*.csv"]
        wanted = "the norming data, CFD 3.0 Norming Data and Codebook.xlsx"
        path = only_file(root, patterns, wanted, "--annotations", self.annotations)
        ratings = _ratings(path)
        photos, skipped = _neutral(root, ratings)
        rows = []
        for model, (mean, sigma) in sorted(ratings.items()):
            race, gender = MODEL.match(model).groups()
            path = photos.get(model, f"Images/CFD/{model}/CFD-{model}-N.jpg")
            about = {"gender": GENDERS[gender], "race": RACES[race], "database": "CFD"}
            rows.append(
                {"path": path, "label": mean, "sigma": sigma, "subject": f"cfd-{model}", **about}
            )
        return SourceRows.from_dicts(rows, skipped)


def _neutral(root: Path, ratings: dict) -> tuple[dict[str, str], list[Skipped]]:
    """Return the neutral photo of each rated model, and the photos left out."""
    photos: dict[str, str] = {}
    skipped = []
    for path in ImagesByName(root, "images named CFD-WF-001-003-N.jpg").paths:
        match = IMAGE.match(Path(path).name)
        model = match[1].upper() if match else None
        if match is None:
            reason = "name is not such as CFD-WF-001-003-N.jpg"
        elif model not in ratings:
            reason = "no rating in the norming data of the main set"
        elif match[2].upper() != "N":
            reason = "not the neutral photo, which was rated"
        elif model in photos:
            reason = f"{model} has a neutral photo already: {photos[model]}"
        else:
            photos[model] = path
            continue
        skipped.append(Skipped(path, reason))
    return photos, skipped


def _ratings(path: Path) -> dict[str, tuple[float, float | None]]:
    """Return mean and standard deviation of the ratings of each model."""
    names = sheet_names(path)
    sheet = next((name for name in names if SHEET.match(name)), names[0])
    rows = list(read_rows(path, sheet or None))
    start, model_at, mean_at, sigma_at = _columns(rows, path)
    found: dict[str, tuple[float, float | None]] = {}
    problems = []
    for line, row in rows[start:]:
        model = row[model_at].upper() if model_at < len(row) else ""
        if not MODEL.match(model):
            continue  # a line of the codebook: questions, scales, notes
        mean = number(row[mean_at]) if mean_at < len(row) else None
        if mean is None or model in found:
            what = "is there twice" if model in found else "has no rating of attractiveness"
            problems.append((line, f"{model} {what}"))
            continue
        known = sigma_at is not None and sigma_at < len(row)
        found[model] = (mean, number(row[sigma_at]) if known else None)
    fail_on(problems, path)
    if not found:
        raise DataError(f"{path}: must hold models such as WF-001. Received: no row of them")
    return found


def _columns(rows: list[Row], path: Path) -> tuple[int, int, int, int | None]:
    """Return the row after the header, and the columns of model, mean and standard deviation."""
    for k, (_, row) in enumerate(rows[:HEADER_WITHIN]):
        names = [cell.lower() for cell in row]
        model = next((names.index(name) for name in NAMES_OF_MODEL if name in names), None)
        if model is not None and "attractive" in names:
            mean = names.index("attractive")
            beside = mean + 1 < len(names) and names[mean + 1] in ("", "sd", "attractive_sd")
            return k + 1, model, mean, mean + 1 if beside else None
    raise DataError(
        f"{path}: must have a line with the columns Model (or Target) and Attractive among its "
        f"first {HEADER_WITHIN}. Received: {len(rows):,} rows without"
    )
