"""Numbers apart by what the manifest says of the faces: gender, database, decade of age ..."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.arguments import did_you_mean
from keras_dldl.errors import DataError
from keras_dldl.evaluation.confidence import Drawn, numbers_of

if TYPE_CHECKING:
    import pandas as pd

DECADE = "decade"
MISSING = "(none)"
OTHERS = "(others)"
MIN_FACES = 20
MAX_VALUES = 50
MIN_FACES_OF_GAPS = 30
# A split or one person is no group of people.
NOT_GROUPS = ("split", "subject")
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
    chosen = list(dict.fromkeys(asked_for)) or [
        c for c in rows.columns if c not in NEVER_BY_DEFAULT and rows[c].nunique() <= MAX_VALUES
    ]
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
    For the task "age", the column "decade" is made from the label.
    """
    label = rows["label"].to_numpy(np.float64)
    found = {}
    for column in columns:
        made_here = column == DECADE and task == "age"
        groups = members(decades(label) if made_here else rows[column].to_numpy())
        small = [index for index in groups.values() if len(index) < MIN_FACES]
        found[column] = {n: index for n, index in groups.items() if len(index) >= MIN_FACES}
        if small:
            found[column][OTHERS] = np.sort(np.concatenate(small))
    return found


def decades(label: np.ndarray) -> np.ndarray:
    """Return the decade of each (N,) age as text.

    >>> decades(np.array([0.0, 9.9, 10.0, 100.0])).tolist()
    ['0-9', '0-9', '10-19', '100-109']
    """
    starts = (np.floor(np.asarray(label, np.float64) / 10) * 10).astype(int)
    return np.array([f"{start}-{start + 9}" for start in starts], dtype=object)


def balanced_mae(label: np.ndarray, value: np.ndarray) -> float:
    """Return the mean over decades of age of the MAE within each, in years; all decades count once.

    >>> balanced_mae(np.array([20, 21, 22, 70]), np.array([22, 23, 24, 60]))
    6.0
    """
    error = np.abs(np.asarray(value, np.float64) - label)
    return float(np.mean([error[index].mean() for index in members(decades(label)).values()]))


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
    """Return what sorts names by their numbers: "7", "-0.5", the start of "10-19"; then words."""
    start, dash, _ = name[1:].partition("-")
    try:
        number = float(name[:1] + start if dash else name)
    except ValueError:
        number = math.nan
    is_number = math.isfinite(number)
    return name == MISSING, not is_number, number if is_number else 0.0, name


def gaps(groups: Mapping[str, Mapping[str, Any]], drawn: Drawn) -> dict[str, Any]:
    """Return for each column the largest difference between its groups in MAE and in bias.

    Groups of under `MIN_FACES_OF_GAPS` faces, `OTHERS`, and faces without a value are left out. The
    interval is that of the difference between the two groups named; as they were chosen for being
    furthest apart, it errs towards a gap where there are many small groups.

    Args:
        groups: numbers by column and value, as in `metrics.json`.
        drawn: the drawings, each group under ("groups", column, value).
    """
    columns = {}
    for column, values in groups.items():
        if column in NOT_GROUPS:
            continue
        large = {
            name: numbers
            for name, numbers in values.items()
            if numbers["n"] >= MIN_FACES_OF_GAPS and name not in (MISSING, OTHERS)
        }
        columns[column] = {
            "groups": list(large),
            "mae": _gap(column, large, "mae", drawn),
            "bias": _gap(column, large, "bias", drawn),
        }
    return {"min_faces": MIN_FACES_OF_GAPS, "columns": columns}


def _gap(column: str, groups: Mapping[str, Any], number: str, drawn: Drawn) -> dict | None:
    if len(groups) < 2:
        return None
    highest = max(groups, key=lambda name: groups[name][number])
    lowest = min(groups, key=lambda name: groups[name][number])
    keys = [("groups", column, name) for name in (highest, lowest)]
    above, below = (numbers_of(drawn.sums[key])[number] for key in keys)
    smaller = min(keys, key=lambda key: drawn.units[key])
    return {
        "gap": groups[highest][number] - groups[lowest][number],
        "highest": highest,
        "lowest": lowest,
        "confidence": drawn.interval(smaller, above - below),
    }
