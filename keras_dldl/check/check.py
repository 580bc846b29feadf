"""The leak check: read once, search, and say what was found."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_dldl._utils import files
from keras_dldl._utils.arguments import check_integer, check_number
from keras_dldl.check.page import page_html
from keras_dldl.check.weights import contradicted, proposed_weights
from keras_dldl.data.leaks.fingerprints import ReadFaces, read_faces
from keras_dldl.data.leaks.search import (
    CopyPairs,
    by_part,
    find_pairs,
    groups_of,
    held_out_rank,
    leaking,
    torn_subjects,
)
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import ConfigError
from keras_dldl.evaluation.groups import decades, grouping_columns
from keras_dldl.labels import LabelGrid

FORMAT_VERSION = 1
HTML_NAME, JSON_NAME, WEIGHTS_NAME = "check.html", "check.json", "image_weights.csv"
BINS = 10
# Of no use as a group: it is the part itself, or says whose the face is.
NOT_GROUPS = ("split", "subject", "folder", "decade")


@dataclass(frozen=True)
class CheckOptions:
    """What counts, and how much is shown.

    Args:
        similarity: least correlation of fine detail of two pictures that are one, above 0 and at
            most 1; identical files count in any case. None: 0.88, or more where different faces of
            the data are as similar, as drawn ones are.
        label_tolerance: labels of one picture may differ by this much, in the label's unit; None
            means one step of the label grid.
        show: most pairs shown in each section of the page; `check.json` lists all.
        predictions: files `predictions.csv` of `keras-dldl evaluate` on the training split: labels
            that differ from a model's value by more than `max_error` are proposed to be left out.
        max_error: in the label's unit; above 0.
    """

    similarity: float | None = None
    label_tolerance: float | None = None
    show: int = 100
    predictions: tuple[str, ...] = ()
    max_error: float | None = None

    def __post_init__(self):
        if self.similarity is not None:
            check_number("similarity", self.similarity, minimum=0, exclusive=True)
        if (self.similarity or 0) > 1:
            raise ConfigError(
                "`similarity` must be above 0 and at most 1. "
                f"Received: similarity={self.similarity!r}"
            )
        if self.label_tolerance is not None:
            check_number("label_tolerance", self.label_tolerance, minimum=0)
        check_integer("show", self.show, minimum=0)
        if self.max_error is not None:
            check_number("max_error", self.max_error, minimum=0, exclusive=True)
        if bool(self.predictions) != (self.max_error is not None):
            raise ConfigError(
                "`predictions` and `max_error` go together: the file, and how far its values may be"
                f" off. Received: predictions={list(self.predictions)}, max_error={self.max_error}"
            )


@dataclass(frozen=True)
class Check:
    """What a check found.

    Keys of `check.json`, where a face is `folder` (its number in `folders`), `path`, `part`,
    `label` and `subject`:

    - `format`, `folders`, `settings`;
    - `counts`: of faces, pairs, leaking faces by part, contradictions, weights under 1;
    - `labels`, `groups`, `sizes`: {band of labels: {part: faces}}, the same by the values of each
      column, and {"112 x 112": faces};
    - `subjects`: people in two parts, with `database`, `subject` and `parts`;
    - `leaking_faces`: those that `--drop-leaks` would leave out, each with `also`, the one that
      stays;
    - `pairs`: `kind` (identical, near, mirrored), `similarity`, `between_parts`,
      `label_difference`, `label_conflict`, `first` and `second`; the least similar first, those
      between parts before others. Of over 16 copies of one picture not every pair is listed;
    - `contradicted`: faces that the given predictions miss, with `error`, the largest first;
    - `unreadable`: `path` and `reason`.

    Args:
        content: what `check.json` holds.
        data: the prepared data, for the pictures of the page.
        weights: what `image_weights.csv` holds: how much training images should count.
    """

    content: dict[str, Any]
    data: PreparedData
    weights: pd.DataFrame

    @property
    def leaks(self) -> bool:
        """Whether a picture or a person is in more than one part."""
        found = self.content["counts"]
        return bool(sum(found["leaking_faces"].values()) or found["torn_subjects"])

    def save(self, out: str | os.PathLike) -> list[Path]:
        """Write `check.json`, `check.html` and `image_weights.csv` into `out`; return the paths.

        Raises:
            OSError: `out` cannot be written.
        """
        out = Path(out)
        files.write_json(out / JSON_NAME, self.content)
        files.write_text(out / HTML_NAME, page_html(self.content, self.data))
        files.write_table(out / WEIGHTS_NAME, self.weights)
        return [out / JSON_NAME, out / HTML_NAME, out / WEIGHTS_NAME]


def check(*folders: str | os.PathLike, options: CheckOptions | None = None) -> Check:
    """Look for leaks, copies and contradictions in prepared data.

    Args:
        *folders: folders that `prepare` wrote; several are looked at as one data set.
        options: see there.

    Raises:
        ConfigError: a folder is given twice.
        DataError: a folder is not prepared data, folders do not agree in grid or alignment, or no
            face can be read.

    >>> check("data/mine").content["counts"]["parts"]
    {'train': 40, 'val': 40, 'test': 0}
    """
    options = options or CheckOptions()
    places = [Path(folder).resolve() for folder in folders]
    if len(set(places)) < len(places):
        raise ConfigError(
            "Each data folder may be given once; against itself, all of it would be a copy. "
            f"Received: {', '.join(map(str, folders))}"
        )
    data = PreparedData(*folders)
    faces = read_faces(data)
    parts = faces.table["split"].to_numpy(object)
    pairs = find_pairs(faces.prints, parts, options.similarity)
    tolerance = data.grid.step if options.label_tolerance is None else options.label_tolerance
    listed = _pair_items(faces.table, parts, pairs, float(tolerance))
    groups = groups_of(pairs, len(parts))
    leaks = leaking(parts, groups)
    errors = contradicted(faces.table, data, options.predictions, options.max_error)
    table = faces.table.assign(contradicted=errors)
    weights = proposed_weights(table, groups, leaks, float(tolerance))
    torn = torn_subjects(faces.table, data)
    sizes = np.unique(faces.prints.sizes, axis=0, return_counts=True)
    bands = _bands(faces.table["label"].to_numpy(np.float64), data.grid)
    content = {
        "format": FORMAT_VERSION,
        "folders": [str(folder.path) for folder in data.folders],
        "settings": {
            **asdict(options),
            "similarity": round(pairs.least, 4),
            "label_tolerance": float(tolerance),
            "predictions": list(options.predictions),
        },
        "counts": _found(faces, parts, listed, leaks, torn, weights),
        "labels": _crossed(bands, parts),
        "groups": _group_counts(faces.table, bands, data.grid.task),
        "sizes": {f"{w} x {h}": int(n) for (w, h), n in zip(*sizes, strict=True)},
        "subjects": torn,
        "leaking_faces": [
            {**_face(faces.table, i), "also": _face(faces.table, k)} for i, k in leaks.items()
        ],
        "pairs": listed,
        "contradicted": _contradicted(table),
        "unreadable": [asdict(item) for item in faces.unreadable],
    }
    names = [folder.name for folder in data.folders]
    return Check(content, data, weights.assign(folder=[names[k] for k in weights["folder"]]))


def _contradicted(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the faces whose labels a model contradicts, the largest errors first."""
    errors = table["contradicted"].to_numpy(np.float64)
    order = np.argsort(-errors, kind="stable")  # NaN goes last
    return [
        {**_face(table, i), "error": round(float(errors[i]), 4)}
        for i in order[: np.isfinite(errors).sum()].tolist()
    ]


