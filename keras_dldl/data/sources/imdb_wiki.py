"""IMDB-WIKI (Rothe, Timofte, Van Gool 2015): 523,051 photos from IMDb and Wikipedia."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl.data.annotations.matlab import read_struct
from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.data.sources.rows import Rows, check_images, rows_of_parts
from keras_dldl.errors import ConfigError

FILES = {"imdb": "imdb.mat", "wiki": "wiki.mat"}  # structure: file
FIELDS = ("dob", "photo_taken", "full_path", "gender", "face_score", "second_face_score")
OPTIONAL = ("name", "celeb_id")
GENDERS = {0.0: "female", 1.0: "male"}
EPOCH = 719_529  # MATLAB's number of 1 January 1970


class ImdbWiki(Source):
    """IMDB-WIKI: `imdb.mat` or `wiki.mat` or both, each beside its numbered folders of images.

    From Rothe, Timofte and Van Gool, "DEX: Deep EXpectation of apparent age from a single image"
    (2015) and "Deep expectation of real and apparent age from a single image without facial
    landmarks" (2018). Academic research only. The age is that of 1 July of the year in which the
    photo was taken, as the authors say. The celebrity's name is the subject, in both parts.
    Skipped are rows without a face (score -Inf), with a second face, which may be that of the
    celebrity, without a date, and with an age outside 0...120. There is no official split: splits
    are drawn by subject.

    Args:
        min_face_score: skip faces of which the authors' detector was less sure; None: none.
        max_second_face_score: keep photos whose second face has at most this score; None: skip
            every photo with a second face.
    """

    name = "imdb-wiki"
    summary = "IMDB-WIKI: imdb.mat, wiki.mat beside their folders of images"
    licence = "academic research"
    options = ("min_face_score", "max_second_face_score")

    def __init__(
        self, min_face_score: float | None = None, max_second_face_score: float | None = None
    ):
        for name, value in (
            ("min_face_score", min_face_score),
            ("max_second_face_score", max_second_face_score),
        ):
            if value is not None and not abs(value) < float("inf"):
                raise ConfigError(f"`{name}` must be a finite number. Received: {name}={value}")
        self.min_face_score = min_face_score
        self.max_second_face_score = max_second_face_score

    def read(self, root: Path) -> SourceRows:
        """Return a row a photo, with `subject` and `gender` where known."""
        return rows_of_parts(root, FILES, "imdb.mat or wiki.mat", partial(self._part, root))

    def _part(self, root: Path, struct: str, path: Path) -> SourceRows:
        fields = read_struct(path, struct, FIELDS, OPTIONAL)
        folder = path.parent.relative_to(root).as_posix()
        prefix = "" if folder == "." else f"{folder}/"
        paths = [prefix + name for name in fields["full_path"]]
        check_images(root, paths, path)
        rows = Rows(
            {
                "path": paths,
                "label": age_at_mid_year(fields["dob"], fields["photo_taken"]),
                "subject": _subjects(struct, fields),
                "gender": [GENDERS.get(code) for code in fields["gender"].tolist()],
                "database": struct.upper(),
            },
            path,
        )
        score, second = fields["face_score"], fields["second_face_score"]
        rows.note(~np.isfinite(score), "face score missing, so no face was found")
        if self.min_face_score is not None:
            rows.note(score < self.min_face_score, f"face score below {self.min_face_score:g}")
        if self.max_second_face_score is None:
            rows.note(~np.isnan(second), "second face")
        else:
            limit = self.max_second_face_score
            rows.note(second > limit, f"second face with a score above {limit:g}")
        rows.note(rows.table["label"].isna(), "date of birth or year of photo missing")
        rows.check_ages()
        return rows.result()


def age_at_mid_year(born: np.ndarray, year: np.ndarray) -> np.ndarray:
    """Return the age in whole years on 1 July of a year, as the authors compute it.

    Args:
        born: (N,) MATLAB day numbers (719529 is 1 January 1970), float64.
        year: (N,) years, float64.

    Returns:
        (N,) float64, NaN where a number is missing.

    >>> import numpy as np
    >>> age_at_mid_year(np.array([719529.0, 719710.0, 719711.0]), np.array([2000.0] * 3)).tolist()
    [30.0, 30.0, 29.0]
    """
    known = np.isfinite(born) & np.isfinite(year)
    days = np.where(known, np.floor(born) - EPOCH, 0).astype("int64").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    month = months.astype("int64") % 12 + 1
    first_of_month = days == months.astype("datetime64[D]")
    birth_year = days.astype("datetime64[Y]").astype("int64") + 1970
    birthday_to_come = (month > 7) | ((month == 7) & ~first_of_month)
    return np.where(known, year - birth_year - birthday_to_come, np.nan)


def _subjects(struct: str, fields: dict[str, Any]) -> list[str | None]:
    """Return a name a row; for those without one the number, which is the part's own."""
    names = fields.get("name", [""] * len(fields["full_path"]))
    numbers = fields.get("celeb_id")
    ids = [""] * len(names) if numbers is None else [f"{struct}-{k:.0f}" for k in numbers.tolist()]
    return [
        " ".join(name.split()) or number or None for name, number in zip(names, ids, strict=True)
    ]
