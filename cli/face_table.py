"""The table that `keras-dldl predict --csv` writes."""

from csv import DictWriter
from pathlib import Path
from typing import Any

import click

COLUMNS = (
    "path", "number", "value", "std", "low", "high", "level", "x", "y", "width", "height", "roll",
    "score", "faces_found", "calibrated", "warnings", "error",
)  # fmt: skip


def rows_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row a face, or one with the error, of an image's item of `--json`."""
    image = {"path": click.format_filename(item["path"]), "error": item["error"]}
    return [image | _cells(face) for face in item["faces"]] or [image]


def _cells(face: dict[str, Any]) -> dict[str, Any]:
    cells = {column: face[column] for column in COLUMNS if column in face}
    cells |= zip(("low", "high"), face["interval"], strict=True)
    cells |= zip(("x", "y", "width", "height"), face["box"] or [None] * 4, strict=True)
    return cells | {"warnings": " ".join(warning["code"] for warning in face["warnings"])}


def write_rows(place: Path, rows: list[dict[str, Any]]) -> None:
    """Write the table, of `rows_of`."""
    # The mark at the beginning tells Excel that it is UTF-8.
    with open(place, "w", encoding="utf-8-sig", newline="") as stream:
        writer = DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
