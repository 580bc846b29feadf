"""JSON lists of objects, and checks of what annotation files say, with the line of each fault."""

import json
import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.text_files import read_text
from keras_dldl.errors import DataError

SHOWN_PROBLEMS = 10
OLDEST = 120  # years; what is above is a slip of the annotation
_SPACE = re.compile(r"\s*")


def fail_on(problems: Sequence[tuple[int, str]], path: str | os.PathLike) -> None:
    """Raise a DataError that lists `problems`, (line, what is wrong), if there are any."""
    if problems:
        lines = [f"line {line}: {what}" for line, what in problems]
        count = f"{len(lines):,} bad row" + ("s" if len(lines) > 1 else "")
        raise DataError(f"{path}: {count}: {first_few(lines, SHOWN_PROBLEMS, '; ')}")


def check_paths(rows: Iterable[tuple[int, str]], path: Path) -> None:
    """Raise a DataError if two rows of an annotation file, (line, image), name one image."""
    first: dict[str, int] = {}
    problems = []
    for line, image in rows:
        if first.setdefault(image, line) != line:
            problems.append((line, f"{image} stands on line {first[image]} too"))
    fail_on(problems, path)


def number(value: Any) -> float | None:
    """Return a finite number, or None for anything else.

    >>> number("34,5"), number(" 20 "), number("old"), number(True)
    (34.5, 20.0, None, None)
    """
    if isinstance(value, bool):
        return None
    try:
        found = float(value.replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def age_problem(age: Any) -> str | None:
    """Return why `age` cannot be a label in years, or None.

    >>> age_problem(34), age_problem(-1), age_problem("x")
    (None, 'age is not known: -1', "age is not a number: 'x'")
    """
    value = number(age)
    if value is None:
        return f"age is not a number: {age!r}"
    if value < 0:
        return f"age is not known: {age}"
    return None if value <= OLDEST else f"age is not in 0...{OLDEST}: {age}"


def read_objects(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the objects of a JSON list, each with the line on which it begins.

    Raises:
        DataError: the file is cut short, is not JSON, or not a list of objects; names the line.
    """
    text = read_text(path)
    decoder = json.JSONDecoder()
    place = _after_space(text, 0)
    if text[place : place + 1] != "[":
        raise DataError(
            f"{path}: must be a JSON list of objects. Received: a file that begins with "
            f"{text[place : place + 20]!r}"
        )
    objects: list[tuple[int, dict[str, Any]]] = []
    place, line, counted = _after_space(text, place + 1), 1, 0
    while text[place : place + 1] != "]":
        line, counted = line + text.count("\n", counted, place), place
        try:
            found, place = decoder.raw_decode(text, place)
        except ValueError as error:
            raise _not_json(path, line, len(objects)) from error
        if not isinstance(found, dict):
            raise DataError(f"{path}: line {line}: must be an object {{...}}. Received: {found!r}")
        objects.append((line, found))
        place = _after_space(text, place)
        if text[place : place + 1] == ",":
            place = _after_space(text, place + 1)
        elif text[place : place + 1] != "]":
            raise _not_json(path, line, len(objects))
    return objects


def _after_space(text: str, place: int) -> int:
    return _SPACE.match(text, place).end()


def _not_json(path: Path, line: int, whole: int) -> DataError:
    return DataError(
        f"{path}: not whole JSON from line {line} on; was the file cut short? Fetch it again. "
        f"Received: whole objects before that: {whole:,}"
    )
