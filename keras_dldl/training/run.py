"""One run: epoch after epoch, each ending with everything on disk."""

import logging
import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

import keras

from keras_dldl._utils.files import atomic_path
from keras_dldl.data.people import People
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import TrainingError
from keras_dldl.training.averaging import KeepRawWeights, averaged_weights
from keras_dldl.training.callbacks import Interrupt, StepWatch, callback_list
from keras_dldl.training.config import RunConfig
from keras_dldl.training.feed import Feed
from keras_dldl.training.history import (
    RunResult,
    ScalarLog,
    best_row,
    describe_row,
    draw_curves,
    epochs_done,
    is_stale,
    write_history,
)
from keras_dldl.training.learner import Learner
from keras_dldl.training.memory import memory_named
from keras_dldl.training.optimizer import LearningRate
from keras_dldl.training.run_folder import (
    Checkpoint,
    RunFolder,
    restore_variables,
    save_checkpoint,
    write_provenance,
)

_LOGGER = logging.getLogger(__name__)
_CURVES_EVERY_EPOCHS = 5
_REMEDIES = (
    "Try a lower learning_rate, gradient_clip_norm=1, warmup_epochs=1 or precision=float32, and "
    "look at the files"
)
_REMEDIES_FOR_A_START = (
    "Try a lower learning_rate, freeze=[backbone], or more photos; few photos that are like those "
    "it was trained on may leave nothing to gain"
)


