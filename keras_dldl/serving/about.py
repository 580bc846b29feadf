"""What is known of a served model besides its answers: its name, its errors, its card."""

import json
from pathlib import Path
from typing import Any

from keras_dldl.errors import ModelFileError
from keras_dldl.saved_models import METRICS_FILE, find_model

CARD_FILE = "CARD.md"
# Columns of the manifest that say how the faces were come by, and nothing of the people.
NO_PEOPLE = {"split", "face", "database"}
BY_LABEL = "decade"


def about_model(path: str) -> dict[str, Any] | None:
    """Return what lies beside a model's file: its report and its card.

    Args:
        path: a model's file, a run folder, or a shipped model's name.

    Returns:
        `name`; `mae`, its mean absolute error, and the number of `faces` it was measured on, or
        None; `groups`, a list of `name`, `faces` and `mae`, those by label first; and `card`,
        Markdown, or None. None where there is no such file.
    """
    try:
        found = find_model(path)
    except ModelFileError:
        return None
    if found.is_dir():  # a SavedModel, which has none
        return None
    folder = found.resolve().parent
    metrics = _metrics(folder / METRICS_FILE)
    card = folder / CARD_FILE
    by_column = metrics.get("groups") or {}
    columns = sorted(set(by_column) - NO_PEOPLE, key=lambda column: (column != BY_LABEL, column))
    groups = [
        {
            "name": f"{metrics.get('task', 'label') if column == BY_LABEL else column} {name}",
            "faces": group["n"],
            "mae": group["mae"],
        }
        for column in columns
        for name, group in by_column[column].items()
    ]
    return {
        "name": folder.name,
        "mae": metrics.get("mae"),
        "faces": metrics.get("n"),
        "groups": groups,
        "card": card.read_text(encoding="utf-8") if card.is_file() else None,
    }


def _metrics(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # a report that is missing or damaged stops no server
        return {}
