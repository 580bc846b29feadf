"""What `keras-dldl explain` writes: maps over faces, by Matplotlib; arrays, and JSON."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils import files
from keras_dldl._version import __version__
from keras_dldl.explain.attention import resize_map
from keras_dldl.explain.faces import ChosenFaces, ExplainedFace
from keras_dldl.explain.groups import GroupAverages
from keras_dldl.explain.occlusion import Occlusion
from keras_dldl.predict.drawing import draw_distribution
from keras_dldl.saved_models import find_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from keras_dldl.models import FaceModel

COLOURS, OPACITY = "inferno", 0.55
PANEL = 2.1  # inches
MOST_COLUMNS = 6
DPI = 120
TITLES = {
    "square": "square",
    "horizontal": "horizontal strip",
    "vertical": "vertical strip",
}


def provenance(model: "FaceModel", name: str | os.PathLike, faces: ChosenFaces) -> dict[str, Any]:
    """Return which model was explained, loaded from `name`, and on which faces, as JSON values."""
    import keras

    return {
        "task": model.grid.task,
        "unit": model.grid.unit,
        "model": {
            "sha256": files.sha256_of(find_model(name)),
            "backbone": model.backbone_name,
            "method": model.method.get_config(),
            "pooling": model.pooling,
            "input_size": model.input_size,
        },
        "data": faces.source,
        "notes": list(faces.notes),
        "versions": {"keras_dldl": __version__, "keras": keras.__version__},
    }


def save_groups(
    averages: GroupAverages, out: str | os.PathLike, about: dict[str, Any], refusal: str | None
) -> tuple[dict[str, Any], list[Path]]:
    """Write `groups.png`, `groups.npz` and `groups.json`; return the last's content, and the paths.

    `refusal` is why there are no attention maps, where there are none.
    """
    maps, counts, labels = averages.attention, averages.counts, averages.labels
    arrays = {"faces": averages.faces, "counts": counts, "labels": labels}
    arrays["boundaries"] = np.array(averages.groups)
    if maps is not None:
        arrays |= {"attention": maps, "covered": np.array(averages.covered)}
    content = {
        "n": int(counts.sum()),
        "groups": {
            group.name: {"n": int(count), "mean_label": float(label)}
            for group, count, label in zip(averages.groups, counts, labels, strict=True)
        },
        "empty": [group.name for group in averages.empty],
        "attention": {
            "map": None if maps is None else list(maps.shape[1:]),
            "places": averages.places and list(averages.places),
            "covered": list(averages.covered),
            "reason": refusal,
        },
        **about,
    }
    return content, _save(out, "groups", draw_groups(averages, about["unit"]), arrays, content)


def save_occlusion(
    found: Sequence[Occlusion], mean_face: np.ndarray, out: str | os.PathLike, about: dict[str, Any]
) -> tuple[dict[str, Any], list[Path]]:
    """Write `occlusion.png`, `occlusion.npz` and `occlusion.json`; return its content and paths.

    `found` are of the same faces, one a shape of cover; `mean_face` is (S, S, 3), 0 ... 255.
    """
    arrays = {"mean_face": np.asarray(mean_face, np.float32)}
    for one in found:
        arrays |= {
            f"{one.shape}_mae": one.mae,
            f"{one.shape}_tops": one.tops,
            f"{one.shape}_lefts": one.lefts,
            f"{one.shape}_rise": one.pixels(len(mean_face)),
        }
    content = {
        "n": found[0].faces,
        "mae": found[0].baseline,
        "view": "image",
        "covers": {one.shape: _cover_as_json(one) for one in found},
        **about,
    }
    figure = draw_occlusion(found, mean_face, about["unit"])
    return content, _save(out, "occlusion", figure, arrays, content)


def _cover_as_json(one: Occlusion) -> dict[str, Any]:
    row, column = np.unravel_index(one.mae.argmax(), one.mae.shape)
    height, width = one.size
    return {
        "height": height,
        "width": width,
        "tops": one.tops.tolist(),
        "lefts": one.lefts.tolist(),
        "mae": one.mae.tolist(),
        "worst": {
            "top": int(one.tops[row]),
            "left": int(one.lefts[column]),
            "rise": float(one.rise[row, column]),
        },
    }


def _save(
    out: str | os.PathLike,
    name: str,
    figure: "Figure",
    arrays: dict[str, np.ndarray],
    content: dict[str, Any],
) -> list[Path]:
    paths = [Path(out) / f"{name}{ending}" for ending in (".png", ".npz", ".json")]
    save_figure(figure, paths[0])
    with files.atomic_path(paths[1]) as temporary:
        np.savez_compressed(temporary, **arrays)
    files.write_json(paths[2], content)
    return paths


def draw_attention(explained: ExplainedFace) -> "Figure":
    """Draw a face, its attention map over it, and its distribution.

    Returns:
        A Matplotlib figure, for `savefig`; it takes no part in pyplot's state. Without a map in
        `explained`, its panel says so.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.4, 2.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.7])
    left.imshow(explained.face)
    left.set_title("aligned face", fontsize="medium")
    middle.set_title("attention", fontsize="medium")
    if explained.attention is None:
        middle.text(0.5, 0.5, "none: no pooled\nfeature map", ha="center", va="center")
    else:
        shown = _overlay(middle, explained.face, explained.attention, 0.0, 1.0)
        figure.colorbar(shown, ax=middle, shrink=0.8, ticks=[0, 0.5, 1])
    for axes in (left, middle):
        _bare(axes)
    draw_distribution(right, explained.prediction)
    right.set_title(explained.prediction.describe(), fontsize="medium")
    return figure


