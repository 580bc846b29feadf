"""Whether faces that were evaluated also stand among the training faces of the same data."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_dldl.data.leaks.fingerprints import faces_seen, read_faces
from keras_dldl.data.leaks.search import find_pairs, groups_of, torn_subjects
from keras_dldl.data.prepared import PreparedData
from keras_dldl.evaluation.inputs import Faces, PreparedFaces

TRAIN = "train"
# Some 700 faces are read a second; that many take about a minute.
QUICK = 50_000


def leak_check(
    faces: Faces,
    asked_for: bool | None = None,
    error: np.ndarray | None = None,
    remembered: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Search the evaluated part for pictures and people of the training part.

    It is the search of `keras-dldl check`, over these two parts alone. What else the model was
    trained on is known only where its file remembers it, see `data.leaks.fingerprints`.

    Args:
        faces: what was evaluated.
        asked_for: True searches, False does not, None does where it is quick.
        error: (N,) absolute errors of `faces.rows`.
        remembered: what the model's card has of its training images.

    Returns:
        `faces_seen` (evaluated faces that the model was trained on, None where it remembers none),
        `seen_complete` (whether it remembers all), `checked`, and where False `reason`; else
        `split`, `faces` and `train_faces` (how many were compared), `faces_in_train` (evaluated
        faces of which a copy is in training), `mae_without` (the MAE of the rows that have no copy
        there, and were not trained on; None where all or none have, or without errors),
        `subjects_in_train` (people in both, None where the data names none), `unreadable`.

    Raises:
        DataError: no face can be read.
    """
    seen, keys = None, []
    if isinstance(faces, PreparedFaces) and asked_for is not False:
        keys = list(zip(faces.folder_numbers.tolist(), faces.rows["path"], strict=True))
        seen = faces_seen(remembered, faces.data, faces.split)
        seen = None if seen is None else seen & set(keys)
    known = {
        "faces_seen": None if seen is None else len(seen),
        "seen_complete": seen is not None and bool(remembered and remembered.get("complete")),
    }
    reason = _reason_against(faces, asked_for)
    if reason:
        return {"checked": False, "reason": reason, **known}
    copied, found = _search(faces.data, faces.split, set(keys))
    alone = np.array([key not in copied and key not in (seen or ()) for key in keys])
    some = error is not None and alone.any() and not alone.all()
    found["mae_without"] = float(error[alone].mean()) if some else None
    return {"checked": True, **found, **known}


def _reason_against(faces: Faces, asked_for: bool | None) -> str:
    if not isinstance(faces, PreparedFaces):
        return "images of a manifest have no training part beside them"
    if faces.split == TRAIN:
        return "the training faces themselves were evaluated"
    if TRAIN not in faces.data.splits:
        return "the data has no training part"
    if asked_for is False:
        return "it was not asked for; evaluate --leak-check runs it"
    count = sum(len(faces.data.rows(split)) for split in (TRAIN, faces.split))
    if asked_for is None and count > QUICK:
        return f"{count:,} faces would take over a minute; --leak-check does it all the same"
    return ""


def _search(
    data: PreparedData, split: str, keys: set[tuple[int, str]]
) -> tuple[set[tuple[int, str]], dict[str, Any]]:
    """Return folder and path of the faces that have a copy in training, and the counts.

    Args:
        data: prepared data.
        split: its part that was evaluated.
        keys: folder and path of the faces of that part that were.
    """
    read = read_faces(data, (TRAIN, split))
    places = zip(read.table["folder"].tolist(), read.table["path"], strict=True)
    wanted = read.table["split"].to_numpy(object) == TRAIN
    wanted |= np.fromiter((place in keys for place in places), bool, len(wanted))
    table = read.table[wanted].reset_index(drop=True)
    parts = table["split"].to_numpy(object)
    pairs = find_pairs(read.prints.take(np.flatnonzero(wanted)), parts)
    groups = groups_of(pairs, len(parts))
    evaluated = parts == split
    copied = table[evaluated & np.isin(groups, groups[~evaluated])]
    named = "subject" in table and bool(table["subject"].notna().any())
    return set(zip(copied["folder"].tolist(), copied["path"], strict=True)), {
        "split": split,
        "faces": int(evaluated.sum()),
        "train_faces": int((~evaluated).sum()),
        "faces_in_train": len(copied),
        "subjects_in_train": len(torn_subjects(table, data)) if named else None,
        "unreadable": len(read.unreadable),
    }
