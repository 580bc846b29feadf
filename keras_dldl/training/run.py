"""One run: epoch after epoch, each ending with everything on disk."""

import logging
import math
import os
import time
from typing import Any, NoReturn

import keras
import tensorflow as tf

from keras_dldl.data.augment import Augmentation
from keras_dldl.data.pipeline import batch_paths, evaluation_dataset, training_dataset
from keras_dldl.errors import TrainingError
from keras_dldl.files import atomic_path
from keras_dldl.models import load_model
from keras_dldl.training.build import make_model, make_trained
from keras_dldl.training.callbacks import StepWatch
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.curves import draw_curves
from keras_dldl.training.history import best_row, describe_row, write_history
from keras_dldl.training.interrupt import Interrupt
from keras_dldl.training.result import RunResult
from keras_dldl.training.run_folder import RunFolder, write_provenance
from keras_dldl.training.schedule import LearningRate
from keras_dldl.training.state import Checkpoint, restore_variables, save_checkpoint
from keras_dldl.training.warm_start import copy_matching_layers

_LOGGER = logging.getLogger(__name__)
_CURVES_EVERY_EPOCHS = 5
_REMEDIES = (
    "Try a lower learning_rate, gradient_clip_norm=1, warmup_epochs=1 or precision=float32, and "
    "look at the files"
)


