"""What a run trains: the model in the file, and the compiled one that shares its weights."""

import logging
import os
from pathlib import Path
from typing import Any

import keras

from keras_dldl.models import load_model
from keras_dldl.training.build import make_model, make_trained
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.warm_start import copy_matching_layers

_LOGGER = logging.getLogger(__name__)


class FaceLearner:
    """A face model that learns a label by its method.

    `Run` asks a learner for what stands here and no more, so that another (another head, loss,
    metric) can take its place: `metric`, `unit`, `build`, `save`, and after `build` `trained`.

    Args:
        config: complete settings.
        data: the prepared data, for their grid and alignment.

    Attributes:
        metric: name of the compiled metric by which the best epoch is chosen, the lower the better.
        unit: of that metric, such as "years", or "".
        trained: after `build`, the compiled model that is fitted and evaluated.
    """

    metric = "mae"

    def __init__(self, config: TrainConfig, data: Any) -> None:
        self.config = config
        self.data = data
        self.unit = data.grid.unit
        self.face_model: Any = None
        self.trained: keras.Model | None = None

    def build(self, from_init: bool) -> dict[str, Any]:
        """Make the model and compile it.

        Args:
            from_init: whether to start from the weights of the model in the setting `init`.

        Returns:
            Facts for the provenance: parameters, and what was taken from where.
        """
        self.face_model = make_model(self.config, self.data)
        warm_start = self._warm_start() if from_init and self.config.init else None
        self.trained = make_trained(self.config, self.face_model)
        return {"parameters": self.face_model.count_params(), "init": warm_start}

    def _warm_start(self) -> dict[str, Any]:
        report = copy_matching_layers(self.face_model, load_model(self.config.init))
        _LOGGER.info("Started from %s: %s.", self.config.init, report)
        return {"from": self.config.init, "copied": report.copied, "left": report.left}

    def save(self, path: Path, row: dict[str, Any]) -> None:
        """Write the model as it is now.

        Args:
            path: a `.keras` file, which is not atomic here.
            row: the history's row of this epoch.
        """
        facts = {"data": [os.path.basename(folder) for folder in self.config.data]}
        facts |= {"images": len(self.data.rows("train")), "epoch": row["epoch"]}
        self.face_model.card["training"] = facts | {"val_mae": row.get("val_mae")}
        self.face_model.save(path)
