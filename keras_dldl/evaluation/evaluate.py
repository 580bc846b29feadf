"""Running a model over labelled faces: the image, its mirror image, and the average of both."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl import files, saved_models
from keras_dldl.arguments import check_integer
from keras_dldl.errors import DataError, ModelFileError
from keras_dldl.evaluation.groups import group_summaries, grouping_columns
from keras_dldl.evaluation.inputs import Faces, PreparedFaces, unreadable_as_json
from keras_dldl.evaluation.numbers import coverage, summary
from keras_dldl.labels import LabelGrid
from keras_dldl.models import FaceModel, load_model, predict_views
from keras_dldl.models.loading import find_model
from keras_dldl.prediction import Prediction
from keras_dldl.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

log = logging.getLogger(__name__)
RESULT_COLUMNS = ("path", "label", "value", "std")
COVERAGE_LEVEL = 0.9


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Args:
        metrics: the content of `metrics.json`.
        predictions: the content of `predictions.csv`: `path`, `label`, `value`, `std`, then the
            manifest's other columns; one of those that has a name of ours is `manifest_<name>`.
    """

    metrics: dict[str, Any]
    predictions: "pd.DataFrame"

    def save(self, out: str | os.PathLike) -> list[Path]:
        """Write `metrics.json`, `predictions.csv` and `report.html` into the folder `out`.

        Each file is written whole or not at all; the folder is made where it is missing.

        Returns:
            The three paths.

        Raises:
            OSError: the folder cannot be written.
        """
        from keras_dldl.evaluation.report import report_html

        out = Path(out)
        report = report_html(self.metrics, self.predictions)
        with files.atomic_path(out / "predictions.csv") as temporary:
            self.predictions.to_csv(temporary, index=False, lineterminator="\n")
        files.write_text(out / "report.html", report)
        files.write_json(out / "metrics.json", self.metrics)
        return [out / name for name in ("metrics.json", "predictions.csv", "report.html")]


def evaluate(
    model: str | os.PathLike | FaceModel,
    faces: Faces | str | os.PathLike,
    *,
    group_by: "Sequence[str]" = (),
    batch_size: int = 64,
) -> Evaluation:
    """Measure a model as the paper does (Gao et al. 2020, section 5; METHOD: image and mirror).

    Args:
        model: a `.keras` file, a run folder, a shipped model's name, or a loaded model.
        faces: `PreparedFaces`, `LabelledImages`, or a folder of prepared data, whose test split (or
            else validation split) is then used.
        group_by: columns of the manifest to break the numbers down by; default: all with at most 50
            different values. Ages are always grouped by decade, too.
        batch_size: faces in one forward pass.

    Returns:
        An `Evaluation`; call `.save(out)` to write it.

    Raises:
        DataError: the data cannot be read, does not suit the model, or no image could be read.
        ConfigError: `batch_size` is not a whole number above 0.
        ModelFileError: `model` is not a model of this package, or gives no numbers.
    """
    if isinstance(faces, (str, os.PathLike)):
        faces = PreparedFaces(faces)
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    identity = _identity(model)
    model = model if isinstance(model, FaceModel) else load_model(model)
    remarks = faces.check(model)
    columns = grouping_columns(faces.rows, group_by, model.grid.task)
    _check_labels(faces.rows, model.grid)
    for remark in remarks:
        log.warning("%s", remark)
    positions, image, mirror = _predict(model, faces, batch_size)
    rows = faces.rows.iloc[positions].reset_index(drop=True)
    metrics = _metrics(model, rows, image, mirror, columns)
    metrics["notes"] += remarks
    metrics |= {
        "detection": faces.detection(),
        "unreadable": unreadable_as_json(faces.unreadable),
        **_provenance(model, identity),
        "data": {**faces.source, "rows": len(faces.rows)},
        "versions": _versions(),
    }
    return Evaluation(metrics, _predictions(model, rows, (image + mirror) / 2))


def decode(
    distribution: np.ndarray, grid: LabelGrid, decoder: str = "expectation"
) -> tuple[np.ndarray, np.ndarray]:
    """Return values and standard deviations, both (N,) float64, of (N, K) distributions."""
    distribution = np.asarray(distribution, np.float64)
    distribution = distribution / distribution.sum(axis=1, keepdims=True)  # float32's sum is not 1
    spread = np.square(grid.labels64[None, :] - grid.decode(distribution)[:, None])
    return grid.decode(distribution, decoder), np.sqrt((distribution * spread).sum(axis=1))


