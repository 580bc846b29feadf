"""Numbers apart by what the manifest says of the faces: gender, database, decade of age ..."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.arguments import did_you_mean
from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

DECADE = "decade"
MISSING = "(none)"
OTHERS = "(others)"
MIN_FACES = 20
MAX_VALUES = 50
# Not properties of a group of people, or continuous.
NEVER_BY_DEFAULT = (
    "path", "label", "sigma", "official", "fold", "subject", "num_ratings", "real_age",
    "apparent_age",
)  # fmt: skip


def grouping_columns(
    rows: "pd.DataFrame", asked_for: Sequence[str] = (), task: str = "age"
) -> list[str]:
    """Return the columns to group by, always with "decade" for ages.

    Args:
        rows: the manifest's rows.
        asked_for: columns to use instead of all with at most 50 different values.
        task: the label grid's task.

    Raises:
        DataError: a column asked for does not exist.
    """
    chosen = list(dict.fromkeys(asked_for)) or [c for c in rows.columns if _is_suitable(rows, c)]
    has_decade = task == "age"
    unknown = [c for c in chosen if c not in rows.columns and not (has_decade and c == DECADE)]
    if unknown:
        allowed = [c for c in rows.columns if c not in NEVER_BY_DEFAULT] + [DECADE] * has_decade
        raise DataError(
            f"`group_by` must name columns of the manifest: {', '.join(allowed) or 'it has none'}."
            f"{did_you_mean(unknown[0], allowed)} Received: {', '.join(unknown)}"
        )
    return [c for c in chosen if c != DECADE] + [DECADE] if has_decade else chosen


def group_members(
    rows: "pd.DataFrame", columns: Sequence[str], task: str = "age"
) -> dict[str, dict[str, np.ndarray]]:
    """Return {column: {value of the column: indices of its rows}}, values in their natural order.

    Values of fewer than `MIN_FACES` faces are one group, `OTHERS`: alone they would show chance.

    Args:
        rows: (N) rows with `label` and the columns to group by.
        columns: as `grouping_columns` returns them.
        task: the label grid's task; for "age", the column "decade" is made from the label.
    """
    label = rows["label"].to_numpy(np.float64)
    made_here = {DECADE} if task == "age" else set()
    return {
        column: _folded(members(decades(label) if column in made_here else rows[column].to_numpy()))
        for column in columns
    }


def _folded(groups: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Put the small groups together, behind those that have a name of their own."""
    small = [index for index in groups.values() if len(index) < MIN_FACES]
    folded = {name: index for name, index in groups.items() if len(index) >= MIN_FACES}
    if small:
        folded[OTHERS] = np.sort(np.concatenate(small))
    return folded


def decades(label: np.ndarray) -> np.ndarray:
    """Return the decade of each (N,) age as text.

    >>> decades(np.array([0.0, 9.9, 10.0, 100.0])).tolist()
    ['0-9', '0-9', '10-19', '100-109']
    """
    starts = (np.floor(np.asarray(label, np.float64) / 10) * 10).astype(int)
    return np.array([f"{start}-{start + 9}" for start in starts], dtype=object)


def balanced_mae(label: np.ndarray, value: np.ndarray) -> float:
    """Return the mean over decades of age of the MAE within each, in years; all decades count once.

    Args:
        label: (N,) true ages.
        value: (N,) predicted ones.

    >>> balanced_mae(np.array([20, 21, 22, 70]), np.array([22, 23, 24, 60]))
    6.0
    """
    error = np.abs(np.asarray(value, np.float64) - label)
    return float(np.mean([error[index].mean() for index in members(decades(label)).values()]))


def _is_suitable(rows: "pd.DataFrame", column: str) -> bool:
    return column not in NEVER_BY_DEFAULT and rows[column].nunique() <= MAX_VALUES


def members(values: np.ndarray) -> dict[str, np.ndarray]:
    """Return name -> indices of the rows, in natural order, rows without a value last."""
    indices: dict[str, list[int]] = {}
    for i, one in enumerate(values):
        indices.setdefault(_name(one), []).append(i)
    return {name: np.array(indices[name]) for name in sorted(indices, key=_order)}


def _name(value: Any) -> str:
    import pandas as pd

    if pd.isna(value) or value == "":
        return MISSING
    # A column of whole numbers with a gap is read as floats: 1.0 was 1 in the file.
    if isinstance(value, (float, np.floating)) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)


def _order(name: str) -> tuple[bool, bool, float, str]:
    number = _leading_number(name)
    return name == MISSING, number is None, 0.0 if number is None else number, name


def _leading_number(name: str) -> float | None:
    """Return the number of "7", "-0.5" or of the start of "10-19"; None for other names."""
    start, dash, _ = name[1:].partition("-")
    text = name[:1] + start if dash else name
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
