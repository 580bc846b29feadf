"""AFAD (Niu et al. 2016): 164,432 photos of Asian faces from a social network, ages 15 to 40."""

import re
from pathlib import Path
from typing import Any

from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.data.sources.rows import rows_by_name

NAME = re.compile(r"^(\d{1,3})/(111|112)/(?:(\d+)-\d+\.|[^/]+\.)[a-z]+$", re.IGNORECASE)
GENDERS = {"111": "male", "112": "female"}


class AFAD(Source):
    """The Asian Face Age Dataset: folders `<age>/<111 male or 112 female>/<images>`.

    From Niu, Zhou, Wang, Gao and Hua, "Ordinal Regression with Multiple Output CNN for Age
    Estimation" (2016); the smaller AFAD-Lite has the same layout. Academic research only. Images
    are named `<number>-<k>.jpg`, and the number is taken as the subject, as in the benchmark of
    Paplham and Franc (2024). Images outside such folders are skipped. There is no official split:
    splits are drawn by subject.
    """

    name = "afad"
    summary = "Asian Face Age Dataset: 15/111/638660-0.jpg (111 male, 112 female)"
    licence = "academic research"

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `gender`, and `subject` if the name has it."""
        form = "<age>/<111 or 112>/<image>.jpg, such as 15/111/638660-0.jpg"
        return rows_by_name(root, NAME, form, _row, parts=3)


def _row(match: re.Match, _: Path) -> dict[str, Any]:
    return {
        "label": float(match[1]),
        "subject": f"afad-{match[3]}" if match[3] else None,
        "gender": GENDERS[match[2]],
        "database": "AFAD",
    }