def _predict(model: FaceModel, faces: Faces, batch_size: int):
    """Return positions in the rows, and (N, K) distributions of the images and mirror images."""
    positions, views = [], ([], [])
    with progress(total=len(faces.rows), label="evaluating") as bar:
        for batch, images in faces.batches(model, batch_size):
            positions.extend(batch)
            for view, p in zip(views, predict_views(model, images, batch_size), strict=True):
                view.append(p)
            bar.update(len(images))
    if not positions:
        first = faces.unreadable[0]
        raise DataError(
            f"At least one image must be readable. Received: {len(faces.unreadable)} that are not; "
            f"the first, line {first.line}: {first.reason}"
        )
    image, mirror = (np.concatenate(view).astype(np.float64) for view in views)
    if not (np.isfinite(image).all() and np.isfinite(mirror).all()):
        raise ModelFileError(
            "A model must give probabilities. Received: NaN or infinity from "
            f"{model.name}; its weights are damaged"
        )
    return positions, image, mirror


def _metrics(
    model: FaceModel,
    rows: "pd.DataFrame",
    image: np.ndarray,
    mirror: np.ndarray,
    columns: list[str],
) -> dict[str, Any]:
    grid, decoder = model.grid, model.method.decoder
    label = rows["label"].to_numpy(np.float64)
    sigma = rows["sigma"].to_numpy(np.float64) if "sigma" in rows else None
    average = (image + mirror) / 2
    value, _ = decode(average, grid, decoder)
    like_the_model = {"decoder": decoder, "calibration": model.calibration}
    faces = [Prediction(one, grid, **like_the_model) for one in average]
    ends = np.array([face.interval(COVERAGE_LEVEL) for face in faces])
    return {
        **summary(label, value, sigma),
        "interval_90_coverage": coverage(label, ends[:, 0], ends[:, 1]),
        "views": {
            "image": summary(label, decode(image, grid, decoder)[0], sigma),
            "mirror": summary(label, decode(mirror, grid, decoder)[0], sigma),
        },
        "groups": group_summaries(rows, value, columns, grid.task),
    }


def _predictions(model: FaceModel, rows: "pd.DataFrame", average: np.ndarray) -> "pd.DataFrame":
    value, std = decode(average, model.grid, model.method.decoder)
    others = rows.drop(columns=["path", "label"])
    others = others.rename(columns={c: f"manifest_{c}" for c in others if c in RESULT_COLUMNS})
    first = rows[["path", "label"]].assign(value=value, std=std)
    return first.join(others)


def _check_labels(rows: "pd.DataFrame", grid: LabelGrid) -> None:
    outside = rows[~grid.contains(rows["label"])]
    if len(outside):
        path, label = outside[["path", "label"]].iloc[0]
        raise DataError(
            f"Labels must lie on the model's grid, {grid.start:g} ... {grid.stop:g} {grid.unit}. "
            f"Received: {len(outside)} that do not; the first, of {path}: {label:g}"
        )


def _identity(model: str | os.PathLike | FaceModel) -> dict[str, Any]:
    """Return what tells this model file from any other, but not where it lies."""
    if isinstance(model, FaceModel):
        return {"name": None, "sha256": None}
    path = find_model(model)
    return {"name": _name_of(path), "sha256": files.sha256_of(path)}


def _name_of(model_file: Path) -> str:
    """Return the name of a shipped model, or else file and folder, such as "run/model.keras"."""
    folder = Path(os.path.abspath(model_file)).parent
    if folder.name in saved_models.names() and folder.samefile(saved_models.folder(folder.name)):
        return folder.name
    return f"{folder.name}/{model_file.name}".lstrip("/")


def _provenance(model: FaceModel, identity: dict[str, Any]) -> dict[str, Any]:
    return {
        "task": model.grid.task,
        "input_size": model.input_size,
        "parameters": model.count_params(),
        "model": {
            **identity,
            "backbone": model.backbone_name,
            "method": model.method.get_config(),
            "grid": model.grid.get_config(),
            "alignment": model.alignment.get_config(),
            "calibrated": model.calibration is not None,
        },
    }


def _versions() -> dict[str, str]:
    import platform

    import keras

    import keras_dldl

    return {
        "keras_dldl": keras_dldl.__version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
