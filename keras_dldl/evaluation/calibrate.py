"""Fitting a model's calibration to labelled faces, and measuring it on others."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.arguments import check_integer
from keras_dldl._utils.files import atomic_path
from keras_dldl.calibration import Calibration, coverage_rows, cross_fit
from keras_dldl.calibration.calibration import MIN_FACES_BY_LABEL, check_enough
from keras_dldl.calibration.cross_fit import FOLDS, coverage_range, folds_of
from keras_dldl.errors import ConfigError
from keras_dldl.evaluation.decoding import decode, interval_ends
from keras_dldl.evaluation.inputs import Faces, PreparedFaces
from keras_dldl.evaluation.predicting import predict_faces
from keras_dldl.models import FaceModel, load_model
from keras_dldl.predict.prediction import DEFAULT_LEVEL, check_level
from keras_dldl.runtime.card import write_calibrated
from keras_dldl.runtime.opening import open_own

if TYPE_CHECKING:
    import pandas as pd

# How often faces are dealt into folds: which fall together moves a decade's coverage by a point.
DEALS = 5


@dataclass(frozen=True)
class CalibrationResult:
    """A calibration, and how well such ones hold.

    Attributes:
        calibration: fitted to all faces.
        coverage: rows of `calibration.coverage_rows`: how often intervals hold the label, before
            (the distribution's own) and after, each face by a calibration that had not seen it.
        level: of those intervals.
        coverage_range: of under 200 faces, between which shares intervals of that level hold new
            faces (95 % certain), as so few leave it open; None of more.
        folds: into how many the faces were dealt.
        remarks: how the faces suit the model.
        model_file: the model's file; None of a loaded model.
    """

    calibration: Calibration
    coverage: list[dict[str, Any]]
    level: float
    coverage_range: tuple[float, float] | None
    folds: int
    remarks: list[str]
    model_file: Path | None

    @property
    def by_label(self) -> bool:
        """Whether there were enough faces for intervals that hold at every label."""
        return self.calibration.faces >= MIN_FACES_BY_LABEL

    def save(self, out: str | os.PathLike) -> None:
        """Write the model's file with the calibration in it; its weights stay as they are.

        Args:
            out: a `.keras` file, or a file of the model's own kind; it may be the model's own.

        Raises:
            ConfigError: the model was not given as a file, or `out` is of another kind.
            OSError: it cannot be written.
        """
        if self.model_file is None:
            raise ConfigError(
                "A model's file is needed to write it with a calibration. Of a loaded model set "
                "`model.calibration` and save it. Received: a loaded model"
            )
        if self.model_file.suffix.lower() != ".keras" and Path(out).suffix.lower() == ".keras":
            model = load_model(self.model_file)
            model.calibration = self.calibration
            with atomic_path(out) as temporary:
                model.save(temporary)
        else:
            write_calibrated(self.model_file, self.calibration, out)

    def to_dict(self) -> dict[str, Any]:
        """Return what was measured as plain JSON values."""
        return {
            "level": self.level,
            "faces": self.calibration.faces,
            "by_label": self.by_label,
            "coverage_range": self.coverage_range and [100 * end for end in self.coverage_range],
            "folds": self.folds,
            "deals": DEALS,
            "coverage": self.coverage,
            "notes": self.remarks,
        }


def calibrate(
    model: str | os.PathLike | FaceModel,
    faces: Faces | str | os.PathLike,
    *,
    level: float = DEFAULT_LEVEL,
    folds: int = FOLDS,
    batch_size: int = 64,
) -> CalibrationResult:
    """Fit intervals that hold the share they claim, overall and at every label.

    Of under 200 faces, intervals hold it overall only: one width for all labels.
    Image and mirror image are averaged, as at prediction.

    Args:
        model: a `.keras` file, a run folder, a shipped model's name, or a loaded model.
        faces: faces that training has not seen: `PreparedFaces`, `LabelledImages`, or a folder of
            prepared data, whose validation split is used.
        level: of the intervals whose coverage is measured; the calibration is for all levels.
        folds: how many parts the faces are dealt into to measure it, all of a subject into one.
        batch_size: faces in one forward pass.

    Raises:
        DataError: the faces cannot be read or do not suit the model; there are under 30, or too
            few others beside one subject; or their labels are all the same or off the grid.
        ConfigError: a number is out of range.
        ModelFileError: `model` is not a model of this package, or gives no numbers.

    >>> calibrate("nano-age", "data/mine").coverage[0]["n"]
    40
    """
    if isinstance(faces, (str, os.PathLike)):
        faces = PreparedFaces(faces, split="val")
    level, folds = check_level(level), check_integer("folds", folds, minimum=2)
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    check_enough(len(faces.rows))  # now, and not after minutes of prediction
    network = open_own(model)
    card, grid = network.card, network.card.grid
    remarks = faces.check(card)
    folds_of(faces.rows["label"], grid, subject=_subjects(faces.rows), folds=folds)
    (views,) = predict_faces([network], faces, batch_size)
    rows = faces.rows.iloc[views.positions]
    subject = _subjects(rows)
    label = rows["label"].to_numpy(np.float64)
    value, std = decode(views.average, grid, card.decoder)
    calibration = Calibration.fit(value, std, label, grid)
    before = np.concatenate(interval_ends(views.average, grid, [level]), axis=1)
    deals = [
        cross_fit(value, std, label, grid, level, subject=subject, folds=folds, seed=seed)
        for seed in range(DEALS)
    ]
    coverage = coverage_rows(label, before, np.stack(deals), grid)
    few = len(label) < MIN_FACES_BY_LABEL
    expected = coverage_range(len(label), level, subject) if few else None
    return CalibrationResult(calibration, coverage, level, expected, folds, remarks, network.path)


def _subjects(rows: "pd.DataFrame") -> np.ndarray | None:
    return rows["subject"].to_numpy(object) if "subject" in rows else None