def draw_groups(averages: GroupAverages, unit: str) -> "Figure":
    """Draw the mean attention of each group over its mean face; one scale for all.

    Where the maps do not reach, the face is drawn without colour; without maps, all of it is.
    """
    side = averages.faces.shape[1]
    figure, panels = _panels(len(averages.groups))
    maps = averages.attention
    shown = None
    for i, (axes, group) in enumerate(zip(panels, averages.groups, strict=True)):
        if maps is None:
            axes.imshow(np.clip(np.rint(averages.faces[i]), 0, 255).astype(np.uint8))
        else:
            large = resize_map(maps[i], side, side, averages.covered)
            shown = _overlay(axes, averages.faces[i], large, *_limits(maps))
        count = averages.counts[i]
        faces = "1 face" if count == 1 else f"{count:,} faces"
        axes.set_title(f"{group.name} {unit}\n{faces}", fontsize="small")
    if shown is not None:
        rows, columns = averages.places
        label = f"mean attention, {rows} x {columns} places"
        figure.colorbar(shown, ax=panels, shrink=0.7, label=label)
    return figure


def draw_occlusion(found: Sequence[Occlusion], mean_face: np.ndarray, unit: str) -> "Figure":
    """Draw how much the error rises at each place over the mean face, a panel a shape of cover."""
    figure, panels = _panels(len(found), size=1.45 * PANEL)
    for axes, one in zip(panels, found, strict=True):
        rise = one.pixels(len(mean_face))
        low, high = _limits(rise[np.isfinite(rise)])
        # A scale a panel: a strip hides more than a square, and would drown it.
        shown = _overlay(axes, mean_face, rise, min(low, 0.0), max(high, 1e-6))
        figure.colorbar(shown, ax=axes, location="bottom", label=f"rise of the MAE ({unit})")
        height, width = one.size
        axes.set_title(f"{TITLES[one.shape]}, {width} x {height} pixels", fontsize="medium")
    first = found[0]
    figure.suptitle(f"MAE without a cover: {first.baseline:.2f} {unit}, {first.faces:,} faces")
    return figure


def save_figure(figure: "Figure", path: str | os.PathLike) -> None:
    """Write a figure as a picture atomically."""
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=DPI)


def _overlay(axes: Any, face: np.ndarray, values: np.ndarray, low: float, high: float) -> Any:
    # Grey, so that all the colour there is comes from the map.
    grey = np.asarray(face, np.float32) @ np.float32([0.299, 0.587, 0.114])
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
    return axes.imshow(values, cmap=COLOURS, alpha=OPACITY, vmin=low, vmax=high)


def _panels(count: int, size: float = PANEL) -> tuple["Figure", list[Any]]:
    """Return a figure and its axes in rows, without ticks."""
    from matplotlib.figure import Figure

    columns = min(count, MOST_COLUMNS)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(size * columns + 1.3, (size + 0.5) * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    for axes in grid:
        _bare(axes)
    return figure, list(grid[:count])


def _bare(axes: Any) -> None:
    axes.set_xticks([])
    axes.set_yticks([])


def _limits(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(max(values.max(), values.min() + 1e-6))
