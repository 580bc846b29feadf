"""Evaluating a model: checks, all numbers of labelled faces, and the files that hold them."""

import logging
import os
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils import files
from keras_dldl._utils.arguments import check_integer
from keras_dldl._version import __version__
from keras_dldl.evaluation.against import check_comparable
from keras_dldl.evaluation.assess import assess
from keras_dldl.evaluation.decoding import decode
from keras_dldl.evaluation.groups import grouping_columns
from keras_dldl.evaluation.inputs import Faces, PreparedFaces, check_rows_on_grid
from keras_dldl.evaluation.leaks import leak_check as checked_for_leaks
from keras_dldl.evaluation.predicting import SHOWN, Pictures, predict_faces
from keras_dldl.evaluation.training_run import TrainingRun, training_run
from keras_dldl.evaluation.wording import in_words
from keras_dldl.models import FaceModel
from keras_dldl.runtime import ModelCard, Network
from keras_dldl.runtime.opening import open_own
from keras_dldl.saved_models import find_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

log = logging.getLogger(__name__)
CHECKOUT = Path(__file__).parents[2]
GIT_SECONDS = 10


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Args:
        metrics: the content of `metrics.json`.
        predictions: the content of `predictions.csv`: `path`, `label`, `value`, `std`, the ends
            `low` and `high` of the 90 % interval, `against_value` where there is another model,
            then the manifest's other columns; one of those that has a name of ours is
            `manifest_<name>`.
        pictures: the faces that the report shows.
        run: the training run in whose folder the model is; None if it is elsewhere.
    """

    metrics: dict[str, Any]
    predictions: "pd.DataFrame"
    pictures: Pictures = field(default_factory=Pictures)
    run: TrainingRun | None = None

    def save(self, out: str | os.PathLike) -> list[Path]:
        """Write `metrics.json`, `predictions.csv` and `report.html` into the folder `out`.

        Each file is written atomically; the folder is made where it is missing.

        Returns:
            The three paths.

        Raises:
            OSError: the folder cannot be written.
        """
        from keras_dldl.evaluation.report import report_html

        out = Path(out)
        report = report_html(self.metrics, self.predictions, self.pictures, self.run)
        files.write_table(out / "predictions.csv", self.predictions)
        files.write_text(out / "report.html", report)
        files.write_json(out / "metrics.json", self.metrics)
        return [out / name for name in ("metrics.json", "predictions.csv", "report.html")]


def evaluate(
    model: str | os.PathLike | FaceModel | Network,
    faces: Faces | str | os.PathLike,
    *,
    against: str | os.PathLike | FaceModel | Network | None = None,
    group_by: "Sequence[str]" = (),
    decoder: str | None = None,
    batch_size: int = 64,
    leak_check: bool | None = False,
    pictures: bool = True,
) -> Evaluation:
    """Measure a model as the paper does (Gao et al. 2020, section 5; METHOD: image and mirror).

    Args:
        model: anything that `runtime.open_network` opens; a `.keras` file is run by Keras.
        faces: `PreparedFaces`, `LabelledImages`, or prepared data: test, or else validation split.
        against: another model of the same task and range of labels, to compare with.
        group_by: columns of the manifest to break the numbers down by; default: all with at most 50
            different values. Ages are always grouped by decade, too.
        decoder: "expectation" or "median"; None: the model's own. Only that is calibrated.
        batch_size: faces in one forward pass.
        leak_check: search the training part for the evaluated faces; None: only if it is quick.
        pictures: keep the worst and the best faces for the report.

    Returns:
        An `Evaluation`; call `.save(out)` to write it.

    Raises:
        DataError: the data cannot be read or does not suit a model; models cannot be compared.
        ConfigError: `batch_size` is not a whole number above 0, or there is no such decoder.
        ModelFileError: `model` is not a model of this package, or gives no numbers.

    >>> evaluation = evaluate("nano-age", "data/mine", against="tiny-age")
    >>> len(evaluation.predictions), evaluation.metrics["n"]
    (40, 40)
    """
    faces = PreparedFaces(faces) if isinstance(faces, (str, os.PathLike)) else faces
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    networks = _opened([one for one in (model, against) if one is not None])
    first, *others = cards = [network.card for network in networks]
    remarks = _checked(cards, faces)
    columns = grouping_columns(faces.rows, group_by, first.grid.task)
    check_rows_on_grid(faces.rows, first.grid)
    views, *theirs = predict_faces(networks, faces, batch_size, SHOWN if pictures else 0, decoder)
    rows = faces.rows.iloc[views.positions].reset_index(drop=True)
    metrics, predictions = assess(
        rows,
        views,
        first.grid,
        decoder=decoder or first.decoder,
        calibrated=first.calibration if decoder in (None, first.decoder) else None,
        columns=columns,
        origins=faces.origins()[views.positions],
        other=_values(others[0], theirs[0].average, decoder) if others else None,
    )
    metrics["notes"] += remarks
    metrics |= {"decoder": decoder or first.decoder} | _facts(networks, faces, len(rows))
    metrics["leak_check"] = _leaks(faces, leak_check, predictions, first)
    metrics["summary"] = in_words(metrics, first.grid)
    return Evaluation(metrics, predictions, views.pictures, _run_of(networks[0]))


def _leaks(
    faces: Faces, leak_check: bool | None, predictions: "pd.DataFrame", card: "ModelCard"
) -> dict[str, Any] | None:
    error = (predictions["value"] - predictions["label"]).abs().to_numpy()
    return checked_for_leaks(faces, leak_check, error, card.notes.get("training_images"))


def _run_of(network: Network) -> TrainingRun | None:
    return training_run(network.path, network.card.grid.unit)


def _opened(models: "Sequence[str | os.PathLike | FaceModel | Network]") -> list[Network]:
    for model in models:  # all of them, before the first is loaded
        if isinstance(model, (str, os.PathLike)):
            find_model(model)
    return [open_own(model) for model in models]


def _checked(cards: "Sequence[ModelCard]", faces: Faces) -> list[str]:
    """Return remarks on how the faces suit the models, and the models each other."""
    first, *others = cards
    remarks = []
    for other in others:  # before the faces, which any of them may still refuse
        remarks += check_comparable(first.grid, other.grid)
    remarks += faces.check(first)
    for other in others:
        remarks += [f"--against: {remark}" for remark in faces.check(other)]
    for remark in remarks:
        log.warning("%s", remark)
    return remarks


def _values(card: ModelCard, distribution: np.ndarray, decoder: str | None) -> np.ndarray:
    return decode(distribution, card.grid, decoder or card.decoder)[0]


def _facts(networks: "Sequence[Network]", faces: Faces, evaluated: int) -> dict[str, Any]:
    """Return what was evaluated, by what, on what; `evaluated` is how many of the rows."""
    card, models = networks[0].card, [model_facts(network) for network in networks]
    return {
        "detection": faces.detection(),
        "unreadable": [asdict(item) for item in faces.unreadable],
        "task": card.grid.task,
        "input_size": card.input_size,
        "parameters": card.parameters,
        "model": models[0],
        "against_model": models[1] if len(models) > 1 else None,
        "data": {**faces.source, "rows": evaluated + len(faces.unreadable)},
        "versions": versions(),
    }


def model_facts(network: Network) -> dict[str, Any]:
    """Return what a model is, and what identifies its file, but not its location."""
    card, path = network.card, network.path
    is_file = path is not None and path.is_file()
    return {
        "name": None if path is None else network.name,
        "sha256": files.sha256_of(path) if is_file else None,
        "engine": network.engine,
        "backbone": card.backbone,
        "method": dict(card.method),
        "grid": card.grid.get_config(),
        "alignment": card.alignment.get_config(),
        "calibrated": card.calibration is not None,
        "training": card.notes.get("training"),
    }


def versions() -> dict[str, Any]:
    """Return the versions of what ran, and the commit where the package is a git checkout."""
    import platform

    import keras

    return {
        "keras_dldl": __version__,
        "commit": commit(CHECKOUT),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def commit(folder: Path) -> str | None:
    """Return the commit of a checkout, with "-dirty" where files differ from it; None elsewhere.

    Args:
        folder: the checkout's root; another repository around it does not count.
    """
    if not (folder / ".git").exists():
        return None
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):  # no git here, or no commit yet
        return None
    return f"{head}-dirty" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=GIT_SECONDS)
    return done.stdout.strip()
