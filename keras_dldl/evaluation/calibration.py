"""Whether intervals hold what they claim: each level against the share of faces it covers."""

from typing import Any

import numpy as np

from keras_dldl.evaluation.confidence import Drawn, Part

LEVELS = tuple(k / 100 for k in range(5, 100, 5))
COVERAGE_LEVEL = 0.9
KEY = "calibration"


def covered_part(label: np.ndarray, low: np.ndarray, high: np.ndarray) -> Part:
    """Return what is summed for the calibration: whether each level's interval holds the label.

    Args:
        label: (N,) true labels.
        low: (N, L) lower ends, a column for each of `LEVELS`.
        high: (N, L) upper ends.
    """
    inside = (label[:, None] >= low) & (label[:, None] <= high)
    ones = np.ones((len(label), 1))
    return Part(np.arange(len(label)), np.concatenate([ones, inside], axis=1))


def calibration(part: Part, low: np.ndarray, high: np.ndarray, drawn: Drawn) -> dict[str, Any]:
    """Return the claimed levels and the shares covered, both in percent, ready for JSON.

    Args:
        part: as `covered_part` returns it.
        low: (N, L) lower ends.
        high: (N, L) upper ends.
        drawn: the drawings, with the part under `KEY`.

    Returns:
        `levels`, `covered`, `confidence` (an interval a level, or None) and `mean_width`, in the
        unit of the labels: lists of one length. `largest_gap`: the level, claimed, at which
        the share covered is furthest from it, and by how much (covered - claimed).
    """
    covered = 100 * part.columns[:, 1:].mean(axis=0)
    claimed = 100 * np.array(LEVELS)
    furthest = int(np.argmax(np.abs(covered - claimed)))
    return {
        "levels": [float(round(level, 6)) for level in claimed],
        "covered": covered.tolist(),
        "confidence": [
            drawn.interval(KEY, 100 * drawn.mean(KEY, 1 + k)) for k in range(len(LEVELS))
        ],
        "mean_width": (high - low).mean(axis=0).tolist(),
        "largest_gap": {
            "level": float(round(claimed[furthest], 6)),
            "difference": float(covered[furthest] - claimed[furthest]),
        },
    }
