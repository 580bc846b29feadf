"""One picture, and one person, in several parts: pairs of faces, the groups they form, subjects."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from keras_dldl.data.leaks.candidates import Groups, candidate_pairs
from keras_dldl.data.leaks.fingerprints import Fingerprints
from keras_dldl.data.leaks.likeness import Likeness
from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedData

# Found on 25,600 real faces: copies that were re-encoded, resized, mirrored, brightened, cropped
# and aligned again are above 0.93, all but one in two hundred; other photos below 0.86.
SIMILARITY = 0.88
IDENTICAL, NEAR, MIRRORED = "identical", "near", "mirrored"


@dataclass(frozen=True)
class CopyPairs:
    """M pairs of faces that are one picture.

    Args:
        first: (M,) index of a face.
        second: (M,) index of another one.
        kind: (M,) "identical" (byte for byte), "near" or "mirrored".
        similarity: (M,) correlation of detail, `least` ... 1.
        least: what counted as one picture.
    """

    first: np.ndarray
    second: np.ndarray
    kind: np.ndarray
    similarity: np.ndarray
    least: float = SIMILARITY

    def __len__(self) -> int:
        return len(self.first)


def find_pairs(
    prints: Fingerprints, parts: np.ndarray, similarity: float | None = None
) -> CopyPairs:
    """Return the pairs of faces that are one picture.

    Identical images are paired with one of them only, one in the part that is held out most, and
    just that one is compared with other images. So k copies make k - 1 pairs.

    Args:
        prints: N fingerprints.
        parts: (N,) "train", "val" or "test".
        similarity: the least that counts. None: 0.88, or what different pictures of this set reach
            by chance, if that is more, as in faces of one drawing.
    """
    representative = _representatives(prints.digests, parts)
    copies = np.flatnonzero(representative != np.arange(len(prints)))
    alone = np.flatnonzero(representative == np.arange(len(prints)))
    likeness = Likeness(prints.thumbs[alone])
    if similarity is None:
        similarity = max(SIMILARITY, likeness.most_by_chance(prints.thumbs[alone]))
    first, second, kind, values = _near_pairs(prints.thumbs[alone], likeness, similarity)
    pairs = CopyPairs(
        np.concatenate([representative[copies], alone[first]]),
        np.concatenate([copies, alone[second]]),
        np.concatenate([np.full(len(copies), IDENTICAL, object), kind]),
        np.concatenate([np.ones(len(copies), np.float32), values]),
        similarity,
    )
    return _once(pairs)


def groups_of(pairs: CopyPairs, count: int) -> np.ndarray:
    """Return (count,) for each face the lowest index in its group: faces joined by pairs."""
    groups = Groups(count)
    groups.join(pairs.first, pairs.second)
    return groups.labels


def held_out_rank(parts: np.ndarray) -> np.ndarray:
    """Return (N,) 0 for training, 1 for validation, 2 for test.

    >>> held_out_rank(np.array(["test", "train"])).tolist()
    [2, 0]
    """
    return np.array([SPLITS.index(part) for part in parts], np.int64)


def leaking(parts: np.ndarray, groups: np.ndarray) -> dict[int, int]:
    """Return the faces that stand in a part that is held out more too: index -> index there.

    Of every group, only the faces in the part that is held out most do not leak.

    Args:
        parts: (N,) "train", "val" or "test".
        groups: (N,) as `groups_of` returns them.

    >>> parts = np.array(["train", "val", "train", "test"])
    >>> leaking(parts, np.array([0, 0, 2, 0]))
    {0: 3, 1: 3}
    """
    rank = held_out_rank(parts)
    keeper: dict[int, int] = {}
    for i in np.lexsort((np.arange(len(rank)), -rank)).tolist():
        keeper.setdefault(int(groups[i]), i)
    kept = [keeper[group] for group in groups.tolist()]
    return {i: k for i, k in enumerate(kept) if rank[i] < rank[k]}


def torn_subjects(table: pd.DataFrame, data: PreparedData) -> list[dict[str, Any]]:
    """Return the people with faces in more than one part, and how many faces in each.

    The names of two data sets have nothing to do with each other: one person is a `subject` of one
    `database`, or of one source where there is no such column.

    Args:
        table: rows with `split`, `folder` (the number of the folder in `data`), and perhaps
            `subject` and `database`.
        data: the folders.
    """
    if "subject" not in table:
        return []
    sources = table["folder"].map(lambda k: str(data.folders[k].index["source"]))
    origin = (
        table["database"].where(table["database"].notna(), sources)
        if "database" in table
        else sources
    )
    known = table.assign(origin=origin.astype(str))[table["subject"].notna()]
    torn = []
    for (name, subject), rows in known.groupby(["origin", "subject"], sort=True):
        if rows["split"].nunique() > 1:
            found = by_part(rows["split"].to_numpy(object))
            torn.append({"database": name, "subject": str(subject), "parts": found})
    return torn


def by_part(parts: np.ndarray) -> dict[str, int]:
    """Return the number of faces in each part.

    >>> by_part(np.array(["test", "train", "test"]))
    {'train': 1, 'val': 0, 'test': 2}
    """
    return {name: int((parts == name).sum()) for name in SPLITS}


def _representatives(digests: list[bytes], parts: np.ndarray) -> np.ndarray:
    """Return (N,) the index that stands for all images with the same digest."""
    first: dict[bytes, int] = {}
    for i in np.argsort(-held_out_rank(parts), kind="stable").tolist():
        first.setdefault(digests[i], i)
    return np.array([first[digest] for digest in digests], np.int64)


def _near_pairs(thumbs: np.ndarray, likeness: Likeness, least: float) -> tuple[np.ndarray, ...]:
    """Return first, second, kind and similarity of the pairs that are similar enough."""
    groups = Groups(len(thumbs))
    found = [(np.empty(0, np.int64),) * 2 + (np.empty(0, object), np.empty(0, np.float32))]
    for first, second, mirrored in candidate_pairs(thumbs, groups):
        others = thumbs[second]
        others = np.where(mirrored[:, None, None], others[:, :, ::-1], others)
        values = likeness(thumbs[first], others)
        good = values >= least
        groups.join(first[good], second[good])
        kind = np.where(mirrored[good], MIRRORED, NEAR).astype(object)
        found.append((first[good], second[good], kind, values[good]))
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def _once(pairs: CopyPairs) -> CopyPairs:
    """Leave out the second of two findings of one pair (a symmetric face is its own mirror)."""
    low = np.minimum(pairs.first, pairs.second)
    high = np.maximum(pairs.first, pairs.second)
    order = np.lexsort((-pairs.similarity, high, low))
    low, high = low[order], high[order]
    new = np.ones(len(order), bool)
    new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    kept = order[new]
    return CopyPairs(low[new], high[new], pairs.kind[kept], pairs.similarity[kept], pairs.least)
