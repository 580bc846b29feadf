"""What `keras-dldl explain` writes of a data set: pictures, arrays, and JSON with the counts."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils import files
from keras_dldl.explain.data import ChosenFaces
from keras_dldl.explain.groups import GroupAverages
from keras_dldl.explain.occlusion import Occlusion
from keras_dldl.explain.pictures import draw_groups, draw_occlusion, save_figure
from keras_dldl.saved_models import find_model

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel


def provenance(model: "FaceModel", name: str | os.PathLike, faces: ChosenFaces) -> dict[str, Any]:
    """Return which model was explained, and on which faces, as plain JSON values.

    Args:
        model: the loaded model.
        name: what it was loaded from.
        faces: the faces.
    """
    import keras

    import keras_dldl

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
        "versions": {"keras_dldl": keras_dldl.__version__, "keras": keras.__version__},
    }


def save_groups(
    averages: GroupAverages, out: str | os.PathLike, about: dict[str, Any], refusal: str | None
) -> list[Path]:
    """Write `groups.png`, `groups.npz` and `groups.json` into the folder `out`.

    Args:
        averages: what was found.
        out: folder to write.
        about: of `provenance`.
        refusal: why there are no attention maps, where there are none.

    Returns:
        The three paths.
    """
    out = Path(out)
    save_figure(draw_groups(averages, about["unit"]), out / "groups.png")
    arrays = {"faces": averages.faces, "counts": averages.counts, "labels": averages.labels}
    arrays["boundaries"] = np.array(averages.groups)
    if averages.attention is not None:
        arrays |= {"attention": averages.attention, "covered": np.array(averages.covered)}
    _save_arrays(out / "groups.npz", arrays)
    files.write_json(out / "groups.json", groups_as_json(averages, about, refusal))
    return [out / name for name in ("groups.png", "groups.npz", "groups.json")]


def groups_as_json(
    averages: GroupAverages, about: dict[str, Any], refusal: str | None
) -> dict[str, Any]:
    """Return the content of `groups.json`; see `save_groups`."""
    rows = zip(averages.groups, averages.counts, averages.labels, strict=True)
    maps = averages.attention
    return {
        "n": int(averages.counts.sum()),
        "groups": {
            group.name: {"n": int(count), "mean_label": float(label)}
            for group, count, label in rows
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


def save_occlusion(
    found: Sequence[Occlusion], mean_face: np.ndarray, out: str | os.PathLike, about: dict[str, Any]
) -> list[Path]:
    """Write `occlusion.png`, `occlusion.npz` and `occlusion.json` into the folder `out`.

    Args:
        found: of the same faces, one a shape of cover.
        mean_face: (S, S, 3), 0 ... 255.
        out: folder to write.
        about: of `provenance`.

    Returns:
        The three paths.
    """
    out = Path(out)
    save_figure(draw_occlusion(found, mean_face, about["unit"]), out / "occlusion.png")
    arrays = {"mean_face": np.asarray(mean_face, np.float32)}
    for one in found:
        arrays |= {
            f"{one.shape}_mae": one.mae,
            f"{one.shape}_tops": one.tops,
            f"{one.shape}_lefts": one.lefts,
            f"{one.shape}_rise": one.pixels(len(mean_face)),
        }
    _save_arrays(out / "occlusion.npz", arrays)
    files.write_json(out / "occlusion.json", occlusion_as_json(found, about))
    return [out / name for name in ("occlusion.png", "occlusion.npz", "occlusion.json")]


def occlusion_as_json(found: Sequence[Occlusion], about: dict[str, Any]) -> dict[str, Any]:
    """Return the content of `occlusion.json`; see `save_occlusion`."""
    return {
        "n": found[0].faces,
        "mae": found[0].baseline,
        "view": "image",
        "covers": {one.shape: _cover_as_json(one) for one in found},
        **about,
    }


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


def _save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with files.atomic_path(path) as temporary:
        np.savez_compressed(temporary, **arrays)
