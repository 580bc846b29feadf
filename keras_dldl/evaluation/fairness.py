"""The gaps between groups: how much worse, or how differently off, a model is for some."""

from collections.abc import Mapping
from typing import Any

from keras_dldl.evaluation.confidence import Drawn, numbers_of
from keras_dldl.evaluation.groups import MISSING, OTHERS

MIN_FACES = 30
# A split or one person is no group of people.
NOT_GROUPS = ("split", "subject")


def gaps(groups: Mapping[str, Mapping[str, Any]], drawn: Drawn) -> dict[str, Any]:
    """Return for each column the largest difference between its groups in MAE and in bias.

    Groups of fewer than `MIN_FACES` faces, `OTHERS`, and faces without a value are left out. The
    interval is that of the difference between the two groups named; as they were chosen for being
    furthest apart, it errs towards a gap where there are many small groups.

    Args:
        groups: numbers by column and value, as in `metrics.json`.
        drawn: the drawings, each group under ("groups", column, value).

    Returns:
        {"min_faces": ..., "columns": {column: {"groups": their names, "mae": {"gap", "highest",
        "lowest", "confidence"} or None where fewer than two groups are left, "bias": likewise}}}.
    """
    columns = {}
    for column, values in groups.items():
        if column in NOT_GROUPS:
            continue
        large = {
            name: numbers
            for name, numbers in values.items()
            if numbers["n"] >= MIN_FACES and name not in (MISSING, OTHERS)
        }
        columns[column] = {
            "groups": list(large),
            "mae": _gap(column, large, "mae", drawn),
            "bias": _gap(column, large, "bias", drawn),
        }
    return {"min_faces": MIN_FACES, "columns": columns}


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