def _found(faces: ReadFaces, parts, listed, leaks, torn, weights) -> dict[str, Any]:
    within = [pair["first"]["part"] for pair in listed if not pair["between_parts"]]
    return {
        "faces": len(faces.table),
        "parts": by_part(parts),
        "leaking_faces": by_part(parts[list(leaks)]),
        "pairs_between_parts": len(listed) - len(within),
        "pairs_within_parts": by_part(np.array(within, object)),
        "label_conflicts": sum(pair["label_conflict"] for pair in listed),
        "torn_subjects": len(torn),
        "unreadable": len(faces.unreadable),
        "images_of_weight_0": int((weights["weight"] == 0).sum()),
        "images_of_less_weight": int((weights["weight"] > 0).sum()),
    }


def _pair_items(
    table: pd.DataFrame, parts: np.ndarray, pairs: CopyPairs, tolerance: float
) -> list[dict[str, Any]]:
    """Return the pairs as JSON has them: between parts first, the least similar first."""
    labels = table["label"].to_numpy(np.float64)
    between, rank = parts[pairs.first] != parts[pairs.second], held_out_rank(parts)
    items = []
    for k in np.lexsort((pairs.second, pairs.first, pairs.similarity, ~between)).tolist():
        # The face that is held out less comes first: it is the one to go.
        first, second = sorted(
            (int(pairs.first[k]), int(pairs.second[k])),
            key=lambda i: (rank[i], i),
        )
        difference = abs(float(labels[first] - labels[second]))
        items.append(
            {
                "kind": str(pairs.kind[k]),
                "similarity": round(float(pairs.similarity[k]), 4),
                "between_parts": bool(between[k]),
                "label_difference": round(difference, 6),
                "label_conflict": difference > tolerance + 1e-9,
                "first": _face(table, first),
                "second": _face(table, second),
            }
        )
    return items


def _face(table: pd.DataFrame, i: int) -> dict[str, Any]:
    row = {name: table[name].iloc[i] for name in ("folder", "path", "split", "label")}
    subject = table["subject"].iloc[i] if "subject" in table else None
    return {
        "folder": int(row["folder"]),
        "path": str(row["path"]),
        "part": str(row["split"]),
        "label": float(row["label"]),
        "subject": subject if isinstance(subject, str) else None,
    }


def _group_counts(
    table: pd.DataFrame, bands: np.ndarray, task: str
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return {column: {value: faces in each part, and the labels' bands}}."""
    parts, found = table["split"].to_numpy(object), {}
    for column in grouping_columns(table, task=task):
        if column in NOT_GROUPS:
            continue
        values = table[column].astype(object).where(table[column].notna(), "(none)").astype(str)
        found[column] = {
            value: {"parts": by_part(parts[mask]), "labels": _crossed(bands[mask], parts[mask])}
            for value in sorted(values.unique())
            for mask in [(values == value).to_numpy()]
        }
    return found


def _bands(label: np.ndarray, grid: LabelGrid) -> np.ndarray:
    """Return the decade of each age, or the tenth of the grid in which each label lies."""
    if grid.task == "age":
        return decades(label).astype(object)
    width = (grid.stop - grid.start) / BINS
    index = np.clip(np.floor((label - grid.start) / width + 1e-9).astype(int), 0, BINS - 1)
    names = [f"{grid.start + k * width:g}-{grid.start + (k + 1) * width:g}" for k in range(BINS)]
    return np.array(names, object)[index]


def _crossed(bands: np.ndarray, parts: np.ndarray) -> dict[str, dict[str, int]]:
    ordered = sorted(set(bands), key=lambda band: float(band.partition("-")[0]))
    return {band: by_part(parts[bands == band]) for band in ordered}