class Run:
    """One run: the model, the data, the folder, and the rows so far.

    Args:
        config: complete settings.
        folder: where the run writes.
        data: the prepared data.
        fingerprint: of the rows of `data`.
    """

    def __init__(self, config: TrainConfig, folder: RunFolder, data: Any, fingerprint: str):
        self.config = config
        self.folder = folder
        self.data = data
        self.fingerprint = fingerprint
        self.rows: list[dict[str, Any]] = []
        self.steps_per_epoch = math.ceil(len(data.rows("train")) / config.batch_size)
        self.rate = LearningRate(config, self.steps_per_epoch)
        self.face_model: Any = None
        self.trained: Any = None
        self.interrupt = Interrupt()

    def execute(self, checkpoint: Checkpoint | None) -> RunResult:
        """Train from the beginning or from `checkpoint` to the last epoch."""
        self.rows = list(checkpoint.progress["rows"]) if checkpoint else []
        if len(self.rows) >= self.config.epochs:
            _LOGGER.info(
                "This run is finished: %d of %d epochs.", len(self.rows), self.config.epochs
            )
            self._write_records()
            return self._result(already_finished=True)
        self._build(checkpoint)
        try:
            with self.interrupt:
                for epoch in range(len(self.rows), self.config.epochs):
                    self._one_epoch(epoch)
                    self.interrupt.check()
        except KeyboardInterrupt:
            self._say_how_to_resume()
            raise
        self._write_records()
        return self._result()

    def _build(self, checkpoint: Checkpoint | None) -> None:
        if self.config.deterministic:
            tf.config.experimental.enable_op_determinism()
        keras.utils.set_random_seed(self.config.seed)
        self.face_model = make_model(self.config, self.data)
        warm_start = None if checkpoint else self._warm_start()
        self.trained = make_trained(self.config, self.face_model)
        if checkpoint:
            restore_variables(self._variables(), checkpoint.arrays)
            _LOGGER.info("Going on after epoch %d of %d.", len(self.rows), self.config.epochs)
        facts = {"parameters": self.face_model.count_params(), "init": warm_start}
        if not checkpoint:
            write_provenance(self.folder, self.data, facts)  # first: by it a run folder is known
        self.config.save(self.folder.config)

    def _warm_start(self) -> dict[str, Any] | None:
        if self.config.init is None:
            return None
        report = copy_matching_layers(self.face_model, load_model(self.config.init))
        _LOGGER.info("Started from %s: %s.", self.config.init, report)
        return {"from": self.config.init, "copied": report.copied, "left": report.left}

    def _variables(self) -> list[Any]:
        return [*self.trained.variables, *self.trained.optimizer.variables]

    def _one_epoch(self, epoch: int) -> None:
        begun = time.perf_counter()
        logs, last_rate = self._fit(epoch)
        row = {
            "epoch": epoch + 1,
            "loss": logs["loss"],
            "mae": logs["mae"],
            **self._validate(epoch),
        }
        row |= {"learning_rate": last_rate, "seconds": round(time.perf_counter() - begun, 3)}
        self.rows.append(row)
        is_best = best_row(self.rows) is row or row.get("val_mae") is None
        if is_best:
            self._save_model(row)
        # Last, so that a run killed before this line does the epoch again, to the same end.
        save_checkpoint(self.folder.checkpoint, self._variables(), self._progress())
        write_history(self.folder.history, self.rows)
        _LOGGER.info(describe_row(row, self.config.epochs, is_best))
        if len(self.rows) % _CURVES_EVERY_EPOCHS == 0:
            draw_curves(self.folder.curves, self.rows, self.data.grid.unit)

    def _fit(self, epoch: int) -> tuple[dict[str, float], float]:
        dataset = training_dataset(
            self.data,
            input_size=self.config.input_size,
            batch_size=self.config.batch_size,
            seed=self.config.seed,
            epoch=epoch,
            augment=Augmentation.from_config(dict(self.config.augment)),
        )
        watch = StepWatch(
            self.rate,
            epoch,
            self.config.epochs,
            self._stop_at_bad_loss(epoch),
            self.interrupt.check,
        )
        try:
            fitted = self.trained.fit(
                dataset,
                epochs=epoch + 1,
                initial_epoch=epoch,
                shuffle=False,  # the data set has its order; True would only warn
                verbose=0,
                callbacks=[watch],
            )
        finally:
            watch.close()
        return {name: values[-1] for name, values in fitted.history.items()}, watch.last_rate

    def _validate(self, epoch: int) -> dict[str, float]:
        if self.config.validation_split is None:
            return {}
        dataset = evaluation_dataset(
            self.data,
            self.config.validation_split,
            input_size=self.config.input_size,
            batch_size=self.config.batch_size,
        )
        logs = self.trained.evaluate(
            dataset, verbose=0, return_dict=True, callbacks=[self._listener()]
        )
        if not math.isfinite(logs["loss"]):
            raise TrainingError(
                f"The validation loss is not finite after epoch {epoch + 1}. "
                f"{self._remedies()}. "
                f"Received: loss={logs['loss']}."
            )
        return {"val_loss": logs["loss"], "val_mae": logs["mae"]}

    def _listener(self) -> keras.callbacks.Callback:
        return keras.callbacks.LambdaCallback(
            on_test_batch_end=lambda batch, logs: self.interrupt.check()
        )

    def _stop_at_bad_loss(self, epoch: int) -> Any:
        def stop(batch: int, loss: float) -> NoReturn:
            paths = batch_paths(
                self.data,
                batch_size=self.config.batch_size,
                seed=self.config.seed,
                epoch=epoch,
                batch_index=batch,
                input_size=self.config.input_size,
            )
            raise TrainingError(
                f"The loss is not finite in epoch {epoch + 1}, batch {batch + 1} of "
                f"{self.steps_per_epoch}. {self._remedies()}. "
                f"Received: loss={loss}; files of the batch: {', '.join(paths)}."
            )

        return stop

    def _remedies(self) -> str:
        kept = "; the checkpoint of the last good epoch stays" if self.rows else ""
        return _REMEDIES + kept

    def _save_model(self, row: dict[str, Any]) -> None:
        facts = {"data": [os.path.basename(path) for path in self.config.data]}
        facts |= {"images": len(self.data.rows("train")), "epoch": row["epoch"]}
        self.face_model.card["training"] = facts | {"val_mae": row.get("val_mae")}
        with atomic_path(self.folder.model) as temporary:
            self.face_model.save(temporary)

    def _progress(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "config": self.config.to_dict(),
            "fingerprint": self.fingerprint,
            "left_out": self.data.left_out,
        }

    def _write_records(self) -> None:
        # Also for a finished run: it may have been killed between its checkpoint and these.
        write_history(self.folder.history, self.rows)
        draw_curves(self.folder.curves, self.rows, self.data.grid.unit)

    def _result(self, already_finished: bool = False) -> RunResult:
        return RunResult(self.folder.path, self.folder.model, tuple(self.rows), already_finished)

    def _say_how_to_resume(self) -> None:
        if self.folder.checkpoint.exists():
            _LOGGER.warning("Stopped. To go on: %s", self.folder.resume_command())
        else:
            _LOGGER.warning("Stopped in the first epoch, before a checkpoint: begin again.")