class Run:
    """One run: what learns, what feeds it, the folder, and the rows so far.

    Args:
        config: complete settings.
        folder: where the run writes.
        data: the prepared data, for the records of the run.
        fingerprint: of the rows of `data`.
        feed: gives the batches.
        learner: the model to train.
        callbacks: the user's, see `train`.
    """

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        data: PreparedData | People,
        fingerprint: str,
        feed: Feed,
        learner: Learner,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ):
        self.config = config
        self.folder = folder
        self.data = data
        self.fingerprint = fingerprint
        self.feed = feed
        self.learner = learner
        self.callbacks = callback_list(callbacks, config.epochs, feed.steps_per_epoch)
        self.rows: list[dict[str, Any]] = []
        self.rate = LearningRate(config, feed.steps_per_epoch)
        self.interrupt = Interrupt()
        self.scalars: ScalarLog | None = None

    def execute(self, checkpoint: Checkpoint | None) -> RunResult:
        """Train from the beginning or from `checkpoint` to the last epoch."""
        self.rows = list(checkpoint.progress["rows"]) if checkpoint else []
        if self._is_over():
            _LOGGER.info(
                "This run is finished: %d of %d epochs%s.",
                self._done,
                self.config.epochs,
                self._why_early(),
            )
            self._write_records()
            return self._result(already_finished=True)
        starts_whole = self._build(checkpoint)
        self.callbacks.set_model(self.learner.trained)
        self.callbacks.on_train_begin()
        try:
            with self.interrupt:
                if starts_whole and self.config.validation_split:
                    with memory_named(self.learner.memory, self.config.batch_size):
                        self._judge_start()
                while not (self._is_over() or self.learner.trained.stop_training):
                    with memory_named(self.learner.memory, self.config.batch_size):
                        self._one_epoch(self._done)
                    self.interrupt.check()
        except KeyboardInterrupt:
            if self.folder.checkpoint.exists():
                _LOGGER.warning("Stopped. To go on: %s", self.folder.resume_command())
            else:
                _LOGGER.warning("Stopped in the first epoch, before a checkpoint: begin again.")
            raise
        finally:
            if self.scalars is not None:
                self.scalars.close()
        if self._why_early():
            _LOGGER.info("Stopped after epoch %d%s.", self._done, self._why_early())
        if self._result().best_epoch == 0:
            _LOGGER.warning(
                "No epoch was better than the weights from %s: model.keras holds those. %s.",
                self.config.init,
                _REMEDIES_FOR_A_START,
            )
        self.callbacks.on_train_end()
        self._write_records()
        return self._result()

    @property
    def _done(self) -> int:
        return epochs_done(self.rows)

    def _is_over(self) -> bool:
        return self._done >= self.config.epochs or self._result().stopped_early

    def _why_early(self) -> str:
        result = self._result()
        if not result.stopped_early:
            return ""
        return f", by patience={self.config.patience}; the best was epoch {result.best_epoch}"

    def _build(self, checkpoint: Checkpoint | None) -> bool:
        """Make the model; return whether it is now another model, head and all, and no more."""
        if self.config.deterministic and keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            tf.config.experimental.enable_op_determinism()
        keras.utils.set_random_seed(self.config.seed)
        # The checkpoint is of the last epoch's end: its optimizer may be another than the next's.
        facts = self.learner.build(from_init=checkpoint is None, epoch=max(0, self._done - 1))
        if checkpoint:
            restore_variables(self._variables(), checkpoint.arrays)
            self.learner.start_card = checkpoint.progress.get("start_card", {})
            _LOGGER.info("Going on after epoch %d of %d.", self._done, self.config.epochs)
        else:
            write_provenance(self.folder, self.data, facts)  # first: by it a run folder is known
        self.config.save(self.folder.config)
        if self.config.tensorboard:
            self.scalars = ScalarLog(self.folder.tensorboard, self.rows, self.learner.metric)
        return checkpoint is None and facts["init"] is not None and not facts["init"]["left"]

    def _variables(self) -> list[Any]:
        trained = self.learner.trained
        return [*trained.variables, *trained.optimizer.variables]

    def _judge_start(self) -> None:
        """Make the start model epoch 0, so that what training makes worse is not kept."""
        begun = time.perf_counter()
        row = {"epoch": 0, **self._validate(0)}
        row["seconds"] = round(time.perf_counter() - begun, 3)
        self._keep_if_best(row)
        self._write_state(row)

    def _one_epoch(self, epoch: int) -> None:
        begun = time.perf_counter()
        self.learner.begin_epoch(epoch)
        self.callbacks.on_epoch_begin(epoch)
        logs, last_rate = self._fit(epoch)
        trained = self.learner.trained
        judged: AbstractContextManager = nullcontext()
        if trained.optimizer.use_ema:
            judged = averaged_weights(trained, self.feed.training(epoch), self.learner.part)
        with judged:
            row = {"epoch": epoch + 1, **logs, **self._validate(epoch + 1)}
            row |= {"learning_rate": last_rate, "seconds": round(time.perf_counter() - begun, 3)}
            self._keep_if_best(row)
        self._write_state(row)
        if self._done % _CURVES_EVERY_EPOCHS == 0:
            self._draw_curves()
        figures = {name: row[name] for name in row if name not in ("epoch", "seconds")}
        self.callbacks.on_epoch_end(epoch, figures)

    def _is_best(self, row: dict[str, Any]) -> bool:
        return best_row(self.rows, self.learner.metric) is row

    def _keep_if_best(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        if self._is_best(row):
            with atomic_path(self.folder.model) as temporary:
                self.learner.save(temporary, row)

    def _write_state(self, row: dict[str, Any]) -> None:
        # Last, so that a run killed before this line does the epoch again, to the same end.
        save_checkpoint(self.folder.checkpoint, self._variables(), self._progress())
        write_history(self.folder.history, self.rows, self.learner.metric)
        if self.scalars is not None:
            self.scalars.write(row)
        is_best = self._is_best(row)
        _LOGGER.info(describe_row(row, self.config.epochs, is_best, self.learner.metric))

    def _fit(self, epoch: int) -> tuple[dict[str, float], float]:
        def stop(batch: int, loss: float) -> NoReturn:
            paths = self.feed.paths(epoch, batch)
            raise TrainingError(
                f"The loss is not finite in epoch {epoch + 1}, batch {batch + 1} of "
                f"{self.feed.steps_per_epoch}. {self._remedies()}. "
                f"Received: loss={loss}; files of the batch: {', '.join(paths)}."
            )

        watch = StepWatch(
            self.rate,
            epoch,
            self.config.epochs,
            stop,
            self.interrupt.check,
            self.learner.metric,
            self.feed.images,
            self.config.batch_size,
        )
        trained = self.learner.trained
        try:
            fitted = trained.fit(
                self.feed.training(epoch),
                epochs=epoch + 1,
                initial_epoch=epoch,
                shuffle=False,  # the data set has its order; True would only warn
                verbose=0,
                callbacks=[
                    watch,
                    *([KeepRawWeights()] if trained.optimizer.use_ema else []),
                    keras.callbacks.LambdaCallback(
                        on_train_batch_begin=self.callbacks.on_train_batch_begin,
                        on_train_batch_end=self.callbacks.on_train_batch_end,
                    ),
                ],
            )
        finally:
            watch.close()
        last = {name: values[-1] for name, values in fitted.history.items()}
        return self._named(last), watch.last_rate

    def _validate(self, done: int) -> dict[str, float]:
        if self.config.validation_split is None:
            return {}
        listener = keras.callbacks.LambdaCallback(
            on_test_batch_end=lambda batch, logs: self.interrupt.check()
        )
        logs = self.learner.trained.evaluate(
            self.feed.validation(), verbose=0, return_dict=True, callbacks=[listener]
        )
        if not math.isfinite(logs["loss"]):
            raise TrainingError(
                f"The validation loss is not finite after epoch {done}. "
                f"{self._remedies()}. "
                f"Received: loss={logs['loss']}."
            )
        return {f"val_{name}": value for name, value in self._named(logs).items()}

    def _named(self, logs: dict[str, float]) -> dict[str, float]:
        return {name: logs[name] for name in ("loss", self.learner.metric)}

    def _remedies(self) -> str:
        kept = "; the checkpoint of the last good epoch stays" if self.rows else ""
        return _REMEDIES + kept

    def _progress(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "config": self.config.to_dict(),
            "fingerprint": self.fingerprint,
            "left_out": self.data.left_out,
            "start_card": self.learner.start_card,
        }

    def _write_records(self) -> None:
        # Also for a finished run: it may have been killed between its checkpoint and these.
        write_history(self.folder.history, self.rows, self.learner.metric)
        self._draw_curves()

    def _draw_curves(self) -> None:
        draw_curves(self.folder.curves, self.rows, self.learner.unit, self.learner.metric)

    def _result(self, already_finished: bool = False) -> RunResult:
        return RunResult(
            self.folder.path,
            self.folder.model,
            tuple(self.rows),
            already_finished,
            self.learner.metric,
            stopped_early=self._done < self.config.epochs
            and is_stale(self.rows, self.config, self.learner.metric),
        )
