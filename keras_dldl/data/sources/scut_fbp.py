"""SCUT-FBP (Xie et al. 2015): 500 faces of Asian women with ratings of attractiveness."""

import re
from pathlib import Path

from keras_dldl.data.annotations.reading import fail_on, number, read_rows
from keras_dldl.data.sources.base import Skipped, Source, SourceRows
from keras_dldl.data.sources.rows import ImagesByName, check_folder, only_file
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid

IMAGES = "Data_Collection"
NUMBER = re.compile(r"^(?:SCUT-FBP-)?(\d+)(?:\.0)?(?:\.jpg)?$", re.IGNORECASE)
RATED = re.compile(r"^SCUT-FBP-\d+\.jpg$", re.IGNORECASE)


class ScutFBP(Source):
    """SCUT-FBP: 500 portraits, each rated 1 to 5 by some 75 people.

    From "SCUT-FBP: A Benchmark Dataset for Facial Beauty Perception" (Xie, Liang, Jin, Xu and Li,
    SMC 2015). Non-commercial research use only.

    Layout: `Data_Collection/SCUT-FBP-1.jpg` ... and `Rating_Collection/Attractiveness label.xlsx`
    with the columns image number, mean, standard deviation below a line of names; the same as CSV
    does as well. Where an image is there in several forms, that in `Data_Collection` is taken. The
    Excel file needs the package openpyxl (`pip install "keras-dldl[excel]"`).

    The label is the mean, `sigma` the standard deviation. No splits are published. Images without a
    rating are skipped.

    Args:
        annotations: the file of ratings; default: the only "Attractiveness label" file in the root.
    """

    name = "scut-fbp"
    summary = "SCUT-FBP: Data_Collection/SCUT-FBP-1.jpg, Attractiveness label.xlsx or .csv"
    options = ("annotations",)
    licence = "non-commercial research"

    def __init__(self, annotations: str | Path | None = None):
        self.annotations = annotations

    def grid(self) -> LabelGrid:
        """Return 1 to 5 points, step 0.1."""
        return LabelGrid.scut_fbp()

    def read(self, root: Path) -> SourceRows:
        """Return a row a rated image, with `sigma` where it is known."""
        check_folder(root, "the images and ratings of SCUT-FBP")
        patterns = [f"[Aa]ttractiveness*[Ll]abel*{suffix}" for suffix in (".xlsx", ".csv", ".txt")]
        wanted = "the ratings, Attractiveness label.xlsx or .csv"
        path = only_file(root, patterns, wanted, "--annotations", self.annotations)
        images = ImagesByName(root, "images named SCUT-FBP-<number>.jpg")
        rows = []
        for which, mean, sigma in _ratings(path):
            name = f"SCUT-FBP-{which}.jpg"
            anywhere = images.find(name, f"{IMAGES}/{name}")
            image = images.find(name, anywhere, lambda path: IMAGES in path)
            about = {"gender": "female", "race": "asian", "database": "SCUT-FBP"}
            rows.append({"path": image, "label": mean, "sigma": sigma, **about})
        taken = {Path(row["path"]).name.lower() for row in rows}
        skipped = [
            Skipped(image, "no rating in the file of ratings")
            for image in images.paths
            if RATED.match(Path(image).name) and Path(image).name.lower() not in taken
        ]
        return SourceRows.from_dicts(rows, skipped)


def _ratings(path: Path) -> list[tuple[int, float, float | None]]:
    found: dict[int, tuple[float, float | None]] = {}
    problems = []
    for k, (line, row) in enumerate(read_rows(path)):
        match, values = NUMBER.match(row[0]), [number(cell) for cell in row[1:3]]
        if k == 0 and (match is None or not values or values[0] is None):
            continue  # the header
        if match is None or not values or values[0] is None:
            problems.append((line, f"must be image number, mean, standard deviation: {row!r}"))
        elif int(match[1]) in found:
            problems.append((line, f"image {match[1]} is rated on another line too"))
        else:
            found[int(match[1])] = (values[0], values[1] if len(values) > 1 else None)
    fail_on(problems, path)
    if not found:
        raise DataError(f"{path}: must hold ratings. Received: no row of them")
    return [(which, *found[which]) for which in sorted(found)]
