"""The files that results are written to: names that take nothing away, the table of faces."""

import os
from collections.abc import Callable, Iterable
from csv import DictWriter
from pathlib import Path
from typing import Any

import click

from keras_dldl.cli.options import reason_of

LONGEST_STEM = 255 - 20  # file systems take names of 255 bytes; "-annotated-12345.png" is to fit
COLUMNS = (
    "path", "number", "value", "std", "low", "high", "level", "x", "y", "width", "height", "roll",
    "score", "faces_found", "calibrated", "warnings", "error",
)  # fmt: skip


def rows_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row a face, or one with the error, of an image's item of `--json`."""
    image = {"path": click.format_filename(item["path"]), "error": item["error"]}
    rows = []
    for face in item["faces"]:
        row = image | {column: face[column] for column in COLUMNS if column in face}
        row |= zip(("low", "high"), face["interval"], strict=True)
        row |= zip(("x", "y", "width", "height"), face["box"] or [None] * 4, strict=True)
        row["warnings"] = " ".join(warning["code"] for warning in face["warnings"])
        rows.append(row)
    return rows or [image]


def write_rows(place: Path, rows: list[dict[str, Any]]) -> None:
    """Write the table, of `rows_of`."""
    # The mark at the beginning makes Excel read it as UTF-8.
    with open(place, "w", encoding="utf-8-sig", newline="") as stream:
        writer = DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


class Names:
    """Gives each picture a name of its own, also where two images have the same name.

    Args:
        folder: where the pictures go.
        ending: what follows the image's name, as in "photo-annotated.png".
        taken: files that must not be written.
    """

    def __init__(self, folder: str | os.PathLike, ending: str, taken: Iterable[str] = ()):
        self._folder, self._ending = Path(folder), ending
        self._taken = {Path(path).resolve() for path in taken}

    def next(self, image: str) -> Path:
        """Return the place of the next picture of `image`."""
        stem = Path(image).stem
        while len(os.fsencode(stem)) > LONGEST_STEM:
            stem = stem[:-1]
        number, place = 1, self._folder / f"{stem}-{self._ending}.png"
        while place.resolve() in self._taken:
            number += 1
            place = self._folder / f"{stem}-{self._ending}-{number}.png"
        self._taken.add(place.resolve())
        return place


def refuse_overwriting(option: str, targets: Iterable[Path], others: Iterable) -> None:
    """Raise a `click.UsageError` if a target is one of the other files."""
    taken = {Path(path).resolve() for path in others}
    for target in targets:
        if target.resolve() in taken:
            raise click.UsageError(
                f"{option} must not overwrite an IMAGE or another result. Received: {target}"
            )


def is_written(target: str | os.PathLike, write: Callable[..., None], *arguments: Any) -> bool:
    """Have `write` write to `target` atomically; report a failure and return False."""
    from keras_dldl._utils.files import atomic_path

    try:
        with atomic_path(target) as temporary:
            write(temporary, *arguments)
    except (OSError, ValueError) as error:
        reason = reason_of(error).removesuffix(f": {target}")
        click.echo(f"{click.format_filename(target)}: {reason}", err=True)
        return False
    return True
